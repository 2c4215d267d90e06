// What every command log does: keep each process's order, and let readers continue where their owner stopped.
import type { IntakeMessage, IntakeReader } from '@parley/runtime';
import { describe, expect, test } from 'vitest';
import { type PortBench, bytesOf, textOf } from './port-bench.ts';

export function describeCommandLog(name: string, bench: () => PortBench): void {
  describe(`CommandLog: ${name}`, () => {
    const open = async () => ({
      shard: bench().freshShard(),
      log: (await bench().node('own')).commandLog,
      other: (await bench().node('other')).commandLog,
    });

    test('offers and publishes of one process arrive in their order, with rising sequences', async () => {
      const { shard, log } = await open();
      const reader = log.read(shard, 0);
      for (let i = 0; i < 50; i++) log.offer(shard, bytesOf(`offer ${i}`));
      await log.publish(shard, bytesOf('publish'));
      log.offer(shard, bytesOf('last'));
      const messages = await takeCount(reader, 52);
      reader.stop();
      const expected = [...Array.from({ length: 50 }, (_, i) => `offer ${i}`), 'publish', 'last'];
      expect(messages.map(({ bytes }) => textOf(bytes))).toEqual(expected);
      const sequences = messages.map(({ sequence }) => sequence);
      expect(sequences.every((sequence, i) => i === 0 || sequence > (sequences[i - 1] ?? 0))).toBe(true);
    });

    test('a reader begins behind the sequence it is given', async () => {
      const { shard, log, other } = await open();
      for (const text of ['a', 'b', 'c']) await log.publish(shard, bytesOf(text));
      const first = other.read(shard, 0);
      const [a] = await takeCount(first, 3);
      first.stop();
      const second = other.read(shard, a?.sequence ?? 0);
      expect((await takeCount(second, 2)).map(({ bytes }) => textOf(bytes))).toEqual(['b', 'c']);
      second.stop();
    });

    test('a take brings at most what it asks for', async () => {
      const { shard, log } = await open();
      for (let i = 0; i < 5; i++) await log.publish(shard, bytesOf(`${i}`));
      const reader = log.read(shard, 0);
      const messages = await takeCount(reader, 5, 2);
      reader.stop();
      expect(messages.map(({ bytes }) => textOf(bytes))).toEqual(['0', '1', '2', '3', '4']);
    });

    test('a waiting take is answered by the next message, and by stop', async () => {
      const { shard, log, other } = await open();
      const reader = log.read(shard, 0);
      const waiting = reader.take(10);
      await other.publish(shard, bytesOf('news'));
      expect((await waiting).map(({ bytes }) => textOf(bytes))).toEqual(['news']);
      const stopped = reader.take(10);
      reader.stop();
      reader.stop();
      expect(await stopped).toEqual([]);
      expect(await reader.take(10)).toEqual([]);
    });

    test('two readers of one shard see the same, and nothing of other shards', async () => {
      const { shard, log, other } = await open();
      const neighbours = Array.from({ length: 4 }, () => bench().freshShard());
      const readers = [log.read(shard, 0), other.read(shard, 0)];
      for (const each of [...neighbours, shard, ...neighbours, shard]) {
        await log.publish(each, bytesOf(`for ${each.index}`));
      }
      for (const reader of readers) {
        const messages = await takeCount(reader, 2);
        expect(messages.map(({ bytes }) => textOf(bytes))).toEqual([
          `for ${shard.index}`,
          `for ${shard.index}`,
        ]);
        reader.stop();
      }
    });

    test('the last sequence is that of the newest message, trimmed or not', async () => {
      const { shard, log, other } = await open();
      for (const text of ['a', 'b']) await log.publish(shard, bytesOf(text));
      const reader = log.read(shard, 0);
      const last = (await takeCount(reader, 2)).at(-1)!.sequence;
      reader.stop();
      expect(await other.lastSequence(shard)).toBeGreaterThanOrEqual(last);
      await log.trim(shard, last);
      expect(await other.lastSequence(shard)).toBeGreaterThanOrEqual(last);
    });

    test('trimmed messages are gone, later ones and other shards are not', async () => {
      const { shard, log } = await open();
      const neighbour = bench().freshShard();
      await log.publish(neighbour, bytesOf('kept'));
      for (const text of ['a', 'b', 'c']) await log.publish(shard, bytesOf(text));
      const reader = log.read(shard, 0);
      const [, b] = await takeCount(reader, 3);
      reader.stop();
      await log.trim(shard, 0);
      await log.trim(shard, b?.sequence ?? 0);
      const late = log.read(shard, 0);
      expect((await takeCount(late, 1)).map(({ bytes }) => textOf(bytes))).toEqual(['c']);
      late.stop();
      const next = log.read(neighbour, 0);
      expect((await takeCount(next, 1)).map(({ bytes }) => textOf(bytes))).toEqual(['kept']);
      next.stop();
    });

    test('after everything was trimmed a reader continues with what comes', async () => {
      const { shard, log } = await open();
      await log.publish(shard, bytesOf('old'));
      const reader = log.read(shard, 0);
      const [old] = await takeCount(reader, 1);
      await log.trim(shard, old?.sequence ?? 0);
      const later = log.read(shard, old?.sequence ?? 0);
      await log.publish(shard, bytesOf('new'));
      for (const each of [reader, later]) {
        expect((await takeCount(each, 1)).map(({ bytes }) => textOf(bytes))).toEqual(['new']);
        each.stop();
      }
    });

    test('a reader that is slower than the senders misses and repeats nothing', async () => {
      const { shard, log, other } = await open();
      const count = 4_000;
      const reader = other.read(shard, 0);
      const body = 'x'.repeat(300);
      for (let i = 0; i < count; i++) {
        log.offer(shard, bytesOf(`${i} ${body}`));
        if (i % 100 === 99) await (await bench().node('own')).messenger.flush();
      }
      const messages = await takeCount(reader, count, 70);
      reader.stop();
      expect(messages.map(({ bytes }) => Number(textOf(bytes)?.split(' ')[0]))).toEqual(
        Array.from({ length: count }, (_, i) => i),
      );
    });
  });
}

/** Takes until `count` messages have come. */
export async function takeCount(reader: IntakeReader, count: number, max = 1_000): Promise<IntakeMessage[]> {
  const messages: IntakeMessage[] = [];
  while (messages.length < count) {
    const taken = await reader.take(Math.min(max, count - messages.length));
    if (taken.length === 0) throw new Error('the reader was stopped');
    expect(taken.length).toBeLessThanOrEqual(max);
    // Bytes may be a view on the socket's buffer: kept ones are copied.
    messages.push(...taken.map(({ sequence, bytes }) => ({ sequence, bytes: bytes.slice() })));
  }
  return messages;
}
