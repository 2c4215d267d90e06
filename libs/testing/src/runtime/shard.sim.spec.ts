import { describe, expect, test } from 'vitest';
import { seededRandom } from '@parley/std';
import { LettersClient, LettersCluster } from './letters-cluster.ts';

/** PARLEY_SIM_SEEDS=100-200 runs others than the usual ones. */
const [firstSeed = 1, lastSeed = 20] = (process.env['PARLEY_SIM_SEEDS'] ?? '')
  .split('-')
  .filter(Boolean)
  .map(Number);
const seeds = Array.from({ length: lastSeed - firstSeed + 1 }, (_, index) => firstSeed + index);

const people = Array.from({ length: 12 }, (_, index) => `p${index}`);

describe('one node', () => {
  test('serves all shards and answers a command after its commit', async () => {
    const cluster = new LettersCluster();
    await cluster.startNode();
    await cluster.untilServed();
    const client = new LettersClient(cluster);
    await cluster.drive(client.post('p1', 'hello', ['p2', 'p3']));
    await cluster.clock.advance(500);
    expect((await client.ask('p2')).received).toEqual([{ id: 'hello', from: 'p1' }]);
    expect((await client.ask('p3')).received).toEqual([{ id: 'hello', from: 'p1' }]);
  });

  test('a refusal reaches the sender and changes nothing', async () => {
    const cluster = new LettersCluster();
    await cluster.startNode();
    await cluster.untilServed();
    const client = new LettersClient(cluster);
    const request = client.send('p1', '', ['p2']);
    await cluster.clock.until('an answer', () => client.replies.has(request));
    expect(client.replies.get(request)).toMatchObject({ code: 'TEXT_EMPTY' });
    expect((await client.ask('p1')).posted).toEqual([]);
  });

  test('a command past its deadline is refused as expired', async () => {
    const cluster = new LettersCluster();
    const client = new LettersClient(cluster);
    const request = client.send('p1', 'late', ['p2'], 1_000);
    await cluster.clock.advance(2_000);
    await cluster.startNode();
    await cluster.clock.until('an answer', () => client.replies.has(request));
    expect(client.replies.get(request)).toMatchObject({ code: 'EXPIRED' });
  });

  test('attached devices get numbered pushes, detached ones none', async () => {
    const cluster = new LettersCluster();
    await cluster.startNode();
    await cluster.untilServed();
    const client = new LettersClient(cluster);
    const attached = client.attach('p2', 7);
    await cluster.clock.until('welcome', () => client.replies.has(attached));
    await cluster.drive(client.post('p1', 'a', ['p2']));
    await cluster.drive(client.post('p1', 'b', ['p2']));
    await cluster.clock.advance(500);
    expect(client.pushes.get('p2')?.map(({ position }) => position)).toEqual([1, 2]);
    client.detach('p2', 7);
    await cluster.drive(client.post('p1', 'c', ['p2']));
    await cluster.clock.advance(500);
    expect(client.pushes.get('p2')).toHaveLength(2);
  });

  test('a push that is not acknowledged is followed by a few nudges, then by none', async () => {
    const cluster = new LettersCluster();
    await cluster.startNode();
    await cluster.untilServed();
    const client = new LettersClient(cluster);
    const attached = client.attach('p2', 7);
    await cluster.clock.until('welcome', () => client.replies.has(attached));
    await cluster.drive(client.post('p1', 'a', ['p2']));
    await cluster.clock.advance(120_000);
    const nudges = client.pushes.get('p2')?.filter(({ position }) => position === 0);
    expect(nudges).toHaveLength(cluster.limits.nudgesMax);
  });

  test('checkpoints let the journal be trimmed to what history has, and a restart reads the rest', async () => {
    const cluster = new LettersCluster({ shards: 1, limits: { checkpointEveryMs: 1_000 } });
    const node = await cluster.startNode();
    await cluster.untilServed();
    const client = new LettersClient(cluster);
    for (let i = 0; i < 40; i++) await cluster.drive(client.post(people[i % 12]!, `m${i}`, ['p0', 'p5']));
    const shard = { kind: 'user', index: 0 };
    const { stream, subject } = cluster.memory.journal(shard);
    await cluster.clock.advance(3_000);
    const untrimmed = stream.from(subject, 1).length;
    cluster.memory.watermarks.set('user.0', Number.MAX_SAFE_INTEGER);
    await cluster.drive(client.post('p1', 'one more', ['p0']));
    await cluster.clock.advance(3_000);
    const trimmed = stream.from(subject, 1).length;
    expect(untrimmed).toBeGreaterThan(10);
    expect(trimmed).toBeGreaterThan(0);
    expect(trimmed).toBeLessThan(4);
    cluster.crash(node);
    await cluster.startNode();
    await cluster.untilServed();
    expect((await client.ask('p0')).received).toHaveLength(41);
    expect((await client.ask('p5')).received).toHaveLength(40);
  });

  test('idle entities leave memory and come back from their snapshots', async () => {
    const cluster = new LettersCluster({
      shards: 1,
      limits: { checkpointEveryMs: 1_000, entityIdleMs: 5_000 },
    });
    const node = await cluster.startNode();
    await cluster.untilServed();
    const client = new LettersClient(cluster);
    for (let i = 0; i < 20; i++) await cluster.drive(client.post(people[i % 12]!, `m${i}`, ['p0']));
    await cluster.clock.advance(30_000);
    expect(node.shards.serving[0]!.entities.size).toBe(0);
    expect((await client.ask('p0')).received).toHaveLength(20);
    expect(node.shards.serving[0]!.entities.size).toBe(1);
  });
});

describe('several nodes', () => {
  test('share the shards, and a clean stop hands them over within a moment', async () => {
    const cluster = new LettersCluster({ shards: 8 });
    const first = await cluster.startNode();
    await cluster.untilServed();
    await cluster.startNode();
    await cluster.startNode();
    await cluster.clock.until('everyone has shards', () =>
      [...cluster.nodes.values()].every((n) => n.shards.serving.length > 0),
    );
    await cluster.untilServed();
    const before = cluster.clock.monotonicMs();
    await cluster.stopNode(first);
    await cluster.untilServed();
    expect(cluster.clock.monotonicMs() - before).toBeLessThan(2_000);
  });

  test('a crashed node is noticed by its silence on requests, long before its lease is over', async () => {
    const cluster = new LettersCluster({ shards: 8 });
    const nodes = [await cluster.startNode(), await cluster.startNode(), await cluster.startNode()];
    await cluster.clock.until('everyone has shards', () => nodes.every((n) => n.shards.serving.length > 0));
    await cluster.untilServed();
    // The first node is the allocator: its place has to be taken as well.
    const before = cluster.clock.monotonicMs();
    cluster.crash(nodes[0]!);
    await cluster.untilServed();
    expect(cluster.clock.monotonicMs() - before).toBeLessThan(4_000);
  });

  test('a node that is cut off drops its shards before its lease is over, and takes part again later', async () => {
    const cluster = new LettersCluster({ shards: 8 });
    const nodes = [await cluster.startNode(), await cluster.startNode()];
    await cluster.clock.until('both have shards', () => nodes.every((n) => n.shards.serving.length > 0));
    nodes[1]!.link.disconnect();
    await cluster.clock.advance(cluster.limits.leaseTtlMs + 5_000);
    expect(nodes[1]!.shards.serving).toEqual([]);
    expect(nodes[0]!.shards.serving).toHaveLength(8);
    nodes[1]!.link.reconnect();
    await cluster.clock.until('both have shards again', () =>
      nodes.every((n) => n.shards.serving.length > 0),
    );
    await cluster.untilServed();
  });
});

describe('whatever happens', () => {
  test.each(seeds)(
    'seed %i: every acknowledged letter arrives once, in order, and nothing else does',
    async (seed) => {
      await chaos(seed);
    },
  );
});

/** Crashes, cuts, lost answers, restarts and rolling changes while letters are posted; then everybody counts. */
async function chaos(seed: number): Promise<void> {
  const random = seededRandom(seed);
  let isStormy = true;
  const lossy = new Set([
    'journal.append',
    'command.publish',
    'kv.write',
    'message.publish',
    'message.deliver',
    'snapshot.save',
  ]);
  const cluster = new LettersCluster({
    shards: 4,
    limits: { checkpointEveryMs: 2_000, entityIdleMs: 3_000, leaseTtlMs: 20_000 },
    faults: {
      fate: ({ operation, node }) => {
        if (!isStormy || !lossy.has(operation) || node.startsWith('gw')) return 'ok';
        const dice = random.next();
        if (dice < 0.02) return 'answer-lost';
        if (dice < 0.04) return 'request-lost';
        return dice < 0.05 ? 'busy' : 'ok';
      },
      delayMs: () => (random.next() < 0.1 ? random.next() * 30 : 0),
    },
  });
  cluster.memory.watermarks.set('user.0', Number.MAX_SAFE_INTEGER);
  for (let i = 0; i < 3; i++) await cluster.startNode();
  await cluster.untilServed();
  const client = new LettersClient(cluster);
  const senders = people.map(async (person) => {
    for (let i = 0; i < 25; i++) {
      const to = people.filter(() => random.next() < 0.4);
      await client.post(person, `${person}-${i}`, to);
    }
  });
  let isDone = false;
  const all = Promise.all(senders).then(() => (isDone = true));
  for (let round = 0; round < 60 && !isDone; round++) {
    await cluster.clock.advance(500 + random.next() * 2_500);
    const nodes = [...cluster.nodes.values()];
    const victim = nodes[Math.floor(random.next() * nodes.length)]!;
    const dice = random.next();
    if (dice < 0.3 && nodes.length > 1) cluster.crash(victim);
    else if (dice < 0.45 && nodes.length > 1) await cluster.stopNode(victim);
    else if (dice < 0.6) {
      victim.link.disconnect();
      cluster.clock.after(random.next() * 30_000, () => victim.link.reconnect());
    }
    if (cluster.nodes.size < 3) await cluster.startNode();
  }
  isStormy = false;
  for (const { link } of cluster.nodes.values()) link.reconnect();
  await cluster.clock.until('every letter is acknowledged', () => isDone, 300_000);
  await all;
  await cluster.untilServed();
  await cluster.clock.advance(10_000);
  for (const person of people) {
    const state = await client.ask(person);
    expect(state.posted).toEqual(Array.from({ length: 25 }, (_, i) => `${person}-${i}`));
    const expected = client.acknowledged.filter(({ to }) => to.includes(person));
    expect(state.received.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
    for (const sender of people) {
      const fromSender = state.received.filter(({ from }) => from === sender).map(({ id }) => id);
      const inOrder = expected.filter(({ from }) => from === sender).map(({ id }) => id);
      expect(fromSender).toEqual(inOrder);
    }
  }
  for (const { shards } of cluster.nodes.values()) shards.kill();
}
