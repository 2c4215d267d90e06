// What gateways and history share through Redis, on a real server: present, lost, hanging, and back.
import {
  RedisLink,
  RedisPresence,
  RedisRateLimiter,
  RedisDeviceRegistry,
  RedisUserDirectory,
  type RedisState,
  RedisTail,
} from '@parley/adapters';
import { systemClock } from '@parley/std';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../servers/free-port.ts';
import { startRedis } from '../servers/redis-server.ts';
import type { ServerHandle } from '../servers/server-process.ts';
import { waitUntil } from '../servers/wait-until.ts';
import { describeMessageTail } from './message-tail.contract.ts';
import { describePresenceRegistry } from './presence-registry.contract.ts';
import { describeRateLimiter } from './rate-limiter.contract.ts';
import { describeDeviceRegistry } from './device-registry.contract.ts';
import { describeUserDirectory } from './user-directory.contract.ts';

let server: ServerHandle;
let link: RedisLink;
beforeAll(async () => {
  server = await startRedis();
  link = await readyLink(server.url);
});
afterAll(async () => {
  await link.stop();
  await server.stop();
});

async function readyLink(url: string): Promise<RedisLink> {
  // Tests share two cores: a slow machine is no hanging server.
  const made = new RedisLink({ url, limits: { callTimeoutMs: 5_000 } });
  await waitUntil(() => made.state === 'up', { what: 'Redis to be connected' });
  return made;
}

async function emptied(): Promise<RedisLink> {
  await link.call((redis) => redis.flushall());
  return link;
}

describeMessageTail('Redis', async (limits) => new RedisTail(await emptied(), limits));
describePresenceRegistry('Redis', async (limits) => new RedisPresence(await emptied(), systemClock, limits));
describeDeviceRegistry('Redis', async () => new RedisDeviceRegistry(await emptied()));
describeUserDirectory('Redis', async () => new RedisUserDirectory(await emptied()));
describeRateLimiter('Redis', async () => new RedisRateLimiter(await emptied(), systemClock));

it('reads many conversations in one round trip', async () => {
  const tail = new RedisTail(await emptied());
  const bytes = new Uint8Array([1]);
  await tail.append([{ tenant: 'acme', conversation: 'g.a', messages: [{ sequence: 1, bytes }] }]);
  const monitor = new Redis(server.url);
  const before = await packetsOf(monitor);
  await tail.read(
    'acme',
    Array.from({ length: 100 }, (_, i) => ({ conversation: `g.${i}`, from: 1, to: 9 })),
  );
  const after = await packetsOf(monitor);
  monitor.disconnect();
  // 100 commands, and at most a few reads of the socket (one of them the monitor's own).
  expect(after.commands - before.commands).toBeGreaterThanOrEqual(100);
  expect(after.reads - before.reads).toBeLessThan(10);
});

it('tells changes of routes that come together in a few calls, in order', async () => {
  const presence = new RedisPresence(await emptied(), systemClock);
  const routes = Array.from({ length: 300 }, (_, i) => ({
    tenant: 'acme',
    user: `u${i}`,
    device: 'd',
    gateway: 'g',
    connection: String(i),
  }));
  const monitor = new Redis(server.url);
  const before = await scriptsRun(monitor);
  const came = routes.map((route) => presence.connected(route));
  const went = routes.map((route) => presence.disconnected(route));
  for (const change of await Promise.all(came)) expect(change).toMatchObject({ value: { cameOnline: true } });
  for (const change of await Promise.all(went))
    expect(change).toMatchObject({ value: { wentOffline: true } });
  // 250 in each; the first may not be known to the server yet, and is sent whole then.
  expect((await scriptsRun(monitor)) - before).toBeLessThanOrEqual(4);
  monitor.disconnect();
});

async function scriptsRun(redis: Redis): Promise<number> {
  const info = await redis.info('commandstats');
  const calls = [...info.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].map(([, count]) => Number(count));
  return calls.reduce((sum, count) => sum + count, 0);
}

async function packetsOf(redis: Redis): Promise<{ commands: number; reads: number }> {
  const info = await redis.info('stats');
  const numberOf = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1]);
  return { commands: numberOf('total_commands_processed'), reads: numberOf('total_reads_processed') };
}

it('does not take a busy moment of its own process for a silent server', async () => {
  const own = new RedisLink({ url: server.url, limits: { callTimeoutMs: 50 } });
  await waitUntil(() => own.state === 'up', { what: 'Redis to be connected' });
  const calls = Array.from({ length: 10 }, () => own.call((redis) => redis.ping()));
  // They leave in this turn; nothing is read before it ends, long after their time is over.
  await new Promise<void>((resolve) => setImmediate(resolve));
  const busyUntil = performance.now() + 150;
  while (performance.now() < busyUntil);
  expect(await Promise.all(calls)).toEqual(calls.map(() => ({ ok: true, value: 'PONG' })));
  expect(own.state).toBe('up');
  await own.stop();
});

it('shares limits between gateways', async () => {
  const [one, other] = [await emptied(), await readyLink(server.url)];
  const limit = { name: 'shared', max: 4, windowMs: 60_000 };
  const limiters = [new RedisRateLimiter(one, systemClock), new RedisRateLimiter(other, systemClock)];
  let allowed = 0;
  for (let i = 0; i < 10; i++) if ((await limiters[i % 2]!.take(limit, 'k')).isAllowed) allowed++;
  expect(allowed).toBe(4);
  await other.stop();
});

describe('while Redis is away', () => {
  const links: RedisLink[] = [];
  const servers: ServerHandle[] = [];
  afterEach(async () => {
    for (const one of links.splice(0)) await one.stop();
    for (const one of servers.splice(0)) await one.stop();
  });

  const route = { tenant: 'acme', user: 'alice', device: 'd', gateway: 'g', connection: 'c' };
  const limit = { name: 'away', max: 2, windowMs: 60_000 };
  const batch = [
    { tenant: 'acme', conversation: 'g.a', messages: [{ sequence: 1, bytes: new Uint8Array([1]) }] },
  ];

  function linkTo(url: string) {
    const states: RedisState[] = [];
    const reasons: string[] = [];
    const made = new RedisLink({
      url,
      limits: { reconnectMinMs: 10, reconnectMaxMs: 100, breakerOpenMs: 100, callTimeoutMs: 300 },
      onState: (state, reason) => {
        states.push(state);
        reasons.push(reason);
      },
    });
    links.push(made);
    return { link: made, states, reasons };
  }

  async function expectDegraded(away: RedisLink): Promise<void> {
    const tail = new RedisTail(away);
    expect(await tail.append(batch)).toBe(false);
    expect(await tail.read('acme', [{ conversation: 'g.a', from: 1, to: 9 }])).toEqual([[]]);
    const presence = new RedisPresence(away, systemClock);
    expect(await presence.connected(route)).toEqual({ ok: false, error: 'STORE_AWAY' });
    expect(await presence.refresh([route])).toEqual({ ok: false, error: 'STORE_AWAY' });
    expect(await presence.query('acme', ['alice'])).toEqual({ ok: false, error: 'STORE_AWAY' });
    const limiter = new RedisRateLimiter(away, systemClock);
    const verdicts = [];
    for (let i = 0; i < 3; i++) verdicts.push((await limiter.take(limit, 'k')).isAllowed);
    expect(verdicts).toEqual([true, true, false]);
  }

  it('starts without it, says so once, and works when it comes', async () => {
    const port = await freePort();
    const { link: late, states, reasons } = linkTo(`redis://:secret@127.0.0.1:${port}`);
    await waitUntil(() => states.includes('away'), { what: 'the link to notice' });
    await expectDegraded(late);
    expect(states).toEqual(['away']);
    expect(reasons[0]).toContain('ECONNREFUSED');
    expect(reasons.join()).not.toContain('secret');
  });

  it('goes on when it dies, and again when it is back', async () => {
    const mine = await startRedis();
    servers.push(mine);
    const { link: lost, states } = linkTo(mine.url);
    await waitUntil(() => lost.state === 'up', { what: 'Redis to be connected' });
    const tail = new RedisTail(lost);
    expect(await tail.append(batch)).toBe(true);
    await mine.kill();
    await waitUntil(() => lost.state === 'away', { what: 'the link to notice' });
    await expectDegraded(lost);
    await mine.restart();
    await waitUntil(() => tail.append(batch), { what: 'the tail to be stored again' });
    expect(states).toEqual(['up', 'away', 'up']);
    // The scripts are gone from a fresh server, and are sent again.
    expect((await new RedisPresence(lost, systemClock).connected(route)).ok).toBe(true);
  });

  it('does not wait for one that hangs', async () => {
    const mine = await startRedis();
    servers.push(mine);
    const { link: hung, states } = linkTo(mine.url);
    await waitUntil(() => hung.state === 'up', { what: 'Redis to be connected' });
    process.kill(mine.pid, 'SIGSTOP');
    const tail = new RedisTail(hung);
    try {
      await waitUntil(async () => !(await tail.append(batch)) && hung.state === 'away', {
        what: 'the breaker to open',
        everyMs: 1,
      });
      const startMs = performance.now();
      for (let i = 0; i < 100; i++) await tail.append(batch);
      // At most a few of the hundred tried, each with its time limit.
      expect(performance.now() - startMs).toBeLessThan(2_500);
    } finally {
      process.kill(mine.pid, 'SIGCONT');
    }
    await waitUntil(() => tail.append(batch), { what: 'the tail to be stored again' });
    expect(states).toEqual(['up', 'away', 'up']);
  });
});
