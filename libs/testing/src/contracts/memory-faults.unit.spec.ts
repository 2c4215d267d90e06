// What the twins do when a test injects faults: they fail the way the real adapters do.
import { MemoryCluster, type MemoryFaults } from '@parley/adapters';
import { describe, expect, test } from 'vitest';
import { SimulatedClock } from '../simulation/simulated-clock.ts';
import { bytesOf, textOf } from './port-bench.ts';

const shard = { kind: 'user', index: 0 };

function open(faults: MemoryFaults = {}) {
  const clock = new SimulatedClock();
  const cluster = new MemoryCluster({ clock, faults });
  return { clock, cluster, own: cluster.node('own'), other: cluster.node('other') };
}

describe('memory twins under faults', () => {
  test.for([
    ['request-lost', undefined],
    ['answer-lost', 'mine'],
  ] as const)('an append with its %s is unknown, and the journal holds %s', async ([fate, stored]) => {
    const { clock, own, cluster, other } = open({
      fate: ({ operation }) => (operation === 'journal.append' ? fate : 'ok'),
    });
    const appending = own.journal.append(shard, 0, '1', bytesOf('mine'));
    await clock.advance(cluster.callTimeoutMs);
    expect((await appending).outcome).toBe('unknown');
    expect(textOf((await other.journal.last(shard))?.bytes)).toBe(stored);
  });

  test('an append may be told that another one is in flight', async () => {
    const { own } = open({ fate: () => 'busy' });
    expect(await own.journal.append(shard, 0, '1', bytesOf('mine'))).toEqual({ outcome: 'busy' });
  });

  test('an append that was slower than its timeout lands later, unless it is fenced off', async () => {
    const { clock, own, cluster } = open();
    cluster.faults = { delayMs: ({ operation }) => (operation === 'journal.append' ? 6_000 : 0) };
    const appending = own.journal.append(shard, 0, '1', bytesOf('late'));
    await clock.advance(5_000);
    expect((await appending).outcome).toBe('unknown');
    expect(await cluster.node('third').journal.last(shard)).toBeUndefined();
    await clock.advance(1_000);
    expect(textOf((await cluster.node('third').journal.last(shard))?.bytes)).toBe('late');
  });

  test('offers of one process keep their order under random delays', async () => {
    let delay = 100;
    const { clock, own, other } = open({ delayMs: () => (delay = (delay * 7) % 101) });
    const reader = other.commandLog.read(shard, 0);
    for (let i = 0; i < 20; i++) own.commandLog.offer(shard, bytesOf(`${i}`));
    await clock.advance(10_000);
    const taking = reader.take(100);
    await clock.advance(1_000);
    expect((await taking).map(({ bytes }) => textOf(bytes))).toEqual(
      Array.from({ length: 20 }, (_, i) => `${i}`),
    );
  });

  test('a node that is cut off: calls reject, nothing is delivered, requests to it find nobody', async () => {
    const { own, other } = open();
    const seen: string[] = [];
    own.messenger.subscribe('node.own', (bytes, respond) => {
      seen.push(textOf(bytes) ?? '');
      respond(bytes);
    });
    const reader = own.commandLog.read(shard, 0);
    const taking = reader.take(1);
    const bucket = await own.keyValues.bucket('members');
    const inFlight = [
      own.journal.append(shard, 0, '1', bytesOf('x')),
      bucket.get('a').catch(() => 'rejected'),
    ];
    own.disconnect();
    expect((await inFlight[0]) as object).toMatchObject({ outcome: 'unknown' });
    expect(await inFlight[1]).toBe('rejected');
    await expect(own.journal.last(shard)).rejects.toThrow('cut off');
    await expect(own.snapshots('s').load('a')).rejects.toThrow('cut off');
    own.commandLog.offer(shard, bytesOf('never'));
    own.messenger.publish('node.other', bytesOf('never'));
    expect(own.messenger.isConnected).toBe(false);
    expect(await own.messenger.request('node.other', bytesOf(''), 100)).toEqual({ outcome: 'disconnected' });
    expect(await other.messenger.request('node.own', bytesOf('?'), 100)).toEqual({
      outcome: 'no-responders',
    });
    await other.commandLog.publish(shard, bytesOf('while away'));
    expect(seen).toEqual([]);

    own.reconnect();
    expect((await taking).map(({ bytes }) => textOf(bytes))).toEqual(['while away']);
    expect((await other.messenger.request('node.own', bytesOf('?'), 100)).outcome).toBe('answered');
  });

  test('a watch that was cut off learns the difference afterwards, expiries included', async () => {
    const { clock, own, other } = open();
    const bucket = await other.keyValues.bucket('members');
    await bucket.write('stays', bytesOf('1'), 0);
    await bucket.write('lease', bytesOf('1'), 0, { ttlMs: 1_000 });
    const changes: string[] = [];
    await (
      await own.keyValues.bucket('members')
    ).watch(({ key, entry }) => {
      changes.push(`${key} ${textOf(entry?.value)}`);
    });
    own.disconnect();
    await bucket.write('new', bytesOf('1'), 0);
    await clock.advance(1_000);
    own.reconnect();
    await clock.advance(0);
    expect(changes).toEqual(['stays 1', 'lease 1', 'lease undefined', 'new 1']);
  });

  test('shards of one part share the sequence of their stream', async () => {
    const { own } = open();
    const sequences = [];
    for (const index of [0, 4, 1, 8]) {
      const result = await own.journal.append({ kind: 'user', index }, 0, `${index}`, bytesOf('x'));
      sequences.push(result.outcome === 'committed' ? result.sequence : 0);
    }
    expect(sequences).toEqual([1, 2, 1, 3]);
  });
});
