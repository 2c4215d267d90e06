// The projection against the real engine: repeated, interrupted, deposed, without its store.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouse, ClickHouseUnavailable } from '@parley/adapters';
import { buckets } from '@parley/protocol';
import {
  type HistoryBench,
  caughtUp,
  groupShard,
  openHistoryBench,
  userShard,
} from '../testing/history-bench.ts';
import { around } from '../testing/around.ts';

let bench: HistoryBench;
beforeAll(async () => {
  bench = await openHistoryBench();
});
afterAll(() => bench.close());

const fast = { batchAgeMs: 10, batchPauseMs: 10, idleBatchAgeMs: 10, retryMinMs: 5, retryMaxMs: 20 };

async function texts(conversation: string, tenant = 'acme'): Promise<unknown[]> {
  const rows = await bench.clickHouse.select(
    `SELECT sequence, text FROM parley.messages FINAL WHERE tenant = '${tenant}' AND conversation = '${conversation}' ORDER BY sequence LIMIT 1000`,
  );
  return rows.map(([sequence, text]) => `${sequence} ${text}`);
}

describe('the history projection', () => {
  it('writes every message of a journal once, however often the journal is projected', async () => {
    const { journal } = bench;
    journal.commit(userShard, [
      journal.direct('acme', 'alice.bob', 'alice', 'one'),
      journal.direct('acme', 'alice.bob', 'bob', '二'),
    ]);
    journal.commit(userShard, [journal.direct('acme', 'alice.bob', 'alice', "it's \\ a \0 'trap'\n\t")]);
    await bench.projectAll();
    const rows = await texts('d.alice.bob');
    expect(rows).toEqual(['1 one', '2 二', "3 it's \\ a \0 'trap'\n\t"]);
    // As if the watermark had been lost with a crash: everything is written again.
    await bench.clickHouse.execute('TRUNCATE TABLE parley.watermarks');
    await bench.projectAll();
    expect(await texts('d.alice.bob')).toEqual(rows);
    const [memberships] = await bench.clickHouse.select('SELECT count() FROM parley.memberships FINAL');
    expect(memberships).toEqual([2]);
  });

  it('leaves out what a deposed owner wrote after its successor', async () => {
    const { journal } = bench;
    const created = journal.created('acme', 'team', 'ann', ['ben']);
    journal.commit(groupShard, [created], 5);
    journal.commit(groupShard, [journal.group('acme', 'team', 'ann', 'true')], 5);
    // The epoch is remembered across a restart.
    await bench.projectAll();
    const stamp = { sequence: 2, sender: 'ben', clientMessageId: 'x', atMs: journal.nowMs };
    const stale = journal.groupEvent('acme', 'team', { messagePosted: { ...stamp, text: 'stale' } });
    journal.commit(groupShard, [stale], 4);
    await bench.projectAll();
    expect(await texts('g.team')).toEqual(['1 ', '2 true']);
  });

  it('publishes its watermarks once they are durable, and trimming is released up to them', async () => {
    const bucket = await bench.cluster.node('history').keyValues.bucket(buckets.watermarks);
    const last = await bench.journal.last(groupShard);
    const entry = await bucket.get('group.0');
    expect(Buffer.from(entry?.value ?? []).toString()).toBe(String(last?.sequence));
  });

  it('waits for a store that is away, reads no more than a batch meanwhile, and loses nothing', async () => {
    const { journal } = bench;
    const lines: string[] = [];
    const note = (_: object, text: string) => void lines.push(text);
    const store = flaky(bench.clickHouse);
    const projection = await bench.projection({ ...fast, batchRowsMax: 10, recordsPerTake: 1 }, store, {
      info: note,
      warn: note,
      error: note,
    });
    projection.start();
    await caughtUp(projection, journal);
    store.isAway = true;
    for (let index = 0; index < 100; index += 1) {
      journal.commit(userShard, [journal.direct('acme', 'carl.dora', 'carl', `line ${index}`)]);
    }
    await expect.poll(() => projection.status.isStoreAway).toBe(true);
    expect(projection.status.lagMs).toBeGreaterThan(0);
    store.isAway = false;
    await caughtUp(projection, journal);
    expect(projection.status.isStoreAway).toBe(false);
    await projection.stop();
    expect(await texts('d.carl.dora')).toEqual(
      Array.from({ length: 100 }, (_, index) => `${index + 1} line ${index}`),
    );
    expect(lines.filter((line) => line.startsWith('ClickHouse is away'))).toHaveLength(1);
    expect(lines.filter((line) => line === 'ClickHouse is back')).toHaveLength(1);
  });

  it('writes what comes soon after a batch together, at the latest when there is enough for one', async () => {
    const { journal } = bench;
    const message = () => [journal.direct('acme', 'gil.hal', 'gil', 'hello')];
    const hourMs = 3_600_000;
    const projection = await bench.projection({ ...fast, batchPauseMs: hourMs, batchRowsMax: 6 });
    projection.start();
    journal.commit(userShard, message());
    await caughtUp(projection, journal);
    const { batchesWritten } = projection.status;
    for (let count = 0; count < 5; count += 1) journal.commit(userShard, message());
    await expect.poll(() => projection.status.lagMs).toBeGreaterThan(0);
    journal.commit(userShard, message());
    await caughtUp(projection, journal);
    expect(projection.status.batchesWritten).toBe(batchesWritten + 1);
    // And at the end, whatever there is.
    journal.commit(userShard, message());
    await expect.poll(() => projection.status.lagMs).toBeGreaterThan(0);
    await projection.stop();
    expect(await texts('d.gil.hal')).toHaveLength(8);
  });

  it('stops a shard whose journal cannot be read, says so, and goes on with the others', async () => {
    const { journal } = bench;
    journal.corrupt(groupShard);
    journal.commit(userShard, [journal.direct('acme', 'eva.finn', 'eva', 'still here')]);
    const projection = await bench.projection(fast);
    projection.start();
    await expect.poll(() => projection.status.haltedShards).toEqual(['group.0']);
    await expect.poll(() => texts('d.eva.finn')).toEqual(['1 still here']);
    await projection.stop();
  });
});

/** The engine, with a switch that makes every insert fail before or after it has happened. */
function flaky(engine: ClickHouse): ClickHouse & { isAway: boolean } {
  let tries = 0;
  return around(engine, {
    isAway: false,
    async insert(table, columns, rows) {
      tries += 1;
      if (this.isAway && tries % 2 === 0) await engine.insert(table, columns, rows);
      if (this.isAway) throw new ClickHouseUnavailable('connection refused');
      await engine.insert(table, columns, rows);
    },
  });
}
