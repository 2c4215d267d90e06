// One reading for two: each gets every record once and in order, and neither waits for the other.
import { describe, expect, it } from 'vitest';
import type { JournalFollower, JournalReader } from '@parley/adapters';
import type { JournalRecord, ShardId } from '@parley/runtime';
import { SharedFollower } from './shared-follower.ts';

const shard: ShardId = { kind: 'user', index: 0 };

/** A journal of one shard that is read as it grows; counts what is read of it. */
class GrowingJournal implements JournalFollower {
  readonly records: JournalRecord[] = [];
  /** Sequence after which each reading began. */
  readonly begun: number[] = [];
  readCount = 0;
  readonly #readings = new Set<() => void>();

  append(count: number): void {
    for (let index = 0; index < count; index += 1)
      this.records.push({ sequence: this.records.length + 1, bytes: new Uint8Array(10) });
    for (const look of this.#readings) look();
  }

  follow(_: ShardId, afterSequence: number): JournalReader {
    this.begun.push(afterSequence);
    let position = afterSequence;
    let isStopped = false;
    let look = (): void => undefined;
    const wake = (): void => look();
    this.#readings.add(wake);
    return {
      take: async (max) => {
        while (!isStopped && position >= this.records.length)
          await new Promise<void>((resolve) => (look = resolve));
        if (isStopped) return [];
        const taken = this.records.slice(position, position + max);
        position += taken.length;
        this.readCount += taken.length;
        return taken;
      },
      stop: () => {
        isStopped = true;
        this.#readings.delete(wake);
        look();
      },
    };
  }

  get openReadings(): number {
    return this.#readings.size;
  }
}

async function sequences(reader: JournalReader, count: number, max = 4): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count)
    for (const { sequence } of await reader.take(Math.min(max, count - found.length))) found.push(sequence);
  return found;
}

const upTo = (end: number, from = 1): number[] => Array.from({ length: end - from + 1 }, (_, i) => from + i);

describe('a shared follower', () => {
  it('reads a journal once for two that keep up', async () => {
    const journal = new GrowingJournal();
    const follower = new SharedFollower(journal);
    const [one, two] = [follower.follow(shard, 0), follower.follow(shard, 0)];
    const both = [sequences(one, 50), sequences(two, 50)];
    for (let round = 0; round < 5; round += 1) journal.append(10);
    expect(await Promise.all(both)).toEqual([upTo(50), upTo(50)]);
    expect(journal.begun).toEqual([0]);
    expect(journal.readCount).toBe(50);
    one.stop();
    two.stop();
    expect(journal.openReadings).toBe(0);
  });

  it('gives each what is after its own start', async () => {
    const journal = new GrowingJournal();
    const follower = new SharedFollower(journal);
    const [early, late] = [follower.follow(shard, 0), follower.follow(shard, 7)];
    journal.append(10);
    expect(await Promise.all([sequences(early, 10), sequences(late, 3)])).toEqual([upTo(10), upTo(10, 8)]);
    expect(journal.begun).toEqual([0]);
  });

  it('lets one read on while the other stands still, which then catches up by itself and joins again', async () => {
    const journal = new GrowingJournal();
    const follower = new SharedFollower(journal, 100);
    const [quick, slow] = [follower.follow(shard, 0), follower.follow(shard, 0)];
    journal.append(3);
    expect(await sequences(slow, 2)).toEqual([1, 2]);
    journal.append(97);
    expect(await sequences(quick, 100)).toEqual(upTo(100));
    expect(await sequences(slow, 98)).toEqual(upTo(100, 3));
    expect(journal.begun).toEqual([0, 2]);
    expect(journal.openReadings).toBe(1);
    const before = journal.readCount;
    journal.append(10);
    expect(await Promise.all([sequences(quick, 10), sequences(slow, 10)])).toEqual([
      upTo(110, 101),
      upTo(110, 101),
    ]);
    expect(journal.readCount - before).toBe(10);
  });

  it('looks into the journal itself for who asks for records that were read before', async () => {
    const journal = new GrowingJournal();
    const follower = new SharedFollower(journal);
    const [one, two] = [follower.follow(shard, 0), follower.follow(shard, 0)];
    journal.append(5);
    await sequences(one, 5);
    two.stop();
    const again = follower.follow(shard, 2);
    expect(journal.begun).toEqual([0, 2]);
    expect(await sequences(again, 3)).toEqual(upTo(5, 3));
  });

  it('ends a wait when it is stopped, and only its own', async () => {
    const journal = new GrowingJournal();
    const follower = new SharedFollower(journal);
    const [one, two] = [follower.follow(shard, 0), follower.follow(shard, 0)];
    const waiting = [one.take(1), two.take(1)];
    one.stop();
    expect(await waiting[0]).toEqual([]);
    journal.append(1);
    expect(await waiting[1]).toMatchObject([{ sequence: 1 }]);
  });
});
