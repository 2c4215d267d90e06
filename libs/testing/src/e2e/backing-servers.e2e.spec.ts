// NATS, Redis and the history store missing, wrong or too old, at start and later: one clear line for the operator,
// retryable errors for clients, and everything goes on when they are back.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Client } from '@parley/client';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  type AppName,
  type Cluster,
  type NatsHandle,
  type ServerHandle,
  appNames,
  freePort,
  projectFolder,
  startCluster,
  startNats,
  startRedis,
  waitUntil,
} from '../servers/index.ts';
import { Chatter, flawsOf, stopAll } from './chatter.ts';
import { type ImpostorOptions, startImpostorNats } from './impostor-nats.ts';
import {
  type Person,
  People,
  direct,
  manyUsersFromOneAddress,
  sequencesOf,
  textsOf,
  untilTail,
  upTo,
} from './people.ts';
import { RawSocket } from './raw-socket.ts';

/** What has to be stopped after each test, newest first. */
const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of undo.splice(0).reverse()) await stop();
});

const env = { ...manyUsersFromOneAddress, PARLEY_GATEWAY_COMMAND_TIMEOUT_MS: '1500' };

/** Lines of one app that have all the words. */
const linesWith = (lines: readonly string[], label: string, ...words: RegExp[]): string[] =>
  lines.filter((line) => line.startsWith(label) && words.every((word) => word.test(line)));

/** Two users who write to each other, and read what was written. */
async function talk(cluster: Cluster) {
  const people = new People(cluster);
  undo.push(() => people.closeAll());
  const [alice, bob] = await people.registerAll(`alice-${++talks}`, `bob-${talks}`);
  const [atAlice, atBob] = await Promise.all([alice.connect(), bob.connect({ encoding: 'json' })]);
  const conversation = direct(alice, bob);
  await atAlice.send(conversation, 'hello');
  const { sequence } = await atBob.send(conversation, 'hello yourself');
  await untilTail(atAlice, conversation, sequence);
  expect(textsOf(atAlice, conversation)).toEqual(['hello', 'hello yourself']);
  return { alice, bob, atAlice, atBob, conversation };
}
let talks = 0;

async function untilSeenOnline(watcher: Client, person: Person): Promise<void> {
  await waitUntil(
    async () => {
      const late = await person.connect();
      const [presence] = await watcher.presence([person.id]);
      late.close();
      return presence?.online;
    },
    { what: 'presence is told', everyMs: 200 },
  );
}

async function refusedBy(socket: RawSocket, frame: Parameters<RawSocket['ask']>[0]) {
  const { error } = await socket.ask(frame);
  return { code: error?.code, retryable: error?.retryable };
}

const refusedWith = (codes: RegExp) => ({ code: expect.stringMatching(codes) as string, retryable: true });

const refusalOf = (operation: Promise<unknown>): Promise<unknown> =>
  operation.then(
    () => 'it was done',
    (error: unknown) => error,
  );

/** One cluster through it all: its servers come late, go away one after another, and come back. */
describe('a cluster', () => {
  const lines: string[] = [];
  let cluster: Cluster;
  let nats: NatsHandle;
  let redis: ServerHandle;

  afterAll(async () => {
    await cluster?.stop();
    await redis?.stop();
    await nats?.stop();
  });

  const raw = async (person: Person): Promise<RawSocket> => {
    const socket = await RawSocket.hello(cluster.gateways[0]!.wsUrl, person.token);
    undo.push(() => socket.close());
    return socket;
  };

  it('whose NATS is missing at the start waits for it, which each process says once, and does without Redis', async () => {
    const [natsPort, redisPort] = [await freePort(), await freePort()];
    const starting = startCluster({
      natsUrl: `nats://127.0.0.1:${natsPort}`,
      redisUrl: `redis://127.0.0.1:${redisPort}`,
      env,
      log: (line) => lines.push(line),
    });
    const labels = ['history-1', 'session-actor-1', 'group-actor-1'];
    const waits = (label: string) =>
      linesWith(lines, label, new RegExp(`waiting for NATS at nats://127.0.0.1:${natsPort}`));
    await waitUntil(() => labels.every((label) => waits(label).length > 0), {
      what: 'all say what is missing',
      limitMs: 30_000,
    });
    nats = await startNats({ port: natsPort });
    cluster = await starting;
    for (const label of labels) {
      expect(waits(label)).toHaveLength(1);
      expect(linesWith(lines, label, /error:|fatal:/)).toEqual([]);
    }

    const { atAlice, alice, bob, conversation } = await talk(cluster);
    expect((await atAlice.history({ conversation })).messages).toHaveLength(2);
    expect((await bob.api.user(alice.id)).exists).toBe(true);
    expect(linesWith(lines, 'gateway-1', /redis away/i, /ECONNREFUSED/)).toHaveLength(1);
    expect(linesWith(lines, 'history-1', /redis away/i, /ECONNREFUSED/)).toHaveLength(1);
    redis = await startRedis({ port: redisPort });
    await untilSeenOnline(atAlice, bob);
  });

  it('whose NATS goes away answers with retryable errors, and goes on when it is back', async () => {
    const { alice, bob, conversation, atBob } = await talk(cluster);
    const atAlice = await raw(alice);
    const ready = async () => (await fetch(`${cluster.gateways[0]!.httpUrl}/health/ready`)).status;
    lines.length = 0;
    await nats.kill();
    await waitUntil(async () => (await ready()) === 503, { what: 'the gateway is not ready' });
    const send = { send: { conversation, clientMessageId: 'while-away', text: 'is anybody there' } };
    const answers = await Promise.all([
      refusedBy(atAlice, send),
      refusedBy(atAlice, { history: { conversation } }),
      refusedBy(atAlice, { sync: {} }),
      refusedBy(atAlice, { read: { conversation, sequence: 1 } }),
    ]);
    const isAway = refusedWith(/^(TIMEOUT|UNAVAILABLE|BUSY)$/);
    for (const answer of answers) expect(answer).toEqual(isAway);
    expect((await atAlice.ask({ ping: {} })).pong).toBeTruthy();
    const stranger = await RawSocket.open(cluster.gateways[0]!.wsUrl);
    undo.push(() => stranger.close());
    expect(await refusedBy(stranger, { hello: { token: bob.token, deviceId: 'new' } })).toEqual(isAway);
    expect(await refusalOf(alice.api.search({ q: 'hello' }))).toMatchObject({ retryable: true });
    // A patient client just waits.
    const patient = atBob.send(conversation, 'sent while NATS was away');

    await nats.restart();
    const { sequence } = await patient;
    const sent = await waitUntil(async () => (await atAlice.ask(send)).sent, {
      what: 'the same connection can send again',
      limitMs: 40_000,
      everyMs: 100,
    });
    expect(await ready()).toBe(200);
    const witness = await bob.connect();
    await untilTail(witness, conversation, Math.max(sequence, sent.sequence ?? 0), 30_000);
    expect(textsOf(witness, conversation).toSorted()).toEqual([
      'hello',
      'hello yourself',
      'is anybody there',
      'sent while NATS was away',
    ]);
    for (const { label } of cluster.apps) {
      // One for each of its two connections.
      expect([label, linesWith(lines, label, /nats disconnected/i).length]).toEqual([label, 2]);
    }
  });

  it('whose Redis goes away makes nothing wrong, and does not miss its data when it is back empty', async () => {
    const { alice, bob, atAlice, atBob, conversation } = await talk(cluster);
    const chatters = [Chatter.start(atAlice, conversation), Chatter.start(atBob, conversation)];
    await Promise.all(chatters.map((chatter) => chatter.more(10)));
    await redis.kill();
    await Promise.all(chatters.map((chatter) => chatter.more(10)));
    const page = await atAlice.history({ conversation, before: 12, limit: 10 });
    expect(page.messages.map(({ sequence }) => sequence)).toEqual(upTo(11, 2));
    expect(await refusedBy(await raw(alice), { presenceQuery: { users: [bob.id] } })).toEqual({
      code: 'UNAVAILABLE',
      retryable: true,
    });
    const withoutRedis = await alice.connect();
    expect((await alice.api.conversations()).length).toBe(1);
    await redis.restart();
    await Promise.all(chatters.map((chatter) => chatter.more(10)));
    const acked = await stopAll(chatters);
    expect(await flawsOf([atAlice, atBob, withoutRedis], conversation, acked)).toEqual([]);
    await untilSeenOnline(atAlice, bob);
  });

  it('whose history is away goes on live; old history says so, and is complete when it is back', async () => {
    const { alice, bob, atAlice, conversation } = await talk(cluster);
    // More than the owner of a conversation keeps of it.
    let head = 2;
    while (head < 400) {
      const batch = upTo(50).map((index) => atAlice.send(conversation, `old ${head} ${index}`));
      head = Math.max(...(await Promise.all(batch)).map(({ sequence }) => sequence));
    }
    await untilIndexed(alice, conversation, head);
    await cluster.app('history').kill();
    // Redis comes back empty, and a new gateway remembers nothing.
    await redis.restart();
    await cluster.app('gateway').restart();

    const again = await raw(alice);
    const isAway = refusedWith(/^HISTORY_(UNAVAILABLE|BEHIND)$/);
    expect(await refusedBy(again, { history: { conversation, before: 20 } })).toEqual(isAway);
    expect(await refusedBy(again, { sync: { inboxPosition: 1 } })).toEqual(isAway);
    const noSearch = { code: 'HISTORY_UNAVAILABLE', retryable: true };
    expect(await refusalOf(alice.api.search({ q: 'old' }))).toMatchObject(noSearch);
    const text = 'sent while history was away';
    const live = await again.ask({ send: { conversation, clientMessageId: 'live', text } });
    expect(live.sent?.sequence).toBe(head + 1);
    const newest = await again.ask({ history: { conversation, limit: 5 } });
    const sequences = newest.historyPage?.messages?.map(({ sequence }) => sequence);
    expect(sequences).toEqual(upTo(head + 1, head - 3));

    await cluster.app('history').start();
    await untilIndexed(alice, conversation, head + 1);
    const { hits } = await alice.api.search({ q: text });
    expect(hits.map(({ sequence }) => sequence)).toEqual([head + 1]);
    const witness = await bob.connect();
    await untilTail(witness, conversation, head + 1, 30_000);
    expect(sequencesOf(witness, conversation)).toEqual(upTo(head + 1));
  });

  it('with the embedded engine refuses a second history process, and the first goes on', async () => {
    const second = runAlone('history', {
      PARLEY_NATS_URL: nats.url,
      PARLEY_REDIS_URL: redis.url,
      PARLEY_DATA_FOLDER: cluster.dataFolder,
    });
    const { output, code } = await second.ended();
    expect(code).toBe(1);
    // The engine itself has a line of its own to say.
    const [line, ...others] = fatalLines(output).filter((one) => one.startsWith('{'));
    expect([line, others]).toEqual([expect.stringMatching(/another process \(\d+\) is using/), []]);
    expect(cluster.app('history').isRunning()).toBe(true);
  });

  it('refuses a second `npm start` on its data folder, and goes on', async () => {
    const args = ['--conditions=source', 'tools/start.ts', '--data', cluster.dataFolder];
    const { output, code } = await run(args, {}).ended();
    expect(output).toContain(`is used by another Parley (process ${process.pid})`);
    expect(output).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
    await talk(cluster);
  });
});

describe('a cluster that was told the wrong password of Redis and the wrong address of ClickHouse', () => {
  it('says so once, and live messaging does without', async () => {
    const redis = await startRedis();
    undo.push(() => redis.stop());
    const lines: string[] = [];
    const cluster = await startCluster({
      redisUrl: redis.url.replace('//', '//nobody:open-sesame@'),
      clickhouseUrl: 'http://parley:open-sesame@127.0.0.1:1',
      env,
      log: (line) => lines.push(line),
    });
    undo.push(() => cluster.stop());
    const { alice } = await talk(cluster);
    await waitUntil(() => linesWith(lines, 'history-1', /ClickHouse is away/, /ECONNREFUSED/).length > 0, {
      what: 'it is said',
    });
    expect(await refusalOf(alice.api.search({ q: 'hello' }))).toMatchObject({
      code: 'HISTORY_UNAVAILABLE',
      retryable: true,
    });
    for (const label of ['gateway-1', 'history-1']) {
      expect(linesWith(lines, label, /redis away/i)).toHaveLength(1);
      expect(linesWith(lines, label, /redis away/i, /WRONGPASS/)).toHaveLength(1);
    }
    expect(linesWith(lines, 'history-1', /ClickHouse is away/)).toHaveLength(1);
    expect(lines.join('\n')).not.toContain('open-sesame');
  });
});

describe('a process', () => {
  const unusable: [string, ImpostorOptions, RegExp, AppName[]][] = [
    [
      'whose NATS is too old',
      { version: '2.9.25' },
      /NATS server 2\.9\.25 at \S+ is too old: 2\.12\.0 is needed/,
      [...appNames],
    ],
    [
      'whose NATS runs without JetStream',
      { jetstream: false },
      /runs without JetStream; start it with -js/,
      ['session-actor'],
    ],
    [
      'whose NATS refuses the credentials',
      { refusesCredentials: true },
      /NATS at \S+ refused our credentials/,
      ['history', 'gateway'],
    ],
  ];

  it.each(unusable)('%s ends with one clear line', async (_, options, reason, apps) => {
    const impostor = await startImpostorNats(options);
    undo.push(() => impostor.close());
    const natsUrl = impostor.url.replace('//', '//parley:open-sesame@');
    const ends = await Promise.all(apps.map((app) => runAlone(app, { PARLEY_NATS_URL: natsUrl }).ended()));
    for (const { output, code } of ends) {
      expect(code).toBe(1);
      expect(fatalLines(output)).toEqual([expect.stringMatching(reason)]);
      expect(output).not.toContain('open-sesame');
    }
  });

  it('whose NATS cannot be found by its name waits, with the name in the line', async () => {
    const gateway = runAlone('gateway', { PARLEY_NATS_URL: 'parley:open-sesame@nats.invalid:4222' });
    const looks = /"waiting for NATS at nats\.invalid:4222 since \d+ ms: [^"]*(ENOTFOUND|EAI_AGAIN)/;
    await waitUntil(() => looks.test(gateway.output()), { what: 'it says where it looks', limitMs: 20_000 });
    expect(gateway.output()).not.toContain('open-sesame');
  });

  it('with a wrong configuration is told all mistakes at once', async () => {
    const common = {
      PARLEY_CLUSTER_SHARDS: 'many',
      PARLEY_NATS_REPLICAS: '9',
      PARLEY_LOG_LEVEL: 'loud',
      PARLEY_REDIS_URL: '',
      PARLEY_OPERATIONS_PORT: '-1',
    };
    const perApp: Partial<Record<AppName, Record<string, string>>> = {
      history: { PARLEY_HISTORY_BATCH_AGE_MS: '0' },
      'session-actor': { PARLEY_ACTOR_LEASE_TTL_MS: 'x' },
      gateway: { PARLEY_GATEWAY_TEXT_BYTES_MAX: '99999999', PARLEY_AUTH_ISSUERS: '{' },
    };
    await Promise.all(
      Object.entries(perApp).map(async ([app, more]) => {
        const { output, code } = await runAlone(app as AppName, { ...common, ...more }).ended();
        const [line, ...others] = fatalLines(output);
        for (const name of Object.keys({ ...common, ...more })) expect(line).toContain(`${name}: `);
        expect([others, code]).toEqual([[], 1]);
      }),
    );
  });

  it('whose settings contradict each other is told so', async () => {
    const { output, code } = await runAlone('gateway', {
      PARLEY_GATEWAY_KEEP_ALIVE_MS: '50000',
      PARLEY_GROUP_SMALL_TO: '600',
    }).ended();
    const [line] = fatalLines(output);
    expect(line).toContain('PARLEY_GATEWAY_KEEP_ALIVE_MS: must be at most half of PARLEY_GATEWAY_IDLE_MS');
    expect(line).toContain('PARLEY_GROUP_SMALL_TO: must be below PARLEY_GROUP_LARGE_FROM');
    expect(code).toBe(1);
  });
});

/** One app without a cluster. Stopped after the test if it has not ended by itself. */
const runAlone = (app: AppName, more: Readonly<Record<string, string>>): Running => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'parley-alone-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  return run([path.join(projectFolder, 'apps', app, 'dist/main.js')], {
    PARLEY_NODE_ID: 'alone',
    PARLEY_NATS_URL: 'nats://127.0.0.1:1',
    PARLEY_REDIS_URL: 'redis://127.0.0.1:1',
    PARLEY_DATA_FOLDER: folder,
    ...more,
  });
};

interface Running {
  output(): string;
  ended(): Promise<{ readonly output: string; readonly code: number | null }>;
}

function run(args: readonly string[], more: Readonly<Record<string, string>>): Running {
  const child = spawn(path.join(projectFolder, 'node_modules/.bin/node'), args, {
    cwd: projectFolder,
    env: { ...process.env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  undo.push(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    output: () => output,
    ended: () => closed.then((code) => ({ output, code })),
  };
}

/** What an operator sees as wrong: error and fatal lines, and whatever is not from the log. */
const fatalLines = (output: string): string[] =>
  output.split('\n').filter((line) => line !== '' && !/^\{"level":"(info|warn)"/.test(line));

/** Waits until the index covers the conversation up to the sequence. */
async function untilIndexed(person: Person, conversation: string, sequence: number): Promise<void> {
  await waitUntil(
    async () => {
      const { completeThrough } = await person.api.search({ q: 'anything', conversation });
      return completeThrough.some((one) => one.conversation === conversation && one.sequence >= sequence);
    },
    { what: `${conversation} is indexed up to ${sequence}`, limitMs: 30_000, everyMs: 100 },
  );
}
