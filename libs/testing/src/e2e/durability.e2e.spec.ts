// A flipped bit in a journal of a whole cluster: one shard is closed with errors that clients repeat, everybody else chats.
import path from 'node:path';
import { NatsJournal, connectNats } from '@parley/adapters';
import { placementRules } from '@parley/protocol';
import { Placement, decodeCommit, shardName } from '@parley/runtime';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { flipBit } from '../servers/stream-files.ts';
import { type Person, People, direct, textsOf } from './people.ts';

const shards = 8;
const parts = 4;
const placement = new Placement(placementRules, { user: shards, group: shards });
const home = (one: Person, other: Person) =>
  placement.shardOf({ type: 'direct', tenant: 'default', id: direct(one, other).slice(2) });

async function conversationsOf(person: Person): Promise<unknown> {
  const headers = { authorization: `Bearer ${person.token}` };
  return (await fetch(`${person.httpUrl}/v1/conversations`, { headers })).json();
}

let cluster: Cluster;
let people: People;
const problems: string[] = [];

beforeAll(async () => {
  cluster = await startCluster({
    log: (line) => void problems.push(line),
    // Nothing is trimmed before the bit is flipped.
    env: { PARLEY_CLUSTER_SHARDS: String(shards), PARLEY_ACTOR_CHECKPOINT_EVERY_MS: '3600000' },
  });
  people = new People(cluster);
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

it('a flipped bit closes its shard, with retryable errors and one line that names it; others go on', async () => {
  const all = await people.registerAll('ann', 'bea', 'cid', 'dan', 'eve', 'fay');
  const [ann, bea] = all;
  const broken = home(ann, bea);
  // Two people whose conversation, and whose own entities, live elsewhere.
  const userShard = (person: Person) =>
    placement.shardOf({ type: 'user', tenant: 'default', id: person.id }).index;
  const others = all.filter((person) => userShard(person) !== broken.index);
  const [one, two] = others as [Person, Person];
  const annPhone = await ann.connect();
  for (const text of ['first', 'unmistakable', 'third']) await annPhone.send(direct(ann, bea), text);
  const onePhone = await one.connect();
  await onePhone.send(direct(one, two), 'before');

  // As after a crash of the actors: nothing is handed over, so the whole journal is needed.
  await cluster.app('session-actor').kill();
  await cluster.nats!.kill('SIGTERM');
  await cluster.nats!.exited();
  const stream = `JRN_USER_${broken.index % parts}`;
  flipBit(path.join(cluster.nats!.dataFolder), stream, 'unmistakable');
  await cluster.nats!.restart();
  await cluster.app('session-actor').start();

  await waitUntil(() => problems.some((line) => line.includes('JOURNAL_RECORDS_MISSING')), {
    what: 'the alarm',
    limitMs: 60_000,
    everyMs: 50,
  });
  const alarm = problems.find((line) => line.includes('JOURNAL_RECORDS_MISSING'))!;
  expect(alarm).toContain(shardName(broken));
  expect(alarm).toContain(stream);
  await onePhone.send(direct(one, two), 'after');
  expect(textsOf(onePhone, direct(one, two))).toEqual(['before', 'after']);
  // The gateway may still be on its way back to NATS.
  await expect
    .poll(() => conversationsOf(ann), { timeout: 30_000 })
    .toMatchObject({ code: 'UNAVAILABLE', retryable: true });

  // Only the one record is missing.
  const link = await connectNats(cluster.natsUrl, { name: 'e2e' });
  const numbers: number[] = [];
  for await (const { bytes } of new NatsJournal(link, { parts }).read(broken, 1))
    numbers.push(decodeCommit(bytes).n);
  const gaps = numbers.filter((n, index) => index > 0 && n !== numbers[index - 1]! + 1);
  expect(gaps).toHaveLength(1);
  await link.close();
});
