import { describe, expect, test } from 'vitest';
import type { MemoryFaults } from '@parley/adapters';
import { buckets } from '@parley/protocol';
import { type CommitRecord, decodeCommit } from '@parley/runtime';
import { seededRandom } from '@parley/std';
import { LettersClient, LettersCluster, tenant } from './letters-cluster.ts';
import { type LettersState, lettersType } from './letters.entity-type.ts';

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

  test('shards taken over at the same moment make their checkpoints apart', async () => {
    const everyMs = 20_000;
    const cluster = new LettersCluster({ shards: 8, limits: { checkpointEveryMs: everyMs } });
    await cluster.startNode();
    await cluster.untilServed();
    const servedMs = cluster.clock.nowMs();
    const firsts = new Map<string, number>();
    cluster.memory.faults = {
      fate: ({ operation, target }) => {
        const isCheckpoint = operation === 'kv.write' && target.startsWith(buckets.checkpoints);
        if (isCheckpoint && !firsts.has(target)) firsts.set(target, cluster.clock.nowMs() - servedMs);
        return 'ok';
      },
    };
    await cluster.clock.advance(everyMs + 5_000);
    const times = [...firsts.values()].sort((a, b) => a - b);
    expect(times).toHaveLength(8);
    expect(times[0]).toBeGreaterThan(everyMs * 0.45);
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    expect(Math.min(...gaps)).toBeGreaterThan(everyMs * 0.02);
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

/** Everything the journals ever held, whatever is trimmed later, and what it amounts to. */
class Witness {
  readonly #records: CommitRecord[] = [];

  constructor(cluster: LettersCluster, shards: number) {
    for (let index = 0; index < shards; index++) {
      const { stream, subject } = cluster.memory.journal({ kind: 'user', index });
      stream.listen(subject, () => this.#records.push(decodeCommit(stream.last(subject)!.bytes)));
    }
  }

  /** The records of each shard, in order. */
  chains(): CommitRecord[][] {
    const names = [...new Set(this.#records.map(({ shard }) => shard))];
    return names.map((name) => this.#records.filter(({ shard }) => shard === name));
  }

  /** What all journals together say about a person. */
  stateOf(person: string): LettersState {
    let state = lettersType.decider.initialState({ type: 'user', tenant, id: person });
    for (const { events } of this.#records) {
      for (const { ids, payload } of events) {
        for (const id of ids)
          if (id === person)
            state = lettersType.decider.evolve(state, lettersType.codec.decodeEvent(payload));
      }
    }
    return state;
  }
}

/** How a run differs from another, from the seed: some storms lose much, some are slow, some only crash. */
function storm(random: { next(): number }, isStormy: () => boolean): MemoryFaults {
  const lossy = new Set<string>([
    'journal.append',
    'journal.last',
    'command.publish',
    'kv.get',
    'kv.write',
    'message.publish',
    'message.deliver',
    'snapshot.load',
    'snapshot.save',
    'command.trim',
    'journal.trim',
  ]);
  const lossShare = random.next() < 0.2 ? 0 : random.next() * 0.05;
  const slowShare = random.next() * 0.2;
  const slowMs = random.next() < 0.3 ? 400 : 30;
  return {
    fate: ({ operation, node }) => {
      if (!isStormy() || !lossy.has(operation) || node.startsWith('gw')) return 'ok';
      const dice = random.next();
      if (dice < lossShare) return 'answer-lost';
      if (dice < 2 * lossShare) return 'request-lost';
      return dice < 2.5 * lossShare ? 'busy' : 'ok';
    },
    delayMs: () => (isStormy() && random.next() < slowShare ? random.next() * slowMs : 0),
  };
}

/** Crashes, cuts, lost answers, restarts and rolling changes while letters are posted; then everybody counts. */
async function chaos(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const shards = 4;
  let isStormy = true;
  const cluster = new LettersCluster({
    shards,
    limits: {
      checkpointEveryMs: 2_000,
      checkpointBytesMax: 600,
      entityIdleMs: 3_000,
      entitiesMax: random.next() < 0.5 ? 2 : 100,
      commitEventsMax: random.next() < 0.5 ? 3 : 4_096,
      laneQueueMax: random.next() < 0.3 ? 4 : 8_192,
    },
    faults: storm(random, () => isStormy),
  });
  for (let index = 0; index < shards; index++)
    cluster.memory.watermarks.set(`user.${index}`, Number.MAX_SAFE_INTEGER);
  const witness = new Witness(cluster, shards);
  for (let i = 0; i < 3; i++) await cluster.startNode();
  await cluster.untilServed();
  const gateways = ['gw1', 'gw2', 'gw3'].map((gatewayId) => new LettersClient(cluster, gatewayId));
  const gatewayOf = (index: number) => gateways[index % gateways.length]!;
  const answers: LettersState[] = [];
  const senders = people.map(async (person, index) => {
    const gateway = gatewayOf(index);
    gateway.attach(person, index);
    for (let i = 0; i < 25; i++) {
      const to = people.filter(() => random.next() < 0.4);
      const id = `${person}-${i}`;
      // A client in a hurry: the same letter twice, perhaps in one message.
      if (random.next() < 0.2)
        gateway.sendTogether([
          { from: person, id, to },
          { from: person, id, to },
        ]);
      // Several facts in one message that only the input offset keeps from happening twice.
      if (random.next() < 0.2) {
        const letter = (n: number) => ({ id: `${id}-${n}`, from: 'outside' });
        const commands = [1, 2, 3, 4, 5].map(
          (n) => ({ person, command: { type: 'Receive', letter: letter(n) } }) as const,
        );
        gateway.sendCommands(commands);
      }
      const asked = gatewayOf(index + 1).tryAsk(people[Math.floor(random.next() * people.length)]!);
      await gateway.post(person, id, to);
      const answer = await asked;
      if (answer !== undefined) answers.push(answer);
      if (random.next() < 0.05) gateway.detach(person, index);
      if (random.next() < 0.1) gateway.attach(person, index);
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

  for (const chain of witness.chains()) checkChain(chain);
  const acknowledged = gateways.flatMap((gateway) => gateway.acknowledged);
  const finals = new Map<string, LettersState>();
  for (const person of people) {
    const state = await gatewayOf(0).ask(person);
    finals.set(person, state);
    expect(state).toEqual(witness.stateOf(person));
    expect(state.posted).toEqual(Array.from({ length: 25 }, (_, i) => `${person}-${i}`));
    const expected = acknowledged.filter(({ to }) => to.includes(person));
    const [outside, letters] = [true, false].map((isOutside) =>
      state.received.filter(({ from }) => (from === 'outside') === isOutside).map(({ id }) => id),
    );
    expect(outside).toEqual([...new Set(outside)]);
    expect(letters?.sort()).toEqual(expected.map(({ id }) => id).sort());
    for (const sender of people) {
      const fromSender = state.received.filter(({ from }) => from === sender).map(({ id }) => id);
      const inOrder = expected.filter(({ from }) => from === sender).map(({ id }) => id);
      expect(fromSender).toEqual(inOrder);
    }
  }
  checkWhatWasShown(finals, gateways, answers);
  for (const { shards: node } of cluster.nodes.values()) node.kill();
}

/** INV-1: numbers without a gap; epochs and times that never fall. */
function checkChain(chain: readonly CommitRecord[]): void {
  expect(chain.map(({ n }) => n)).toEqual(chain.map((_, index) => index + 1));
  for (const numbers of [chain.map(({ epoch }) => epoch), chain.map(({ atMs }) => atMs)])
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
}

/** INV-7: every answer and every push was the truth, in the order in which it became so. */
function checkWhatWasShown(
  finals: ReadonlyMap<string, LettersState>,
  gateways: readonly LettersClient[],
  answers: readonly LettersState[],
): void {
  for (const answer of answers) {
    const final = finals.get(answer.self)!;
    expect(answer.posted).toEqual(final.posted.slice(0, answer.posted.length));
    expect(answer.received).toEqual(final.received.slice(0, answer.received.length));
  }
  for (const [person, pushes] of gateways.flatMap((gateway) => [...gateway.pushes])) {
    for (const { position, payload } of pushes)
      if (position > 0) expect(payload).toEqual(finals.get(person)!.received[position - 1]);
  }
}
