// Roll-ups on the real engine: right after replays, late messages and deaths at every statement.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClickHouse, ClickHouseUnavailable } from '@parley/adapters';
import { userShard } from '../testing/history-bench.ts';
import { type RolledBench, openRolledBench } from '../testing/rolled-bench.ts';
import { type Post, expectedRollUps, writeDays } from '../testing/rolled-history.ts';
import { around } from '../testing/around.ts';

let bench: RolledBench;
beforeEach(async () => {
  bench = await openRolledBench();
});
afterEach(() => bench.close());

async function stored(): Promise<Record<string, string[]>> {
  const lines = async (select: string) =>
    (await bench.clickHouse.select(`${select} LIMIT 10000`)).map((row) => row.join(' ')).sort();
  const activity = 'conversation_kind, messages, changes, senders, conversations, reads';
  return {
    minutes: await lines(`SELECT tenant, minute, ${activity} FROM parley.minute_activity FINAL`),
    days: await lines(`SELECT tenant, day, ${activity} FROM parley.daily_activity FINAL`),
    periods: await lines('SELECT tenant, period, start, users, new_users FROM parley.period_users FINAL'),
    retention: await lines(
      'SELECT tenant, cohort, week, users FROM parley.cohort_retention FINAL WHERE users > 0',
    ),
  };
}

/** The engine until the statement number `lastStatement`, which fails before or after it has happened. */
function dyingAt(lastStatement: number, hasHappened: boolean): ClickHouse & { statements: number } {
  const { clickHouse } = bench;
  return around(clickHouse, {
    statements: 0,
    async execute(sql, options) {
      this.statements += 1;
      if (this.statements < lastStatement || hasHappened) await clickHouse.execute(sql, options);
      if (this.statements >= lastStatement) throw new ClickHouseUnavailable('killed');
    },
  });
}

describe('roll-ups', () => {
  it('count what was written, and a replay does not double them', async () => {
    const posts: Post[] = [];
    writeDays(bench.journal, 0, 18, posts);
    await bench.countAll();
    const expected = expectedRollUps(posts);
    expect(expected['minutes']!.length).toBeGreaterThan(30);
    expect(await stored()).toEqual(expected);
    // As if all watermarks had been lost: every message is written again, every minute counted again.
    await bench.clickHouse.execute('TRUNCATE TABLE parley.watermarks');
    await bench.countAll();
    expect(await stored()).toEqual(expected);
  });

  it('count again what a late message changes: its minute, its day, and who was new since', async () => {
    const posts: Post[] = [];
    const { journal } = bench;
    writeDays(journal, 0, 10, posts);
    await bench.countAll();
    journal.advance(-30 * 86_400_000);
    const late = journal.direct('acme', 'u1.u2', 'u1', 'found in a queue');
    const where = { tenant: 'acme', conversation: 'd.u1.u2' };
    posts.push({ ...where, sender: 'u1', atMs: journal.nowMs, kind: 'message' });
    journal.commit(userShard, [late]);
    await bench.countAll();
    expect(await stored()).toEqual(expectedRollUps(posts));
  });

  it('are right after a death at any statement, before or after it has happened', async () => {
    const posts: Post[] = [];
    let deaths = 0;
    for (let round = 0; round < 12; round += 1) {
      writeDays(bench.journal, round * 2, 2, posts);
      const store = dyingAt(1 + Math.floor(round / 2), round % 2 === 0);
      await bench.countAll(store).catch((error: unknown) => {
        expect(error).toBeInstanceOf(ClickHouseUnavailable);
        deaths += 1;
      });
    }
    expect(deaths).toBe(12);
    await bench.countAll();
    expect(await stored()).toEqual(expectedRollUps(posts));
  });

  it('know the size of a group as of the day, also when the day is counted again', async () => {
    const { journal } = bench;
    const posts: Post[] = [];
    writeDays(journal, 0, 6, posts);
    await bench.countAll();
    const sizes = () =>
      bench.clickHouse.select(
        `SELECT conversation, day, members, messages, senders FROM parley.daily_groups FINAL
         WHERE conversation = 'g.g1-acme' ORDER BY day LIMIT 100`,
      );
    // Owner, two from the start, one more each day.
    const truth = [
      ['g.g1-acme', '2026-01-01', 4, 1, 1],
      ['g.g1-acme', '2026-01-05', 5, 1, 1],
    ];
    expect(await sizes()).toEqual(truth);
    await bench.clickHouse.execute('TRUNCATE TABLE parley.watermarks');
    await bench.countAll();
    expect(await sizes()).toEqual(truth);
  });

  it('say how long after a message somebody read it', async () => {
    const { journal } = bench;
    writeDays(journal, 0, 3, []);
    journal.commit(userShard, [
      journal.readUpTo('acme', 'm3', 'g.g1-acme'),
      // Their own message: no delay of anybody's.
      journal.readUpTo('acme', 'm2', 'g.g0-acme'),
    ]);
    await bench.countAll();
    const rows = await bench.clickHouse.select(
      `SELECT tenant, toString(day), conversation_kind, delay_ms_max, reads FROM parley.daily_read_delays FINAL
       ORDER BY ALL LIMIT 100`,
    );
    expect(rows).toEqual([
      ['acme', '2026-01-01', 'group', 120_000, 1],
      ['acme', '2026-01-02', 'group', 120_000, 1],
      ['acme', '2026-01-03', 'group', 2 ** 32 - 1, 1],
    ]);
  });

  it('leave the minute that is still running alone', async () => {
    const { journal } = bench;
    journal.advance(Date.now() + 3_600_000 - journal.nowMs);
    journal.commit(userShard, [journal.direct('acme', 'a.b', 'a', 'from the future')]);
    await bench.countAll();
    expect((await stored())['minutes']).toEqual([]);
  });

  it('count the minute that is still running, and again what it has more, where that is wished', async () => {
    const { journal } = bench;
    const startMs = Math.ceil(Date.now() / 60_000) * 60_000 + 3_600_000;
    const running = { countsRunningMinute: true, nowMs: startMs + 30_000 };
    journal.advance(startMs - journal.nowMs);
    for (const text of ['one', 'two']) {
      journal.commit(userShard, [journal.direct('acme', 'a.b', 'a', text)]);
      expect(await bench.countAll(bench.clickHouse, running)).toBe(startMs);
      const rows = await bench.clickHouse.select('SELECT messages FROM parley.minute_activity FINAL LIMIT 9');
      expect(rows).toEqual([[text === 'one' ? 1 : 2]]);
    }
  });
});
