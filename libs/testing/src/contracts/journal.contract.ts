// What every journal does: keep order, fence, and never lose the fence.
import type { Journal, JournalRecord, ShardId } from '@parley/runtime';
import { describe, expect, test } from 'vitest';
import { type PortBench, bytesOf, textOf } from './port-bench.ts';

const commitBytesMax = 256 * 1024;

export function describeJournal(name: string, bench: () => PortBench): void {
  describe(`Journal: ${name}`, () => {
    const open = async () => ({
      shard: bench().freshShard(),
      journal: (await bench().node('own')).journal,
      other: (await bench().node('other')).journal,
    });

    test('a shard without records has no last record and nothing to read', async () => {
      const { shard, journal } = await open();
      expect(await journal.last(shard)).toBeUndefined();
      expect(await readAll(journal, shard, 1)).toEqual([]);
    });

    test('appends rise in sequence and are read back in order', async () => {
      const { shard, journal } = await open();
      const first = await commit(journal, shard, 0, 'a');
      const second = await commit(journal, shard, first, 'b');
      expect(second).toBeGreaterThan(first);
      expect(await readAll(journal, shard, 1)).toEqual(['a', 'b']);
      expect(await readAll(journal, shard, first + 1)).toEqual(['b']);
      expect(await readAll(journal, shard, second + 1)).toEqual([]);
      expect(textOf((await journal.last(shard))?.bytes)).toBe('b');
      expect((await journal.last(shard))?.sequence).toBe(second);
    });

    test('an append that expects another last record is a conflict and stores nothing', async () => {
      const { shard, journal } = await open();
      const last = await commit(journal, shard, 0, 'a');
      for (const expected of [0, last - 1, last + 1]) {
        const result = await journal.append(shard, expected, `wrong-${expected}`, bytesOf('wrong'));
        expect(result.outcome).toBe('conflict');
      }
      expect(await readAll(journal, shard, 1)).toEqual(['a']);
    });

    test('after another owner has written, nothing of the former owner lands', async () => {
      const { shard, journal: zombie, other: owner } = await open();
      const last = await commit(zombie, shard, 0, 'zombie 1');
      const epoch = await commit(owner, shard, last, 'epoch 2');
      expect((await zombie.append(shard, last, 'z-2', bytesOf('zombie 2'))).outcome).toBe('conflict');
      expect((await zombie.append(shard, last, 'z-2', bytesOf('zombie 2'))).outcome).toBe('conflict');
      await commit(owner, shard, epoch, 'owner 1');
      expect((await zombie.append(shard, last, 'z-2', bytesOf('zombie 2'))).outcome).toBe('conflict');
      expect(await readAll(owner, shard, 1)).toEqual(['zombie 1', 'epoch 2', 'owner 1']);
    });

    test('of two owners that append at the same time, one lands', async () => {
      const { shard, journal, other } = await open();
      const last = await commit(journal, shard, 0, 'start');
      const results = await Promise.all([
        journal.append(shard, last, 'one', bytesOf('one')),
        other.append(shard, last, 'two', bytesOf('two')),
      ]);
      expect(results.filter(({ outcome }) => outcome === 'committed')).toHaveLength(1);
      expect(await readAll(journal, shard, 1)).toHaveLength(2);
    });

    test('a repeated append of a stored commit is told apart from a lost one', async () => {
      const { shard, journal } = await open();
      const start = await commit(journal, shard, 0, 'start');
      const stored = await commit(journal, shard, start, 'mine');
      // Its answer was lost, say; replicated logs remember the id, others see the stale expectation.
      const again = await journal.append(shard, start, 'mine', bytesOf('mine'));
      if (again.outcome === 'committed') expect(again.sequence).toBe(stored);
      else expect(again.outcome).toBe('conflict');
      expect(textOf((await journal.last(shard))?.bytes)).toBe('mine');
      expect(await readAll(journal, shard, 1)).toEqual(['start', 'mine']);
    });

    test('a commit refused once is stored when it is repeated with the right expectation', async () => {
      const { shard, journal } = await open();
      const last = await commit(journal, shard, 0, 'start');
      expect((await journal.append(shard, 0, 'late', bytesOf('late'))).outcome).toBe('conflict');
      expect((await journal.append(shard, last, 'late', bytesOf('late'))).outcome).toBe('committed');
    });

    test('shards do not disturb each other', async () => {
      const { shard, journal } = await open();
      const shards = [shard, ...Array.from({ length: 8 }, () => bench().freshShard())];
      const lasts = await Promise.all(shards.map((each, i) => commit(journal, each, 0, `${i}`)));
      await Promise.all(shards.map((each, i) => commit(journal, each, lasts[i] ?? 0, `${i} again`)));
      for (const [i, each] of shards.entries()) {
        expect(await readAll(journal, each, 1)).toEqual([`${i}`, `${i} again`]);
      }
    });

    test('a read ends at the record that was last when it began', async () => {
      const { shard, journal, other } = await open();
      let last = 0;
      for (const text of ['a', 'b', 'c']) last = await commit(journal, shard, last, text);
      const seen: string[] = [];
      for await (const record of journal.read(shard, 1)) {
        seen.push(textOf(record.bytes) ?? '');
        if (seen.length === 1) last = await commit(other, shard, last, 'd');
      }
      expect(seen).toEqual(['a', 'b', 'c']);
    });

    test('a read may be left early', async () => {
      const { shard, journal } = await open();
      const last = await commit(journal, shard, 0, 'a');
      await commit(journal, shard, last, 'b');
      for await (const record of journal.read(shard, 1)) {
        expect(textOf(record.bytes)).toBe('a');
        break;
      }
      expect(await readAll(journal, shard, 1)).toEqual(['a', 'b']);
    });

    test('after everything possible was trimmed the last record is there and the fence holds', async () => {
      const { shard, journal, other } = await open();
      let last = 0;
      for (const text of ['a', 'b', 'c']) last = await commit(journal, shard, last, text);
      await journal.trim(shard, last + 1_000);
      await journal.trim(shard, last);
      expect(await readAll(journal, shard, 1)).toEqual(['c']);
      expect((await other.append(shard, 0, 'zombie', bytesOf('zombie'))).outcome).toBe('conflict');
      await commit(journal, shard, last, 'd');
      expect(await readAll(journal, shard, 1)).toEqual(['c', 'd']);
    });

    test('trimming forgets what is asked for, of this shard only', async () => {
      const { shard, journal } = await open();
      const neighbours = Array.from({ length: 4 }, () => bench().freshShard());
      for (const each of neighbours) await commit(journal, each, 0, 'kept');
      const first = await commit(journal, shard, 0, 'a');
      const second = await commit(journal, shard, first, 'b');
      await commit(journal, shard, second, 'c');
      await journal.trim(shard, 0);
      await journal.trim(shard, first);
      expect(await readAll(journal, shard, 1)).toEqual(['b', 'c']);
      for (const each of neighbours) expect(await readAll(journal, each, 1)).toEqual(['kept']);
      await journal.trim(bench().freshShard(), 10);
    });

    test('the largest commit comes back as it was, and its buffer is free once it is committed', async () => {
      const { shard, journal } = await open();
      const bytes = Uint8Array.from({ length: commitBytesMax }, (_, i) => i * 31);
      const original = bytes.slice();
      expect((await journal.append(shard, 0, 'large', bytes)).outcome).toBe('committed');
      bytes.fill(0);
      const last = await journal.last(shard);
      expect(Buffer.compare(last?.bytes ?? new Uint8Array(), original)).toBe(0);
    });

    test('a long journal is read whole and in order', async () => {
      const { shard, journal } = await open();
      const texts = Array.from({ length: 1_500 }, (_, i) => `${i}`);
      let last = 0;
      for (const text of texts) last = await commit(journal, shard, last, text);
      expect(await readAll(journal, shard, 1)).toEqual(texts);
    });
  });
}

async function commit(journal: Journal, shard: ShardId, expectedLast: number, text: string): Promise<number> {
  const id = `${shard.index}:${text}`;
  for (;;) {
    const result = await journal.append(shard, expectedLast, id, bytesOf(text));
    if (result.outcome === 'busy') continue;
    if (result.outcome !== 'committed') throw new Error(`append of ${text}: ${JSON.stringify(result)}`);
    return result.sequence;
  }
}

async function readAll(
  journal: Journal,
  shard: ShardId,
  fromSequence: number,
): Promise<(string | undefined)[]> {
  const records: JournalRecord[] = [];
  for await (const record of journal.read(shard, fromSequence)) records.push(record);
  expect(records.map(({ sequence }) => sequence)).toEqual(
    records.map(({ sequence }) => sequence).toSorted((a, b) => a - b),
  );
  return records.map(({ bytes }) => textOf(bytes));
}
