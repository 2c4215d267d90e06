// What a shard does when a lane batch does not follow the one before: somebody else owns the shard, or the command log has
// lost what it had acknowledged.
import { MemoryCluster, type MemoryNode } from '@parley/adapters';
import { buckets, placementRules, subjects } from '@parley/protocol';
import {
  askOwner,
  Placement,
  type RuntimeLimits,
  Shard,
  type ShardId,
  decodeCommit,
  defaultLimits,
  encodeCommit,
  encodeLaneBatch,
} from '@parley/runtime';
import { assert } from '@parley/std';
import { expect, test } from 'vitest';
import { SimulatedClock } from '../simulation/simulated-clock.ts';
import { tenant } from './letters-cluster.ts';
import {
  type LettersState,
  decodeJson,
  encodeJson,
  lettersQuery,
  lettersQueryAddress,
  lettersType,
} from './letters.entity-type.ts';

const shard: ShardId = { kind: 'user', index: 0 };
const source: ShardId = { kind: 'group', index: 0 };

interface Owner {
  readonly shard: Shard;
  readonly link: MemoryNode;
  readonly ends: string[];
  readonly errors: string[];
}

class Bench {
  readonly clock = new SimulatedClock();
  readonly memory = new MemoryCluster({ clock: this.clock });
  readonly client = this.memory.node('client');
  #sent = 0;
  #journalEnd = 0;

  async owner(epoch: number, limits: Partial<RuntimeLimits> = {}): Promise<Owner> {
    const link = this.memory.node(`owner-${epoch}`);
    const ends: string[] = [];
    const errors: string[] = [];
    const owned = new Shard({
      nodeId: link.name,
      shard,
      epoch,
      ports: {
        journal: link.journal,
        commandLog: link.commandLog,
        snapshots: link.snapshots(buckets.snapshots('user')),
        checkpoints: link.keyValues.open(buckets.checkpoints),
        messenger: link.messenger,
        trimGuard: link.trimGuard,
      },
      types: [lettersType],
      placement: new Placement(placementRules, { user: 1, group: 1 }),
      subjects,
      clock: this.clock,
      limits: { ...defaultLimits, ...limits },
      log: { info: () => undefined, warn: () => undefined, error: (_, message) => void errors.push(message) },
      queryAddress: lettersQueryAddress,
      queryRefusal: (code) => encodeJson({ code }),
      isLeaseValid: () => true,
      onEnded: (reason) => ends.push(reason),
    });
    assert(await this.drive(owned.open()), `owner ${epoch} could not take over`);
    return { shard: owned, link, ends, errors };
  }

  /** The source commits a letter to p1 and puts it on the lane, numbered from 1; `isLost`: the command log forgets it. */
  async letter(isLost = false): Promise<void> {
    const number = ++this.#sent;
    const payload = encodeJson({ type: 'Receive', letter: { id: `m${number}`, from: 'afar' } });
    const effect = { type: 'user', tenant, ids: ['p1'], payload };
    const targets = [{ shard: 'user.0', number, ids: effect.ids }];
    const record = encodeCommit({
      kind: 'commit',
      shard: 'group.0',
      epoch: 1,
      n: number,
      previousSequence: this.#journalEnd,
      inputOffset: 0,
      atMs: 0,
      lanesIn: [],
      laneCursors: [],
      events: [],
      effects: [{ type: 'user', tenant, payload, targets }],
    });
    const { journal, commandLog } = this.client;
    const result = await this.drive(journal.append(source, this.#journalEnd, `${number}`, record));
    if (result.outcome === 'committed') this.#journalEnd = result.sequence;
    if (isLost) return;
    const batch = { source: 'group.0', sourceEpoch: 1, firstNumber: number, effects: [effect] };
    await this.drive(commandLog.publish(shard, encodeLaneBatch(batch)));
  }

  async received(): Promise<string[]> {
    const asked = askOwner(
      this.client.messenger,
      subjects.query('user', 0),
      lettersQuery(tenant, 'p1'),
      1_000,
    );
    const answer = await this.drive(asked);
    if (answer.outcome !== 'answered') return [answer.outcome];
    return decodeJson<LettersState>(answer.bytes).received.map(({ id }) => id);
  }

  async drive<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => (isSettled = true));
    settled.catch(() => undefined);
    await this.clock.until('a call returns', () => isSettled);
    return settled;
  }
}

test('effects that the command log has lost are taken from the journal of their source, once and in order', async () => {
  const bench = new Bench();
  const owner = await bench.owner(1);
  await bench.letter();
  await bench.letter(true);
  await bench.letter(true);
  await bench.letter();
  await bench.letter();
  await bench.clock.advance(2_000);
  expect(await bench.received()).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
  expect(owner.ends).toEqual([]);
  expect(owner.errors).toEqual([expect.stringContaining('the command log has lost effects of a lane')]);
  // The next owner finds the lane where this one left it.
  owner.shard.drop();
  const next = await bench.owner(2);
  await bench.letter();
  await bench.clock.advance(2_000);
  expect(await bench.received()).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6']);
  expect(next.errors).toEqual([]);
});

test('the very first effect of a lane may be the lost one', async () => {
  const bench = new Bench();
  await bench.owner(1);
  await bench.letter(true);
  await bench.letter();
  await bench.clock.advance(2_000);
  expect(await bench.received()).toEqual(['m1', 'm2']);
});

test('many lost effects are committed in parts, and a new owner goes on among them', async () => {
  const bench = new Bench();
  const owner = await bench.owner(1, { commitEventsMax: 1 });
  for (let i = 0; i < 20; i++) await bench.letter(true);
  await bench.letter();
  const { stream, subject } = bench.memory.journal(shard);
  await bench.clock.until('some are committed', () => stream.from(subject, 1).length > 5);
  owner.shard.drop();
  await bench.owner(2, { commitEventsMax: 1 });
  await bench.clock.advance(5_000);
  expect(await bench.received()).toEqual(Array.from({ length: 21 }, (_, i) => `m${i + 1}`));
  const events = stream.from(subject, 1).map(({ bytes }) => decodeCommit(bytes).events.length);
  expect(Math.max(...events)).toBe(1);
});

test('lost effects that the journal of their source does not hold any more stop the shard', async () => {
  const bench = new Bench();
  const owner = await bench.owner(1);
  await bench.letter(true);
  await bench.letter(true);
  const { stream, subject } = bench.memory.journal(source);
  stream.purge(subject, 1);
  await bench.letter();
  await bench.clock.advance(2_000);
  expect(owner.ends).toEqual(['broken']);
  expect(owner.errors[0]).toContain('gap on a lane');
});

test('an owner that was replaced without knowing it ends as fenced when it meets a gap, without an error line', async () => {
  const bench = new Bench();
  const deposed = await bench.owner(1);
  await bench.letter();
  await bench.clock.advance(2_000);
  deposed.link.disconnect();
  // What the successor has taken it trims.
  await bench.owner(2, { checkpointEveryMs: 100 });
  await bench.letter();
  await bench.clock.advance(3_000);
  const { stream, subject } = bench.memory.commands(shard);
  expect(stream.from(subject, 1)).toEqual([]);
  await bench.letter();
  deposed.link.reconnect();
  await bench.clock.until('the deposed owner ends', () => deposed.ends.length > 0);
  expect(deposed.ends).toEqual(['fenced']);
  expect(deposed.errors).toEqual([]);
  expect(await bench.received()).toEqual(['m1', 'm2', 'm3']);
});

test('a deposed owner asks again when the journal does not answer at once', async () => {
  const bench = new Bench();
  const deposed = await bench.owner(1);
  await bench.letter();
  await bench.clock.advance(2_000);
  deposed.link.disconnect();
  await bench.owner(2, { checkpointEveryMs: 100 });
  await bench.letter();
  await bench.clock.advance(3_000);
  let unanswered = 2;
  bench.memory.faults = {
    fate: ({ node, operation }) =>
      node === deposed.link.name && operation === 'journal.last' && unanswered-- > 0 ? 'answer-lost' : 'ok',
  };
  await bench.letter();
  deposed.link.reconnect();
  await bench.clock.until('the deposed owner ends', () => deposed.ends.length > 0, 60_000);
  expect(deposed.ends).toEqual(['fenced']);
  expect(deposed.errors).toEqual([]);
});
