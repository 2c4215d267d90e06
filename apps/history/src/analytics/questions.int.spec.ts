// The ready questions on the real engine: right numbers, only of the asker's tenant, and never more than their limits.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { internal } from '@parley/protocol';
import { analyticsViews } from '@parley/adapters';
import { groupShard, userShard } from '../testing/history-bench.ts';
import { type RolledBench, openRolledBench } from '../testing/rolled-bench.ts';
import { questionLimits, answerQuestion } from './question-reader.ts';
import { questions } from './questions.ts';

let bench: RolledBench;
/** The first minute in which anything happens: 23:00 of the last day of a year. */
const firstMs = Date.UTC(2025, 11, 31, 23);
const span = { from: '2025-12-31', to: '2026-01-31' };

beforeAll(async () => {
  bench = await openRolledBench();
  const { journal } = bench;
  journal.commit(groupShard, [
    journal.created('acme', 'team', 'ann', ['ben', 'cat']),
    journal.group('acme', 'team', 'ann', 'first'),
    journal.group('acme', 'team', 'ben', 'second'),
    journal.created('globex', 'team', 'zed', []),
    journal.group('globex', 'team', 'zed', 'of another tenant'),
  ]);
  journal.commit(userShard, [journal.direct('acme', 'ann.ben', 'ann', 'hello')]);
  journal.advance(20_000);
  journal.commit(userShard, [journal.readUpTo('acme', 'cat', 'g.team')]);
  journal.advance(8 * 86_400_000);
  journal.commit(groupShard, [journal.group('acme', 'team', 'ann', 'a week later')]);
  journal.commit(userShard, [journal.readUpTo('acme', 'ben', 'g.team')]);
  await bench.countAll();
});
afterAll(() => bench.close());

async function ask(question: string, parameters: Record<string, string> = {}, tenant = 'acme') {
  const request = internal.AnalyticsRequest.create({
    tenant,
    question,
    parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })),
  });
  const freshness = { completeThroughMs: 2, countedThroughMs: 1 };
  const answer = await answerQuestion(bench.clickHouse, request, () => Promise.resolve(freshness));
  return {
    ...(JSON.parse(answer.json) as { columns: string[]; rows: unknown[][] }),
    rowsRead: answer.rowsRead,
  };
}

describe('the ready questions', () => {
  it('count messages by minute, with minutes in which there were none', async () => {
    const at = (minutes: number) => ({
      from: String(firstMs + minutes * 60_000),
      to: String(firstMs + 3 * 60_000),
    });
    const { columns, rows, rowsRead } = await ask('messages-per-minute', at(0));
    expect(columns).toEqual(['at_ms', 'direct', 'group']);
    expect(rows).toEqual([
      [firstMs, 1, 2],
      [firstMs + 60_000, 0, 0],
      [firstMs + 120_000, 0, 0],
    ]);
    expect(rowsRead).toBeGreaterThan(0);
  });

  it('count active users by day, week and month', async () => {
    expect((await ask('active-users', span)).rows).toEqual([
      ['2025-12-31', 2, 2],
      ['2026-01-08', 1, 0],
    ]);
    expect(
      (await ask('active-users', { from: '2025-12-01', to: '2026-02-01', period: 'month' })).rows,
    ).toEqual([
      ['2025-12-01', 2, 2],
      ['2026-01-01', 1, 0],
    ]);
    expect(
      (await ask('active-users', { from: '2025-12-01', to: '2026-02-01', period: 'week' })).rows,
    ).toEqual([
      ['2025-12-29', 2, 2],
      ['2026-01-05', 1, 0],
    ]);
  });

  it('follow cohorts through weeks', async () => {
    expect((await ask('retention', { from: '2025-12-29', to: '2026-02-01' })).rows).toEqual([
      ['2025-12-29', 0, 2, 1],
      ['2025-12-29', 1, 1, 0.5],
    ]);
  });

  it('set sizes of groups against what is written in them', async () => {
    // Three members; two messages on the first day, by two of them, and one on the second.
    expect((await ask('size-against-activity', span)).rows).toEqual([[2, 1, 1.5, 0.5, 0.5]]);
    expect((await ask('busiest-groups', span)).rows).toEqual([['g.team', 3, 2, 3]]);
    expect((await ask('busiest-groups', span, 'globex')).rows).toEqual([['g.team', 1, 1, 1]]);
  });

  it('tell how soon messages are read, and how far one reaches', async () => {
    expect((await ask('read-delays', span)).rows).toEqual([
      [1_000, 0, 1],
      [30_000, 0, 1],
    ]);
    const reach = await ask('reach', { conversation: 'g.team', sequence: '2' });
    expect(reach.rows).toEqual([
      [30_000, 1],
      [2 ** 32 - 1, 2],
    ]);
    expect((await ask('reach', { conversation: 'g.team', sequence: '99' })).rows).toEqual([]);
    expect((await ask('reach', { conversation: 'g.team', sequence: '2' }, 'globex')).rows).toEqual([]);
  });

  it('say nothing to a tenant that has nothing', async () => {
    for (const { name, parameters } of questions) {
      const given = name === 'reach' ? { conversation: 'g.team', sequence: '2' } : span;
      const { rows } = await ask(name, given, 'nobody');
      expect(rows.flatMap((row) => row.slice(1)).every((value) => value === 0)).toBe(true);
      expect(parameters.length).toBeGreaterThan(1);
    }
  });

  it('describe themselves', async () => {
    const { questions: told } = (await ask('')) as unknown as {
      questions: { name: string; sql?: unknown }[];
    };
    expect(told.map(({ name }) => name)).toEqual(questions.map(({ name }) => name));
    expect(told.every(({ sql }) => sql === undefined)).toBe(true);
  });

  it.each([
    ['a question that is not there', 'drop-tables', {}, 'BAD_REQUEST'],
    ['a parameter that is not there', 'retention', { limit: '1' }, 'BAD_REQUEST'],
    ['a time that is none', 'retention', { from: "2026-01-01' OR 1" }, 'BAD_REQUEST'],
    ['a time beyond the end of time', 'retention', { to: '99999999999999' }, 'BAD_REQUEST'],
    [
      'a span that ends before it begins',
      'retention',
      { from: '2026-02-01', to: '2026-01-01' },
      'BAD_REQUEST',
    ],
    ['a choice that is none', 'active-users', { period: 'year' }, 'BAD_REQUEST'],
    ['a number out of its range', 'busiest-groups', { limit: '501' }, 'BAD_REQUEST'],
    ['SQL for a conversation', 'reach', { conversation: "g.a' OR 1=1 --", sequence: '1' }, 'BAD_ID'],
    ['a required parameter left out', 'reach', { conversation: 'g.team' }, 'BAD_REQUEST'],
  ])('refuse %s', async (_what, question, parameters, code) => {
    await expect(ask(question, parameters)).rejects.toMatchObject({ name: 'BadRequest', code });
  });

  it('refuse to read more than they may', async () => {
    const request = internal.AnalyticsRequest.create({
      tenant: 'acme',
      question: 'retention',
      parameters: Object.entries(span).map(([name, value]) => ({ name, value })),
    });
    const freshness = () => Promise.resolve({ completeThroughMs: 0, countedThroughMs: 0 });
    for (const limits of [{ rowsReadMax: 1 }, { rowsMax: 1 }, { answerBytesMax: 10 }]) {
      const answer = answerQuestion(bench.clickHouse, request, freshness, { ...questionLimits, ...limits });
      await expect(answer).rejects.toMatchObject({ code: 'RANGE_TOO_LARGE' });
    }
  });
});

describe('the views', () => {
  it('have the tenant first, and neither texts nor versions', async () => {
    for (const { name } of analyticsViews) {
      const columns = (
        await bench.clickHouse.select(
          `SELECT name FROM system.columns WHERE database = 'parley' AND table = '${name}' ORDER BY position LIMIT 100`,
        )
      ).map(([column]) => column);
      expect(columns[0]).toBe('tenant');
      for (const hidden of ['text', 'terms', 'system', 'version', 'client_message_id'])
        expect(columns).not.toContain(hidden);
    }
  });

  it('show each message, span and conversation once, whatever was written twice', async () => {
    await bench.clickHouse.execute('TRUNCATE TABLE parley.watermarks');
    await bench.countAll();
    const count = async (view: string) =>
      (await bench.clickHouse.select(`SELECT count() FROM parley.${view} WHERE tenant = 'acme'`))[0]?.[0];
    expect(await count('analytics_messages')).toBe(5);
    expect(await count('analytics_conversations')).toBe(2);
    expect(await count('analytics_spans')).toBe(5);
    expect(await count('analytics_reads')).toBe(2);
  });
});
