// `npm run verify` on a real cluster: silent while people write and journals are trimmed, exact about what is damaged.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@parley/client';
import { connectNats, NatsJournal, openEmbeddedClickHouse } from '@parley/adapters';
import { decodeDirectEvent, placementRules, streams } from '@parley/protocol';
import { Placement, decodeCommit } from '@parley/runtime';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, projectFolder, startCluster } from '../servers/index.ts';
import { Chatter, stopAll } from './chatter.ts';
import { People, type Person, direct, manyUsersFromOneAddress, untilTail, upTo } from './people.ts';

/** Of each kind. */
const shards = 4;

let cluster: Cluster;
let people: People;
let persons: Person[];

beforeAll(async () => {
  cluster = await startCluster({
    env: {
      ...manyUsersFromOneAddress,
      PARLEY_CLUSTER_SHARDS: String(shards),
      PARLEY_GROUP_LARGE_FROM: '4',
      PARLEY_GROUP_SMALL_TO: '2',
      // Snapshots are written and journals trimmed while we look.
      PARLEY_ACTOR_CHECKPOINT_EVERY_MS: '1000',
    },
  });
  people = new People(cluster);
  persons = await people.registerAll(...upTo(4).map((number) => `person${number}`));
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

interface Run {
  readonly exitCode: number | null;
  readonly figures: {
    readonly differences: number;
    readonly codes: Readonly<Record<string, number>>;
    readonly found: readonly {
      readonly code: string;
      readonly subject: string;
      readonly sequences: string;
    }[];
    readonly [name: string]: unknown;
  };
  readonly stderr: string;
}

async function verify(...args: string[]): Promise<Run> {
  const node = path.join(projectFolder, 'node_modules/.bin/node');
  const file = path.join(projectFolder, 'tools/verify.ts');
  const flags = ['--conditions=source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(node, [...flags, file, '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PARLEY_NATS_URL: '' },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  const nothing = { differences: 0, codes: {}, found: [] };
  const figures = (output.stdout === '' ? nothing : JSON.parse(output.stdout)) as Run['figures'];
  return { exitCode, figures, stderr: output.stderr };
}

/** `code subject #sequences`, as far as the test is about it. */
const told = ({ figures }: Run, ...codes: string[]): string[] =>
  figures.found
    .filter(({ code }) => codes.includes(code))
    .map(({ code, subject, sequences }) => `${code} ${subject} #${sequences}`);

/** Gives one message another text again and again, with a breath between; `stop` answers how often. */
function editAllTheTime(device: Client, conversation: string, sequence: number) {
  let count = 0;
  let isStopping = false;
  const editing = (async () => {
    while (!isStopping) {
      await device.edit(conversation, sequence, `version ${++count}`);
      await delay(50);
    }
  })();
  const stop = async () => {
    isStopping = true;
    await editing;
    return count;
  };
  return { stop };
}

it('finds nothing while people write, and names exactly what was damaged', { timeout: 60_000 }, async () => {
  const [ann, ben, cat, dan] = persons as [Person, Person, Person, Person];
  const devices = await Promise.all(persons.map((person) => person.connect()));
  const [annsDevice, bensDevice] = devices as [(typeof devices)[0], (typeof devices)[0]];
  const small = (await ann.api.createGroup({ title: 'small', members: [ben.id] })).conversation;
  const large = (await ann.api.createGroup({ title: 'large', members: [ben.id, cat.id, dan.id] }))
    .conversation;
  const pair = direct(ann, ben);
  const chatters = [Chatter.start(annsDevice, pair), Chatter.start(devices[2]!, large)];
  const sent = await Promise.all(
    upTo(5).map((number) => bensDevice.send(small, `to the small group ${number}`)),
  );
  const rich = { file: { ref: 'media/1', name: 'a.pdf' }, mentions: [ann.id] };
  const file = await bensDevice.send(small, { text: 'read this', rich });
  await bensDevice.edit(small, file.sequence, { text: 'read it', mentions: [cat.id] });
  await bensDevice.recall(small, sent[1]!.sequence);
  const editor = editAllTheTime(bensDevice, small, sent[0]!.sequence);
  await Promise.all(chatters.map((chatter) => chatter.more(30)));

  const { wsUrl } = cluster.gateways[0]!;
  const calm = await verify('--data', cluster.dataFolder, '--url', wsUrl, '--token', ann.token);
  await Promise.all(chatters.map((chatter) => chatter.more(5)));
  expect(await editor.stop()).toBeGreaterThan(5);
  expect(calm.figures.found, calm.stderr).toEqual([]);
  expect(calm.exitCode, calm.stderr).toBe(0);
  expect(calm.figures).toMatchObject({
    differences: 0,
    unverified: [],
    shards: 2 * shards,
    conversations: 3,
  });
  for (const compared of ['live_answers', 'history_messages', 'snapshots', 'device_messages'])
    expect(calm.figures[compared], compared).toBeGreaterThan(0);

  await stopAll(chatters);
  const history = cluster.app('history');
  await history.stop();
  const clickHouse = await openEmbeddedClickHouse({ folder: path.join(cluster.dataFolder, 'clickhouse') });
  await clickHouse.execute(
    `DELETE FROM parley.messages WHERE conversation = '${pair}' AND sequence BETWEEN 3 AND 6`,
  );
  await clickHouse.close();
  // Without history nothing is trimmed: the record that is deleted is there to be missed.
  const lonely = direct(cat, dan);
  for (const number of upTo(5)) await devices[2]!.send(lonely, `to dan ${number}`);
  await untilTail(devices[3]!, lonely, 5);
  await deleteRecordOf(lonely, 3);
  const damaged = await verify('--data', cluster.dataFolder, '--skip', 'history');
  // Where no snapshot is newer than the damage, the position in cat's inbox is named too.
  const missing = told(damaged, 'journal-missing').filter((line) => !line.includes(' inbox '));
  expect(missing, damaged.stderr).toEqual([`journal-missing ${lonely} #3`]);
  expect(damaged.figures.found.map(({ code }) => code)).toContain('journal-hole');
  expect(damaged.exitCode).toBe(1);

  await history.start();
  const holed = await verify('--nats', cluster.natsUrl, '--conversation', pair);
  expect(told(holed, 'history-missing'), holed.stderr).toEqual([`history-missing ${pair} #3-6`]);
  expect(holed.figures.codes['history-missing']).toBe(4);
  expect(holed.exitCode).toBe(1);
});

it('says in one line that there is nothing to verify', async () => {
  const nowhere = await verify('--nats', 'nats://127.0.0.1:1');
  expect(nowhere.exitCode).toBe(2);
  expect(nowhere.stderr.trim().split('\n')).toHaveLength(1);
  expect((await verify('--conversation', 'nonsense')).exitCode).toBe(2);
});

/** Removes the journal record that has the message, as a damaged disk would. */
async function deleteRecordOf(conversation: string, sequence: number): Promise<void> {
  const id = conversation.slice(2);
  const parts = 4;
  const link = await connectNats(cluster.natsUrl, { name: 'test' });
  try {
    const placement = new Placement(placementRules, { user: shards, group: shards });
    const shard = placement.shardOf({ type: 'direct', tenant: 'default', id });
    for await (const record of new NatsJournal(link, { parts }).read(shard, 1)) {
      const isIt = decodeCommit(record.bytes).events.some(({ type, ids, payload }) => {
        if (type !== 'direct' || !ids.includes(id)) return false;
        const event = decodeDirectEvent(payload);
        return event.type === 'MessagePosted' && event.sequence === sequence;
      });
      if (!isIt) continue;
      await link.bulk.jsm.streams.deleteMessage(
        streams.journal(shard.kind, shard.index % parts),
        record.sequence,
      );
      return;
    }
    throw new Error(`no record has ${conversation} #${sequence}`);
  } finally {
    await link.close();
  }
}
