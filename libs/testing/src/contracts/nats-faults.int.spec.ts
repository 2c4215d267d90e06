// What the NATS adapters do when the server or the wire fails. Each test has a server of its own.
import { type NatsStatus, NatsUnusable, connectNats } from '@parley/adapters';
import type { KeyValueChange } from '@parley/runtime';
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../servers/free-port.ts';
import { startNats } from '../servers/nats-server.ts';
import { waitUntil } from '../servers/wait-until.ts';
import { natsBench } from './nats-bench.ts';
import { bytesOf, textOf } from './port-bench.ts';
import { startTcpProxy } from '../servers/tcp-proxy.ts';

const cleanUp: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).toReversed()) await task();
});

async function openBench() {
  const server = await startNats();
  cleanUp.push(() => server.stop());
  const bench = await natsBench({ url: server.url });
  cleanUp.push(() => bench.stop());
  const proxy = await startTcpProxy(server.port);
  cleanUp.push(() => proxy.stop());
  return { server, bench, proxy, proxyUrl: `nats://127.0.0.1:${proxy.port}` };
}

describe('when NATS is killed and started again', () => {
  test('a command reader continues without skipping or repeating', async () => {
    const { server, bench } = await openBench();
    const shard = bench.freshShard();
    const { commandLog } = await bench.node('sender');
    const reader = (await bench.node('reader')).commandLog.read(shard, 0);
    const seen: number[] = [];
    const reading = (async () => {
      for (let taken = await reader.take(10); taken.length > 0; taken = await reader.take(10)) {
        seen.push(...taken.map(({ bytes }) => Number(textOf(bytes))));
      }
    })();
    const publish = (number: number) =>
      waitUntil(() => commandLog.publish(shard, bytesOf(`${number}`)).then(() => true), {
        what: `command ${number} is stored`,
        limitMs: 20_000,
      });
    for (let number = 0; number < 50; number++) await publish(number);
    await server.kill();
    const restarted = server.restart();
    for (let number = 50; number < 100; number++) await publish(number);
    await restarted;
    await waitUntil(() => seen.at(-1) === 99, { what: 'the last command is read', limitMs: 20_000 });
    reader.stop();
    await reading;
    // A publish whose answer was lost is repeated by its sender and so stored twice: that is not the reader's doing.
    expect(seen.filter((number, i) => number !== seen[i - 1])).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
    expect(seen.length).toBeLessThanOrEqual(101);
  });

  test('a watch learns what happened meanwhile', async () => {
    const { server, bench } = await openBench();
    const own = await (await bench.node('own')).keyValues.bucket('faults');
    const watcher = await (await bench.node('watcher')).keyValues.bucket('faults');
    const first = await own.write('a', bytesOf('one'), 0);
    await own.write('b', bytesOf('one'), 0);
    const state = new Map<string, string | undefined>();
    const changes: KeyValueChange[] = [];
    const watch = await watcher.watch((change) => {
      changes.push(change);
      state.set(change.key, textOf(change.entry?.value));
    });
    cleanUp.push(() => watch.stop());
    await server.kill();
    await server.restart();
    const revision = first.outcome === 'written' ? first.revision : 0;
    await waitUntil(async () => (await own.write('a', bytesOf('two'), revision)).outcome === 'written', {
      what: 'the write goes through',
    });
    await own.delete('b');
    await waitUntil(() => state.get('a') === 'two' && state.get('b') === undefined, {
      what: 'the watch has both changes',
    });
    expect(changes.map(({ key, entry }) => `${key} ${textOf(entry?.value)}`)).toEqual([
      'a one',
      'b one',
      'a two',
      'b undefined',
    ]);
  });
});

describe('when a reader goes deaf', () => {
  test('it opens a new consumer and misses nothing', async () => {
    const { bench } = await openBench();
    const shard = bench.freshShard();
    const { commandLog, link, restarts } = await bench.node('own');
    const reader = commandLog.read(shard, 0);
    cleanUp.push(() => reader.stop());
    await commandLog.publish(shard, bytesOf('before'));
    expect(await reader.take(1)).toHaveLength(1);
    const stream = 'CMD_USER_0';
    for await (const { name } of link.control.jsm.consumers.list(stream)) {
      await link.control.jsm.consumers.delete(stream, name);
    }
    await commandLog.publish(shard, bytesOf('after'));
    expect((await reader.take(1)).map(({ bytes }) => textOf(bytes))).toEqual(['after']);
    expect(restarts).toHaveLength(1);
  });
});

describe('when the answer to an append is lost', () => {
  test('the owner finds its commit as the last record', async () => {
    const { bench, proxy, proxyUrl } = await openBench();
    const shard = bench.freshShard();
    const { journal } = await bench.node('owner', proxyUrl);
    expect((await journal.append(shard, 0, 'warm', bytesOf('warm'))).outcome).toBe('committed');
    const last = (await journal.last(shard))?.sequence ?? 0;
    proxy.swallowAnswers();
    const result = await journal.append(shard, last, 'mine', bytesOf('mine'));
    expect(result.outcome).toBe('unknown');
    proxy.heal();
    const found = await waitUntil(() => journal.last(shard), {
      what: 'the journal answers',
      limitMs: 20_000,
    });
    expect(textOf(found.bytes)).toBe('mine');
    const again = await journal.append(shard, last, 'mine', bytesOf('mine'));
    expect(['conflict', 'committed']).toContain(again.outcome);
  });

  test('a request that was lost is stored by its repetition, once', async () => {
    const { bench, proxy, proxyUrl } = await openBench();
    const shard = bench.freshShard();
    const { journal } = await bench.node('owner', proxyUrl);
    expect((await journal.append(shard, 0, 'warm', bytesOf('warm'))).outcome).toBe('committed');
    const last = (await journal.last(shard))?.sequence ?? 0;
    proxy.swallowRequests();
    expect((await journal.append(shard, last, 'mine', bytesOf('mine'))).outcome).toBe('unknown');
    proxy.heal();
    const before = await waitUntil(() => journal.last(shard), {
      what: 'the journal answers',
      limitMs: 20_000,
    });
    expect(before.sequence).toBe(last);
    expect((await journal.append(shard, last, 'mine', bytesOf('mine'))).outcome).toBe('committed');
  });
});

describe('when a process is cut off', () => {
  test('its calls say so at once, requests to it find nobody, and nothing it wanted lands later', async () => {
    const { bench, proxy, proxyUrl } = await openBench();
    const shard = bench.freshShard();
    const zombie = await bench.node('zombie', proxyUrl);
    const owner = await bench.node('owner');
    const last = await zombie.journal.append(shard, 0, 'z-1', bytesOf('zombie 1'));
    expect(last.outcome).toBe('committed');
    const subscription = zombie.messenger.subscribe('node.zombie', (_, respond) => respond(bytesOf('alive')));
    await zombie.messenger.flush();
    expect((await owner.messenger.request('node.zombie', bytesOf(''), 1_000)).outcome).toBe('answered');

    proxy.cut();
    await waitUntil(() => !zombie.messenger.isConnected, { what: 'the zombie notices' });
    const refused = await zombie.journal.append(shard, 1, 'z-2', bytesOf('zombie 2'));
    expect(refused.outcome).toBe('unknown');
    expect((await zombie.messenger.request('node.owner', bytesOf(''), 1_000)).outcome).toBe('disconnected');
    zombie.commandLog.offer(shard, bytesOf('zombie offer'));
    await expect(zombie.commandLog.publish(shard, bytesOf('zombie publish'))).rejects.toThrow(
      'not connected',
    );
    expect((await owner.messenger.request('node.zombie', bytesOf(''), 1_000)).outcome).toBe('no-responders');
    const sequence = (await owner.journal.last(shard))?.sequence ?? 0;
    expect((await owner.journal.append(shard, sequence, 'o-1', bytesOf('epoch 2'))).outcome).toBe(
      'committed',
    );

    proxy.heal();
    await waitUntil(() => zombie.messenger.isConnected, { what: 'the zombie is back', limitMs: 20_000 });
    expect((await zombie.journal.append(shard, sequence, 'z-2', bytesOf('zombie 2'))).outcome).toBe(
      'conflict',
    );
    await waitUntil(
      async () => (await owner.messenger.request('node.zombie', bytesOf(''), 1_000)).outcome === 'answered',
      { what: 'the subscription is back' },
    );
    subscription.stop();
    const reader = owner.commandLog.read(shard, 0);
    await owner.commandLog.publish(shard, bytesOf('owner'));
    expect((await reader.take(10)).map(({ bytes }) => textOf(bytes))).toEqual(['owner']);
    reader.stop();
  });
});

describe('at start', () => {
  test('a process waits for a server that is away and tells the operator', async () => {
    const port = await freePort();
    const statuses: NatsStatus[] = [];
    const connecting = connectNats(`nats://user:secret@127.0.0.1:${port}`, {
      name: 'early',
      onStatus: (status) => statuses.push(status),
    });
    await waitUntil(() => statuses.length > 0, { what: 'the first status' });
    const server = await startNats({ port });
    cleanUp.push(() => server.stop());
    const link = await connecting;
    expect(statuses[0]?.state).toBe('waiting');
    expect(statuses[0]?.message).toContain(`127.0.0.1:${port}`);
    expect(statuses[0]?.message).not.toContain('secret');
    expect(statuses.filter(({ state }) => state === 'connected')).toHaveLength(2);
    expect(link.isConnected).toBe(true);
    await link.close();
    await waitUntil(() => statuses.filter(({ state }) => state === 'closed').length === 2, {
      what: 'closed',
    });
    expect(link.isConnected).toBe(false);
  });

  test('a process gives up when the server stays away', async () => {
    const port = await freePort();
    await expect(
      connectNats(`nats://127.0.0.1:${port}`, { name: 'early', startTimeoutMs: 100 }),
    ).rejects.toThrow('did not answer within 100 ms');
  });

  test.for([
    ['too old', { version: '2.9.10', jetstream: true }, 'too old'],
    ['without JetStream', { version: '2.15.1', jetstream: false }, 'without JetStream'],
  ] as const)('a server that is %s is refused with a clear error', async ([, info, text]) => {
    const { url } = await pretendServer(info);
    const connecting = connectNats(url, { name: 'early' });
    await expect(connecting).rejects.toThrow(text);
    await expect(connecting).rejects.toBeInstanceOf(NatsUnusable);
  });

  test.for([
    ['us%40er:p%3Ass@', { user: 'us@er', pass: 'p:ss' }],
    ['token@', { auth_token: 'token' }],
    ['', {}],
  ] as const)('credentials in the URL are used: %s', async ([prefix, expected]) => {
    const { port, connects } = await pretendServer({
      version: '2.15.1',
      jetstream: true,
      auth_required: true,
    });
    const link = await connectNats(`nats://${prefix}127.0.0.1:${port}`, { name: 'early' });
    await link.close();
    expect(connects[0]).toMatchObject({ name: 'early.control', ...expected });
  });
});

/** Says hello like a NATS server with this INFO, and keeps what clients say in CONNECT. */
async function pretendServer(info: object) {
  const connects: unknown[] = [];
  const server = createServer((socket) => {
    const hello = { server_id: 'X', headers: true, max_payload: 1_048_576, ...info };
    socket.write(`INFO ${JSON.stringify(hello)}\r\n`);
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().split('\r\n')) {
        if (line.startsWith('CONNECT ')) connects.push(JSON.parse(line.slice('CONNECT '.length)));
        if (line === 'PING') socket.write('PONG\r\n');
      }
    });
    socket.on('error', () => socket.destroy());
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  cleanUp.push(() => new Promise((resolve) => server.close(resolve)));
  return { port, url: `nats://127.0.0.1:${port}`, connects };
}
