// What every key-value store does: compare-and-set, expiry that renewal postpones, watches that miss nothing.
import type { KeyValue, KeyValueChange } from '@parley/runtime';
import { describe, expect, test } from 'vitest';
import { type PortBench, bytesOf, textOf } from './port-bench.ts';

const ttlMs = 1_000;

export function describeKeyValueStore(name: string, bench: () => PortBench): void {
  describe(`KeyValueStore: ${name}`, () => {
    const open = async () => {
      const bucket = bench().freshName('bucket');
      return {
        bucket,
        own: await (await bench().node('own')).keyValues.bucket(bucket),
        other: await (await bench().node('other')).keyValues.bucket(bucket),
      };
    };

    test('a write is seen at once by every process', async () => {
      const { own, other } = await open();
      expect(await own.get('a')).toBeUndefined();
      const revision = await put(own, 'a', 'one', 0);
      const entry = await other.get('a');
      expect({ ...entry, value: textOf(entry?.value) }).toEqual({ key: 'a', value: 'one', revision });
    });

    test('a write with a stale revision is a conflict', async () => {
      const { own, other } = await open();
      const first = await put(own, 'a', 'one', 0);
      const second = await put(other, 'a', 'two', first);
      expect(second).toBeGreaterThan(first);
      for (const expected of [0, first, second + 1]) {
        expect(await own.write('a', bytesOf('late'), expected)).toEqual({ outcome: 'conflict' });
      }
      expect(textOf((await own.get('a'))?.value)).toBe('two');
    });

    test('of many that create the same key, one wins', async () => {
      const { own, other } = await open();
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? own : other).write('a', bytesOf(`${i}`), 0)),
      );
      expect(results.filter(({ outcome }) => outcome === 'written')).toHaveLength(1);
    });

    test('revisions rise over the whole bucket, deletes included', async () => {
      const { own } = await open();
      const a = await put(own, 'a', 'one', 0);
      const b = await put(own, 'b', 'one', 0);
      await own.delete('a');
      const again = await put(own, 'a', 'two', 0);
      expect(b).toBeGreaterThan(a);
      expect(again).toBeGreaterThan(b + 1);
    });

    test('a deleted key is gone, for lists and expectations too', async () => {
      const { own, other } = await open();
      const revision = await put(own, 'a', 'one', 0);
      await put(own, 'b', 'one', 0);
      await other.delete('a');
      await other.delete('never-there');
      expect(await own.get('a')).toBeUndefined();
      expect((await own.list()).map(({ key }) => key)).toEqual(['b']);
      expect(await own.write('a', bytesOf('late'), revision)).toEqual({ outcome: 'conflict' });
      await put(own, 'a', 'new', 0);
      expect(await own.write('a', bytesOf('late'), 0)).toEqual({ outcome: 'conflict' });
    });

    test('lists everything, whatever the keys look like', async () => {
      const { own } = await open();
      const keys = ['user.3', 'a/b=c', 'a-b_c', 'A', ...Array.from({ length: 300 }, (_, i) => `many.${i}`)];
      await Promise.all(keys.map((key) => put(own, key, `value of ${key}`, 0)));
      const entries = await own.list();
      expect(entries.map(({ key }) => key).toSorted()).toEqual(keys.toSorted());
      expect(entries.every(({ key, value }) => textOf(value) === `value of ${key}`)).toBe(true);
    });

    test('an entry with a time to live expires, and its key can be created again', async () => {
      const { own, other } = await open();
      await put(own, 'lease', 'mine', 0, ttlMs);
      expect(textOf((await other.get('lease'))?.value)).toBe('mine');
      await bench().until(
        'the lease expires',
        async () => (await other.get('lease')) === undefined,
        5 * ttlMs,
      );
      expect(await own.list()).toEqual([]);
      await put(other, 'lease', 'yours', 0, ttlMs);
    });

    test('a renewed lease lives on, and expires when it is no longer renewed', async () => {
      const { own, other } = await open();
      let revision = await put(own, 'lease', '0', 0, ttlMs);
      const pulse = await put(own, 'pulse', '', 0, ttlMs);
      expect(pulse).toBeGreaterThan(revision);
      // Renewed until an entry of the same age that is not renewed has gone.
      let renewals = 0;
      await bench().until('the pulse has gone', async () => {
        revision = await put(own, 'lease', `${++renewals}`, revision, ttlMs);
        return (await other.get('pulse')) === undefined;
      });
      expect(textOf((await other.get('lease'))?.value)).toBe(`${renewals}`);
      await bench().until(
        'the lease expires',
        async () => (await other.get('lease')) === undefined,
        5 * ttlMs,
      );
    });

    test('a write without a time to live makes an entry permanent', async () => {
      const { own } = await open();
      const revision = await put(own, 'row', 'leased', 0, ttlMs);
      await put(own, 'row', 'permanent', revision);
      await put(own, 'pulse', '', 0, 2 * ttlMs);
      await bench().until('the pulse has gone', async () => (await own.get('pulse')) === undefined);
      expect(textOf((await own.get('row'))?.value)).toBe('permanent');
    });

    test('a watch tells what is there, then each change, deletes and expiries included', async () => {
      const { own, other } = await open();
      await put(own, 'old', 'there', 0);
      await put(own, 'gone', 'before', 0);
      await own.delete('gone');
      const changes: string[] = [];
      const watch = await other.watch((change) => void changes.push(describeChange(change)));
      expect(changes).toEqual(['old=there']);
      // Only the newest value of a key is kept: who is to see each waits for the one before.
      const told = (change: string) => bench().until(`${change} is told`, () => changes.includes(change));
      const revision = await put(own, 'a', 'one', 0);
      await told('a=one');
      await put(own, 'a', 'two', revision);
      await told('a=two');
      await own.delete('a');
      await put(own, 'lease', 'short', 0, ttlMs);
      await bench().until('the expiry is told', () => changes.includes('lease gone'));
      expect(changes).toEqual(['old=there', 'a=one', 'a=two', 'a gone', 'lease=short', 'lease gone']);
      watch.stop();
      await put(own, 'b', 'unseen', 0);
      expect(changes).toHaveLength(6);
    });

    test('a watch on an empty bucket begins at once and misses nothing', async () => {
      const { own, other } = await open();
      const seen = new Map<string, string>();
      const watch = await other.watch(({ key, entry }) => {
        if (entry === undefined) seen.delete(key);
        else seen.set(key, textOf(entry.value) ?? '');
      });
      const writers = Array.from({ length: 20 }, async (_, i) => {
        let revision = 0;
        for (let round = 0; round < 10; round++) revision = await put(own, `k${i}`, `${round}`, revision);
        if (i % 4 === 0) await own.delete(`k${i}`);
      });
      await Promise.all(writers);
      await bench().until('everything was told', () => {
        const isLast = [...seen.values()].every((value) => value === '9');
        return seen.size === 15 && isLast;
      });
      watch.stop();
    });

    test('buckets do not share keys', async () => {
      const first = await open();
      const second = await open();
      await put(first.own, 'a', 'first', 0);
      expect(await second.own.get('a')).toBeUndefined();
      expect(await second.own.list()).toEqual([]);
    });
  });
}

const describeChange = ({ key, entry }: KeyValueChange): string =>
  entry === undefined ? `${key} gone` : `${key}=${textOf(entry.value)}`;

async function put(
  bucket: KeyValue,
  key: string,
  text: string,
  expected: number,
  ttl?: number,
): Promise<number> {
  const result = await bucket.write(key, bytesOf(text), expected, ttl === undefined ? {} : { ttlMs: ttl });
  if (result.outcome !== 'written') throw new Error(`write of ${key}: ${result.outcome}`);
  return result.revision;
}
