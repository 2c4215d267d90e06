// What every snapshot store does: any size, whole or not at all, one of two writers.
import { describe, expect, test } from 'vitest';
import { type PortBench, bytesOf, textOf } from './port-bench.ts';

const large = (seed: number, sizeBytes = 5 * 1024 * 1024): Uint8Array => {
  const bytes = new Uint8Array(sizeBytes);
  let state = seed;
  for (let i = 0; i < sizeBytes; i++)
    bytes[i] = (state = (state * 1_103_515_245 + 12_345) & 0x7fffffff) >> 16;
  return bytes;
};

const isSame = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  a !== undefined && Buffer.compare(a, b) === 0;

export function describeSnapshotStore(name: string, bench: () => PortBench): void {
  describe(`SnapshotStore: ${name}`, () => {
    const open = async () => {
      const bucket = bench().freshName('snapshots');
      return {
        own: (await bench().node('own')).snapshots(bucket),
        other: (await bench().node('other')).snapshots(bucket),
      };
    };

    const save = async (
      store: Awaited<ReturnType<typeof open>>['own'],
      key: string,
      bytes: Uint8Array,
      expected: number,
    ) => {
      const result = await store.save(key, bytes, expected);
      if (result.outcome !== 'written') throw new Error(`save of ${key}: ${result.outcome}`);
      return result.revision;
    };

    test('a saved snapshot is loaded by every process with its revision', async () => {
      const { own, other } = await open();
      expect(await own.load('user.a.b')).toBeUndefined();
      const revision = await save(own, 'user.a.b', bytesOf('state'), 0);
      const loaded = await other.load('user.a.b');
      expect(textOf(loaded?.bytes)).toBe('state');
      expect(loaded?.revision).toBe(revision);
      expect(await other.load('user.a')).toBeUndefined();
    });

    test('an empty snapshot is a snapshot', async () => {
      const { own } = await open();
      await save(own, 'empty', new Uint8Array(), 0);
      expect((await own.load('empty'))?.bytes).toHaveLength(0);
    });

    test('a save with a stale revision is a conflict and changes nothing', async () => {
      const { own, other } = await open();
      const first = await save(own, 'a', bytesOf('one'), 0);
      const second = await save(other, 'a', bytesOf('two'), first);
      for (const expected of [0, first, second + 1]) {
        expect(await own.save('a', bytesOf('zombie'), expected)).toEqual({ outcome: 'conflict' });
        expect(await own.save('a', large(9, 600_000), expected)).toEqual({ outcome: 'conflict' });
      }
      expect(textOf((await own.load('a'))?.bytes)).toBe('two');
    });

    test('five megabytes come back as they were, and may be replaced by other sizes', async () => {
      const { own, other } = await open();
      let revision = await save(own, 'group.g', large(1), 0);
      expect(isSame((await other.load('group.g'))?.bytes, large(1))).toBe(true);
      revision = await save(other, 'group.g', large(2, 3_000_000), revision);
      expect(isSame((await own.load('group.g'))?.bytes, large(2, 3_000_000))).toBe(true);
      revision = await save(own, 'group.g', bytesOf('small again'), revision);
      expect(textOf((await other.load('group.g'))?.bytes)).toBe('small again');
      await save(other, 'group.g', large(3, 524_289), revision);
      expect(isSame((await own.load('group.g'))?.bytes, large(3, 524_289))).toBe(true);
    });

    test('of two processes that replace a large snapshot at the same time, one wins whole', async () => {
      const { own, other } = await open();
      const revision = await save(own, 'a', large(1, 2_000_000), 0);
      const results = await Promise.all([
        own.save('a', large(2, 2_000_000), revision),
        other.save('a', large(3, 2_000_000), revision),
      ]);
      expect(results.filter(({ outcome }) => outcome === 'written')).toHaveLength(1);
      const winner = results[0].outcome === 'written' ? 2 : 3;
      expect(isSame((await own.load('a'))?.bytes, large(winner, 2_000_000))).toBe(true);
      expect(isSame((await other.load('a'))?.bytes, large(winner, 2_000_000))).toBe(true);
    });

    test('a load while a large snapshot is replaced brings one of them, whole', async () => {
      const { own, other } = await open();
      const versions = [1, 2, 3, 4].map((seed) => large(seed, 1_500_000));
      let revision = await save(own, 'a', versions[0] ?? bytesOf(''), 0);
      let isReplacing = true;
      const replacing = (async () => {
        for (const version of versions.slice(1)) revision = await save(own, 'a', version, revision);
        isReplacing = false;
      })();
      while (isReplacing) {
        const loaded = await other.load('a');
        expect(versions.some((version) => isSame(loaded?.bytes, version))).toBe(true);
      }
      await replacing;
    });
  });
}
