// What the NATS adapters do beyond the contracts of their ports.
import { NatsJournalFollower } from '@parley/adapters';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startNats } from '../servers/nats-server.ts';
import { flipBit } from '../servers/stream-files.ts';
import { type NatsBench, natsBench } from './nats-bench.ts';
import { bytesOf, textOf } from './port-bench.ts';

let bench: NatsBench;

beforeAll(async () => {
  const server = await startNats();
  bench = await natsBench({ url: server.url, stop: () => server.stop() });
});
afterAll(() => bench.stop());

describe('NatsSnapshotStore', () => {
  const large = new Uint8Array(1_200_000).fill(7);

  const chunkSubjects = async (bucket: string) => {
    const { link } = await bench.node('own');
    const info = await link.bulk.jsm.streams.info(`KV_${bucket}`, { subjects_filter: `$KV.${bucket}.~.>` });
    return Object.keys(info.state.subjects ?? {});
  };

  test('removes the chunks that a newer snapshot replaces, and no others', async () => {
    const bucket = bench.freshName('snapshots');
    const store = (await bench.node('own')).snapshots(bucket);
    const neighbour = await store.save('a.b', large, 0);
    const first = await store.save('a', large, 0);
    expect(neighbour.outcome).toBe('written');
    expect(await chunkSubjects(bucket)).toHaveLength(6);
    const second = await store.save('a', large, first.outcome === 'written' ? first.revision : 0);
    expect(await chunkSubjects(bucket)).toHaveLength(6);
    await store.save('a', bytesOf('small'), second.outcome === 'written' ? second.revision : 0);
    expect(await chunkSubjects(bucket)).toHaveLength(3);
    expect((await store.load('a.b'))?.bytes.length).toBe(large.length);
  });

  test('removes the chunks of a save that came too late', async () => {
    const bucket = bench.freshName('snapshots');
    const store = (await bench.node('own')).snapshots(bucket);
    await store.save('a', bytesOf('newer'), 0);
    expect(await store.save('a', large, 0)).toEqual({ outcome: 'conflict' });
    expect(await chunkSubjects(bucket)).toEqual([]);
  });

  test('finds what is there and nothing else, whatever was looked for before', async () => {
    const store = (await bench.node('own')).snapshots(bench.freshName('snapshots'));
    await store.save('a', bytesOf('there'), 0);
    const found: (string | undefined)[] = [];
    for (const key of ['none', 'a', 'a', 'none', 'none', 'a']) {
      const stored = await store.load(key);
      found.push(stored === undefined ? '' : textOf(stored.bytes));
    }
    expect(found).toEqual(['', 'there', 'there', '', '', 'there']);
  });
});

test('a snapshot that cannot be read is never taken for none, whatever was looked for before', async () => {
  const server = await startNats();
  const own = await natsBench({ url: server.url });
  try {
    const before = (await own.node('before')).snapshots('snapshots');
    await before.save('a', bytesOf('unreadable'), 0);
    await before.save('b', bytesOf('there'), 0);
    await own.stop();
    await server.kill('SIGTERM');
    for (const each of server.servers) await each.exited();
    flipBit(server.dataFolder, 'KV_snapshots', 'unreadable');
    await server.restart();
    const { link, snapshots } = await own.node('after');
    const after = snapshots('snapshots');
    await expect(after.load('a')).rejects.toThrow('cannot read it');
    expect(await after.load('none')).toBeUndefined();
    await expect(after.load('a')).rejects.toThrow('cannot read it');
    expect(textOf((await after.load('b'))!.bytes)).toBe('there');
    await link.close();
  } finally {
    await server.stop();
  }
});

describe('NatsJournalFollower', () => {
  test('brings what is there and then what comes, and ends when stopped', async () => {
    const { journal, link } = await bench.node('own');
    const shard = bench.freshShard();
    const first = await journal.append(shard, 0, '1', bytesOf('a'));
    const last = first.outcome === 'committed' ? first.sequence : 0;
    const reader = new NatsJournalFollower(link, { parts: 4 }).follow(shard, 0);
    expect((await reader.take(10)).map(({ bytes }) => textOf(bytes))).toEqual(['a']);
    const waiting = reader.take(10);
    await journal.append(shard, last, '2', bytesOf('b'));
    expect((await waiting).map(({ bytes }) => textOf(bytes))).toEqual(['b']);
    const stopped = reader.take(10);
    reader.stop();
    expect(await stopped).toEqual([]);
  });

  test('brings everything in order when it pauses between bursts, more than a window too, with one consumer', async () => {
    const { journal, link } = await bench.node('own');
    const shard = bench.freshShard();
    let last = 0;
    let count = 0;
    const append = async (records: number): Promise<void> => {
      for (const end = count + records; count < end; count++) {
        const result = await journal.append(shard, last, `${count}`, bytesOf(`${count}`));
        last = result.outcome === 'committed' ? result.sequence : 0;
      }
    };
    const restarts: string[] = [];
    const onReaderRestart = (_: unknown, reason: string): void => void restarts.push(reason);
    await append(600);
    const reader = new NatsJournalFollower(link, { parts: 4, pauseMs: 20, onReaderRestart }).follow(shard, 0);
    const taken: (string | undefined)[] = [];
    const takeAll = async (): Promise<void> => {
      while (taken.length < count)
        taken.push(...(await reader.take(1_000)).map(({ bytes }) => textOf(bytes)));
    };
    await takeAll();
    for (let burst = 0; burst < 3; burst++) {
      const taking = takeAll();
      await append(30);
      await taking;
      await takeAll();
    }
    reader.stop();
    expect(taken).toEqual(Array.from({ length: count }, (_, number) => `${number}`));
    expect(restarts).toEqual([]);
  });
});

describe('publishing to a stream', () => {
  test('is refused at once where no stream listens, or another than the wanted one', async () => {
    const { bulk } = (await bench.node('own')).link;
    const options = { stream: 'CMD_USER_0', timeoutMs: 60_000 };
    await expect(bulk.publish('nobody.listens', bytesOf('a'), options)).rejects.toThrow(/no responders/);
    await expect(bulk.publish('cmd.user.1', bytesOf('a'), options)).rejects.toMatchObject({ code: 10060 });
  });

  test('waits for nothing once its connection is closed', async () => {
    const { link } = await bench.node('closing');
    const listener = (await bench.node('own')).link.bulk.connection;
    const deaf = listener.subscribe('deaf', { callback: () => undefined });
    await listener.flush();
    const options = { stream: 'CMD_USER_0', timeoutMs: 60_000 };
    const outcome = link.bulk.publish('deaf', bytesOf('a'), options).then(() => 'stored', String);
    await link.close();
    expect(await outcome).toMatch(/was lost/);
    deaf.unsubscribe();
    await expect(link.bulk.publish('cmd.user.0', bytesOf('a'), options)).rejects.toThrow(/not connected/);
  });
});

describe('NatsCommandLog', () => {
  test('reads ahead no more than its limits while nobody takes', async () => {
    const { commandLog, link, restarts } = await bench.node('own');
    const shard = bench.freshShard();
    const reader = commandLog.read(shard, 0);
    for (let i = 0; i < 3_000; i++) commandLog.offer(shard, bytesOf(`${i}`));
    await commandLog.publish(shard, bytesOf('end'));
    const stream = `CMD_USER_${shard.index % 4}`;
    const delivered = async () => {
      let most = 0;
      for await (const { delivered } of link.control.jsm.consumers.list(stream)) {
        most = Math.max(most, delivered.consumer_seq);
      }
      return most;
    };
    await bench.until('the reader has read ahead', async () => (await delivered()) >= 1_024);
    await link.bulk.connection.flush();
    expect(await delivered()).toBeLessThanOrEqual(1_024 + 256);
    let taken = 0;
    while (taken < 3_001) taken += (await reader.take(500)).length;
    reader.stop();
    expect(restarts).toEqual([]);
  });
});
