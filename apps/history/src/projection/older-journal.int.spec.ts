// History against a journal that came back with less than history has of it, or that was written on from there: what it has
// is kept, nothing is trimmed by it, and a person is told.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buckets } from '@parley/protocol';
import type { Log } from '../log.ts';
import {
  type HistoryBench,
  groupShard,
  openHistoryBench,
  shards,
  userShard,
} from '../testing/history-bench.ts';
import { LagMeter } from './lag-meter.ts';

let bench: HistoryBench;
let lines: string[];
beforeAll(async () => {
  bench = await openHistoryBench();
});
afterAll(() => bench.close());
beforeEach(() => {
  lines = [];
});

const fast = {
  batchAgeMs: 10,
  batchPauseMs: 10,
  idleBatchAgeMs: 10,
  retryMinMs: 5,
  retryMaxMs: 20,
  publishEveryMs: 10,
};
const log: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: (_fields: object, message: string) => void lines.push(message),
};

async function post(from: string, count: number): Promise<void> {
  const { journal } = bench;
  for (let index = 0; index < count; index += 1)
    journal.commit(userShard, [journal.direct('acme', `${from}.zoe`, from, `line ${index}`)]);
  await bench.projectAll();
}

async function watermark(shard = 'user.0'): Promise<string | undefined> {
  const bucket = await bench.cluster.node('reader').keyValues.bucket(buckets.watermarks);
  const entry = await bucket.get(shard);
  return entry && Buffer.from(entry.value).toString('utf8');
}

describe('history with an older journal', () => {
  it('says that records are gone, tells owners how far it was, and goes on when they are back', async () => {
    await post('ann', 6);
    const { journal } = bench;
    const end = (await journal.last(userShard))!.sequence;
    const records = [];
    for await (const record of journal.read(userShard, 1)) records.push(record);
    journal.loseAfter(userShard, end - 3);
    const projection = await bench.projection(fast, undefined, log);
    projection.start();
    await expect.poll(() => lines).toEqual([expect.stringContaining('history is ahead of its journal')]);
    journal.commit(groupShard, [journal.created('acme', 'team', 'ann', [])]);
    await expect.poll(() => projection.positions.get('group.0')?.sequence).toBeGreaterThan(0);
    await expect.poll(() => watermark()).toBe(String(end));
    journal.restore(userShard, records);
    journal.commit(userShard, [journal.direct('acme', 'ann.zoe', 'ann', 'after')]);
    await expect.poll(() => projection.positions.get('user.0')?.sequence).toBeGreaterThan(end);
    expect(projection.status.haltedShards).toEqual([]);
    await projection.stop();
  });

  it('stands still when other records stand where it was, and lets nobody trim by its position', async () => {
    await post('bob', 4);
    const { journal } = bench;
    const end = (await journal.last(userShard))!.sequence;
    journal.loseAfter(userShard, end - 2);
    const told = await watermark();
    for (let index = 0; index < 5; index += 1)
      journal.commit(userShard, [journal.direct('acme', 'eve.zoe', 'eve', `another ${index}`)]);
    const projection = await bench.projection(fast, undefined, log);
    projection.start();
    await expect.poll(() => projection.status.haltedShards).toEqual(['user.0']);
    expect(lines).toEqual(['history of this shard stands still: its journal cannot be read on']);
    await projection.stop();
    expect(await watermark()).toBe(told);
  });

  it('while running, the lag meter says it once, when it was so twice in a row', async () => {
    const positions = new Map([['user.0', { sequence: 1_000_000, epoch: 1, n: 1_000_000, atMs: 0 }]]);
    const meter = new LagMeter(bench.journal, shards, log);
    await meter.measure(positions);
    expect(lines).toEqual([]);
    await meter.measure(positions);
    await meter.measure(positions);
    expect(lines).toEqual([expect.stringContaining('history is ahead of its journal')]);
  });
});
