// Ownership's parts against the awkward moments of a key-value store and a messenger.
import { describe, expect, test } from 'vitest';
import type { Clock } from '@parley/std';
import { defaultLimits } from '../limits.ts';
import {
  type KeyValue,
  type Messenger,
  type RequestResult,
  type WriteResult,
  silentLog,
} from '../ports/index.ts';
import type { RuntimeSubjects } from '../shard/shard-options.ts';
import { Placement } from '../entity/placement.ts';
import { Allocator, type AllocatorOptions } from './allocator.ts';
import { ClusterView } from './cluster-view.ts';
import { Lease } from './lease.ts';
import { type OwnerRow, decodeMember, decodeOwnerRow } from './owner-row.ts';
import { Prober } from './prober.ts';

class HandClock implements Clock {
  ms = 0;
  nowMs = () => this.ms;
  monotonicMs = () => this.ms;
  after = () => ({ cancel: () => undefined });
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

const subjects = { node: (nodeId: string) => nodeId } as RuntimeSubjects;

/** Answers probes as told, node by node; `hangs` never answers. */
class ScriptedMessenger {
  isConnected = true;
  readonly outcomes = new Map<string, RequestResult['outcome'] | 'hangs'>();

  request = (nodeId: string): Promise<RequestResult> => {
    const outcome = this.outcomes.get(nodeId) ?? 'answered';
    if (outcome === 'hangs') return new Promise(() => undefined);
    return Promise.resolve({ outcome, bytes: new Uint8Array() } as RequestResult);
  };

  get messenger(): Messenger {
    return this as unknown as Messenger;
  }
}

describe('a prober', () => {
  const probing = () => {
    const clock = new HandClock();
    const script = new ScriptedMessenger();
    const dead: string[] = [];
    const onDead = (nodeId: string) => void dead.push(nodeId);
    const { messenger } = script;
    const onAnswering = () => undefined;
    const prober = new Prober({ messenger, subjects, clock, intervalMs: 500, onDead, onAnswering });
    const look = async (atMs: number, ...nodeIds: string[]): Promise<void> => {
      clock.ms = atMs;
      prober.look(nodeIds);
      await turns();
    };
    return { script, dead, prober, look };
  };

  test('calls nobody dead for two misses in quick succession', async () => {
    const { script, dead, prober, look } = probing();
    await look(0, 'n1');
    script.outcomes.set('n1', 'no-responders');
    await look(1_000, 'n1');
    await look(1_020, 'n1');
    expect(prober.isDead('n1')).toBe(false);
    expect(prober.mayLive('n1')).toBe(false);
    await look(1_500, 'n1');
    expect(prober.isDead('n1')).toBe(true);
    await look(2_000, 'n1');
    expect(dead).toEqual(['n1']);
  });

  test.each(['answered', 'timeout', 'disconnected'] as const)('starts again after: %s', async (outcome) => {
    const { script, prober, look } = probing();
    await look(0);
    script.outcomes.set('n1', 'no-responders');
    await look(1_000, 'n1');
    script.outcomes.set('n1', outcome);
    await look(1_500, 'n1');
    script.outcomes.set('n1', 'no-responders');
    await look(2_000, 'n1');
    expect(prober.isDead('n1')).toBe(false);
  });

  test('finds a death while another process hangs', async () => {
    const { script, dead, look } = probing();
    await look(0);
    script.outcomes.set('n1', 'hangs').set('n2', 'no-responders');
    for (const atMs of [500, 1_000]) await look(atMs, 'n1', 'n2');
    expect(dead).toEqual(['n2']);
  });

  test('leaves the others time to dial again after its own reconnect', async () => {
    const { script, prober, look } = probing();
    script.isConnected = false;
    await look(0, 'n1');
    script.isConnected = true;
    script.outcomes.set('n1', 'no-responders');
    for (const atMs of [500, 900, 1_400]) await look(atMs, 'n1');
    expect(prober.isDead('n1')).toBe(false);
    await look(1_900, 'n1');
    expect(prober.isDead('n1')).toBe(true);
  });
});

/** One key; writes wait until they are let through. */
class SlowKey {
  stored: { value: Uint8Array; revision: number } | undefined;
  readonly waiting: (() => void)[] = [];
  #revision = 0;

  readonly keyValue = {
    get: () => Promise.resolve(this.stored && { key: '', ...this.stored }),
    write: (_key: string, value: Uint8Array, expected: number) =>
      new Promise<WriteResult>((resolve) => {
        this.waiting.push(() => {
          if ((this.stored?.revision ?? 0) !== expected) return resolve({ outcome: 'conflict' });
          this.stored = { value, revision: ++this.#revision };
          resolve({ outcome: 'written', revision: this.#revision });
        });
      }),
    delete: () => Promise.resolve(void (this.stored = undefined)),
  } as unknown as KeyValue;

  /** Lets writes through, in order, until there are none for a while. */
  async flow(): Promise<void> {
    for (let quiet = 0; quiet < 20; quiet++) {
      const next = this.waiting.shift();
      if (next) quiet = 0;
      next?.();
      await Promise.resolve();
    }
  }
}

describe('a lease', () => {
  const leaseOn = (key: SlowKey) => {
    const tasks: (() => void)[] = [];
    const clock: Clock = {
      nowMs: () => 0,
      monotonicMs: () => 0,
      after: (_ms, task) => (tasks.push(task), { cancel: () => undefined }),
    };
    const lease = new Lease({
      nodeId: 'n1',
      kind: 'user',
      members: key.keyValue,
      clock,
      limits: defaultLimits,
      log: silentLog,
      onLost: () => undefined,
    });
    return { lease, renewNow: () => tasks.shift()!() };
  };

  test('that is marked as leaving during a renewal stays marked', async () => {
    const key = new SlowKey();
    const { lease, renewNow } = leaseOn(key);
    void lease.start();
    await key.flow();
    renewNow();
    void lease.markLeaving();
    await key.flow();
    expect(decodeMember(key.stored!.value)?.state).toBe('leaving');
    expect(lease.isValid).toBe(true);
  });

  test('that is released during a renewal does not come back', async () => {
    const key = new SlowKey();
    const { lease, renewNow } = leaseOn(key);
    void lease.start();
    await key.flow();
    renewNow();
    await Promise.resolve();
    await Promise.resolve();
    const released = lease.release();
    await key.flow();
    await released;
    expect(key.stored).toBeUndefined();
    expect(lease.isValid).toBe(false);
  });
});

describe('an allocator', () => {
  const allocating = () => {
    const clock = new HandClock();
    const script = new ScriptedMessenger();
    const warnings: string[] = [];
    const written = new Map<string, OwnerRow>();
    const removed: string[] = [];
    let revision = 10;
    const view = new ClusterView('user', clock, () => undefined);
    view.allocator = { nodeId: 'n1', revision: 1 };
    for (const nodeId of ['n1', 'n2'])
      view.members.set(nodeId, { member: { nodeId, kind: 'user', state: 'up' }, revision: 1, seenMs: 0 });
    const owners = {
      write: (shard: string, value: Uint8Array): Promise<WriteResult> => {
        written.set(shard, decodeOwnerRow(value)!);
        return Promise.resolve({ outcome: 'written', revision: ++revision });
      },
    };
    const members = {
      write: (): Promise<WriteResult> => Promise.resolve({ outcome: 'written', revision: ++revision }),
      delete: (key: string) => Promise.resolve(void removed.push(key)),
    };
    const options: AllocatorOptions = {
      nodeId: 'n1',
      kind: 'user',
      members: members as unknown as KeyValue,
      owners: owners as unknown as KeyValue,
      view,
      messenger: script.messenger,
      subjects,
      placement: new Placement({}, { user: 2 }),
      clock,
      limits: defaultLimits,
      log: { ...silentLog, warn: (_fields, message) => void warnings.push(message) },
      isLeaseValid: () => true,
    };
    const allocator = new Allocator(options);
    const tick = async (atMs: number): Promise<void> => {
      clock.ms = atMs;
      allocator.start();
      await turns();
    };
    const ownersNow = () => [0, 1].map((index) => view.rows.get(`user.${index}`)?.row.owner);
    return { allocator, script, view, written, removed, warnings, options, tick, ownersNow };
  };

  /** Both shards are with n2. */
  const settled = (view: ClusterView): void => {
    view.members.delete('n1');
    view.noteRow('user.0', { owner: 'n2', target: 'n2' }, 2);
    view.noteRow('user.1', { owner: 'n2', target: 'n2' }, 3);
  };

  test('takes the shards of a process that died, and removes its lease', async () => {
    const { script, view, removed, tick, ownersNow } = allocating();
    settled(view);
    await tick(0);
    script.outcomes.set('n2', 'no-responders');
    await tick(1_000);
    expect(ownersNow()).toEqual(['n2', 'n2']);
    await tick(1_500);
    expect(ownersNow()).toEqual([null, null]);
    expect(new Set(removed)).toEqual(new Set(['user.n2']));
  });

  test('leaves a process its shards whose lease went missing, as long as it answers and may still bring it back', async () => {
    const { view, tick, ownersNow } = allocating();
    settled(view);
    await tick(0);
    view.members.delete('n2');
    await tick(500);
    await tick(4_500);
    expect(ownersNow()).toEqual(['n2', 'n2']);
    await tick(5_001);
    expect(ownersNow()).toEqual([null, null]);
  });

  test('takes the shards of a process that hangs when its lease has run out, not before', async () => {
    const { script, view, tick, ownersNow } = allocating();
    settled(view);
    await tick(0);
    script.outcomes.set('n2', 'timeout');
    for (const atMs of [500, 10_000, 19_000]) await tick(atMs);
    expect(ownersNow()).toEqual(['n2', 'n2']);
    view.members.delete('n2');
    await tick(20_000);
    expect(ownersNow()).toEqual([null, null]);
  });

  test('does not wait for NATS to take away the lease of a process that hangs when it must be over', async () => {
    const { script, view, tick, ownersNow } = allocating();
    settled(view);
    await tick(0);
    script.outcomes.set('n2', 'timeout');
    for (const atMs of [500, 10_000, 20_000]) await tick(atMs);
    expect(ownersNow()).toEqual(['n2', 'n2']);
    await tick(20_001);
    expect(ownersNow()).toEqual([null, null]);
  });

  test('leaves a process that answers its shards, however long nobody has told of a renewal', async () => {
    const { view, tick, ownersNow } = allocating();
    settled(view);
    await tick(0);
    await tick(60_000);
    expect(ownersNow()).toEqual(['n2', 'n2']);
  });

  test('gives nothing to a process that hangs', async () => {
    const { script, view, written, tick } = allocating();
    await tick(0);
    script.outcomes.set('n2', 'timeout');
    for (const atMs of [500, 2_000]) await tick(atMs);
    view.noteRow('user.0', { owner: null, target: 'n2' }, 100);
    view.noteRow('user.1', { owner: null, target: 'n2' }, 101);
    await tick(3_000);
    expect([...written.values()].slice(-2)).toEqual([
      { owner: null, target: 'n1' },
      { owner: null, target: 'n1' },
    ]);
  });

  test('replaces an allocator that hangs', async () => {
    const { allocator, script, view, tick } = allocating();
    view.allocator = { nodeId: 'n2', revision: 1 };
    await tick(0);
    script.outcomes.set('n2', 'timeout');
    await tick(500);
    expect(allocator.isLeader).toBe(false);
    await tick(1_500);
    await tick(2_000);
    expect(allocator.isLeader).toBe(true);
  });

  test('sees what changes during a round in another one right after it', async () => {
    const { allocator, view, written } = allocating();
    allocator.hurry();
    view.members.delete('n2');
    view.noteRow('user.0', { owner: null, target: 'n2' }, 100);
    allocator.hurry();
    await turns();
    expect(written.get('user.0')).toEqual({ owner: null, target: 'n1' });
  });

  test('logs a round that fails in between, and throws nothing at the process', async () => {
    const { options, warnings } = allocating();
    const owners = { write: () => Promise.reject(new Error('no leader')) } as unknown as KeyValue;
    new Allocator({ ...options, owners }).hurry();
    await turns();
    expect(new Set(warnings)).toEqual(new Set(['allocation round failed, trying again']));
  });
});
