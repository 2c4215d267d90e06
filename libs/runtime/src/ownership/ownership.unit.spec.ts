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
import { Allocator } from './allocator.ts';
import { ClusterView } from './cluster-view.ts';
import { Lease } from './lease.ts';
import { decodeMember } from './owner-row.ts';
import { Prober } from './prober.ts';

class HandClock implements Clock {
  ms = 0;
  nowMs = () => this.ms;
  monotonicMs = () => this.ms;
  after = () => ({ cancel: () => undefined });
}

describe('a prober', () => {
  const probing = (outcomes: RequestResult['outcome'][]) => {
    const clock = new HandClock();
    const request = () =>
      Promise.resolve({ outcome: outcomes.shift()!, bytes: new Uint8Array() } as RequestResult);
    const messenger = { isConnected: true, request } as unknown as Messenger;
    const subjects = { node: (nodeId: string) => nodeId } as RuntimeSubjects;
    return { clock, prober: new Prober(messenger, subjects, clock, 500) };
  };

  test('calls nobody dead for two misses in quick succession', async () => {
    const { clock, prober } = probing(['no-responders', 'no-responders', 'no-responders']);
    expect(await prober.isDead('n1')).toBe(false);
    clock.ms = 20;
    expect(await prober.isDead('n1')).toBe(false);
    clock.ms = 500;
    expect(await prober.isDead('n1')).toBe(true);
  });

  test.each(['answered', 'timeout', 'disconnected'] as const)('starts again after: %s', async (outcome) => {
    const { clock, prober } = probing(['no-responders', outcome, 'no-responders']);
    await prober.isDead('n1');
    clock.ms = 500;
    expect(await prober.isDead('n1')).toBe(false);
    clock.ms = 1_000;
    expect(await prober.isDead('n1')).toBe(false);
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

test('an allocation round that fails in between is logged, not thrown at the process', async () => {
  const warnings: string[] = [];
  const view = new ClusterView('user', () => undefined);
  view.allocator = { nodeId: 'n1', revision: 1 };
  view.members.set('n1', { member: { nodeId: 'n1', kind: 'user', state: 'up' }, revision: 1 });
  const allocator = new Allocator({
    nodeId: 'n1',
    kind: 'user',
    members: {} as KeyValue,
    owners: { write: () => Promise.reject(new Error('no leader')) } as unknown as KeyValue,
    view,
    prober: {} as Prober,
    placement: new Placement({}, { user: 1 }),
    clock: new HandClock(),
    limits: defaultLimits,
    log: { ...silentLog, warn: (_fields, message) => void warnings.push(message) },
    isLeaseValid: () => true,
    isViewSettled: () => true,
  });
  allocator.hurry();
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  expect(warnings).toHaveLength(1);
});
