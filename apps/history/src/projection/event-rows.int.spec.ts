// The table of events against the real engine: all that was journaled, byte for byte, once.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommittedEvent, type ShardId, decodeCommit, shardName } from '@parley/runtime';
import {
  type HistoryBench,
  caughtUp,
  groupShard,
  openHistoryBench,
  shards,
  userShard,
} from '../testing/history-bench.ts';
import type { KeptEvents } from './event-rows.ts';

let bench: HistoryBench;
beforeAll(async () => {
  bench = await openHistoryBench();
});
afterAll(() => bench.close());

const allBytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const hostileIds = ["o'hara", 'tab\tand\nline\r', '\\N', "\\'", '', '你好 👍🏽', '[],'];

/** Of a user, with a payload that history does not read. */
const inbox = (ids: readonly string[], payload: Uint8Array): CommittedEvent => ({
  type: 'user',
  tenant: 'acme',
  ids,
  payload,
});

async function stored(): Promise<unknown[]> {
  const rows = await bench.clickHouse.select(
    `SELECT shard, sequence, position, epoch, toUnixTimestamp64Milli(at), type, tenant, ids, hex(payload)
     FROM parley.events ORDER BY shard, sequence, position LIMIT 1000`,
  );
  return rows.map((row) => row.slice());
}

/** What the journals hold, as rows of the table. */
async function journaled(counts: (event: CommittedEvent, epoch: number) => boolean): Promise<unknown[]> {
  const rows: unknown[] = [];
  const inOrder = (one: ShardId, other: ShardId): number => (shardName(one) < shardName(other) ? -1 : 1);
  for (const shard of shards.toSorted(inOrder)) {
    for await (const { sequence, bytes } of bench.journal.read(shard, 1)) {
      const { epoch, atMs, events } = decodeCommit(bytes);
      for (const [position, event] of events.entries()) {
        const { type, tenant, ids, payload } = event;
        const hex = Buffer.from(payload).toString('hex').toUpperCase();
        const row = [shardName(shard), sequence, position, epoch, atMs, type, tenant, [...ids], hex];
        if (counts(event, epoch)) rows.push(row);
      }
    }
  }
  return rows;
}

async function project(keptEvents: KeptEvents): Promise<void> {
  await bench.clickHouse.execute('TRUNCATE TABLE IF EXISTS parley.watermarks');
  await bench.clickHouse.execute('TRUNCATE TABLE IF EXISTS parley.commits');
  for (let time = 0; time < 2; time += 1) {
    const projection = await bench.projection(
      { batchAgeMs: 10, batchPauseMs: 10, idleBatchAgeMs: 10 },
      undefined,
      undefined,
      keptEvents,
    );
    projection.start();
    await caughtUp(projection, bench.journal);
    await projection.stop();
    // As if the watermark had been lost with a crash: everything is written again.
    if (time === 0) await bench.clickHouse.execute('TRUNCATE TABLE parley.watermarks');
  }
}

describe('the table of events', () => {
  it('has every event of the journals once, with its bytes, whatever they are', async () => {
    const { journal } = bench;
    const sameIds = ['ann', 'ben', 'zoë'];
    journal.commit(userShard, [
      journal.direct('acme', 'alice.bob', 'alice', "it's \\ a \0 'trap'\n\t\r"),
      inbox(['alice', 'bob'], allBytes),
      inbox(hostileIds, allBytes.toReversed()),
      inbox([], new Uint8Array()),
    ]);
    journal.commit(groupShard, [journal.created('acme', 'team', 'ann', ['ben'])], 5);
    // One list twice in a record: the second only refers to it.
    journal.commit(userShard, [inbox(sameIds, Buffer.from('\\N')), inbox(sameIds, Buffer.from('x'))]);
    await project('all');
    expect(await stored()).toEqual(await journaled(() => true));
    const rows = await bench.clickHouse.select(
      `SELECT sequence, position FROM parley.events
       WHERE type = 'user' AND tenant = 'acme' AND has(ids, 'zoë') ORDER BY sequence, position LIMIT 10`,
    );
    expect(rows.map(([, position]) => position)).toEqual([0, 1]);
  });

  it('has nothing of a deposed owner', async () => {
    const { journal } = bench;
    journal.commit(groupShard, [journal.group('acme', 'team', 'ann', 'stale')], 4);
    await project('all');
    expect(await stored()).toEqual(await journaled(({ type }, epoch) => type !== 'group' || epoch >= 5));
  });

  it('has events of conversations alone, or none, where that was asked for', async () => {
    await project('conversations');
    expect(await stored()).toEqual(
      await journaled(({ type }, epoch) => type === 'direct' || (type === 'group' && epoch >= 5)),
    );
    await project('off');
    expect(await stored()).toEqual([]);
    const [messages] = await bench.clickHouse.select('SELECT count() FROM parley.messages FINAL');
    expect(messages).toEqual([2]);
  });
});
