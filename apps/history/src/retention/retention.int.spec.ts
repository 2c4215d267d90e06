// Retention against the real engine: what is too old is gone for everybody, what is on hold stays, nobody sees a hole.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouse, ClickHouseUnavailable, oneServer } from '@parley/adapters';
import { buckets, internal } from '@parley/protocol';
import type { KeyValue } from '@parley/runtime';
import { systemClock } from '@parley/std';
import { type Log, silentLog } from '../log.ts';
import { exportSql } from '../export/export-sql.ts';
import { locate } from '../reading/locate-reader.ts';
import { readPage } from '../reading/page-reader.ts';
import { search } from '../reading/search-reader.ts';
import { type HistoryBench, groupShard, openHistoryBench, userShard } from '../testing/history-bench.ts';
import { conversationAsOf } from '../time-travel/conversation-as-of.ts';
import { messageVersions } from '../time-travel/message-versions.ts';
import { deleteBefore } from './deletion.ts';
import { readHolds, setHold } from './holds.ts';
import { readPolicies, readRetention, setRetention } from './policies.ts';
import { RetentionJob } from './retention-job.ts';
import { around } from '../testing/around.ts';

let bench: HistoryBench;
let cutMs = 0;
let deletions: KeyValue;
const dayMs = 86_400_000;
const by = { by: 'ann', nowMs: Date.UTC(2026, 0, 10) };

/** Three old and two new messages in each conversation, parted by `cutMs`. */
beforeAll(async () => {
  bench = await openHistoryBench();
  deletions = await bench.cluster.node('history').keyValues.bucket(buckets.deletions);
  const { journal } = bench;
  const talk = (word: string) => {
    for (const id of ['ann.ben', 'ann.held', 'cat.dan'])
      journal.commit(userShard, [journal.direct('acme', id, 'ann', `${word} ${id}`)]);
    journal.commit(userShard, [journal.direct('other', 'ann.ben', 'ann', `${word} elsewhere`)]);
    journal.commit(userShard, [journal.direct('halfway', 'ann.ben', 'ann', `${word} halfway`)]);
    journal.commit(groupShard, [journal.group('halfway', 'club', 'ben', `${word} club`)]);
    journal.commit(groupShard, [journal.group('acme', 'tea', 'ann', `${word} tea`)]);
  };
  journal.commit(groupShard, [journal.created('acme', 'tea', 'ann', ['ben'])]);
  journal.commit(groupShard, [journal.created('halfway', 'club', 'ben', ['ann'])]);
  talk('old');
  talk('old');
  journal.commit(groupShard, [
    journal.change('acme', 'tea', (stamp) => ({ memberRemoved: { ...stamp, by: 'ann', member: 'ben' } })),
  ]);
  talk('old');
  cutMs = journal.nowMs + 1;
  journal.moveTo(journal.nowMs + 10 * dayMs);
  talk('new');
  talk('new');
  await bench.projectAll();
});
afterAll(() => bench.close());

const page = async (conversation: string, tenant = 'acme', from = 1) => {
  const request = internal.HistoryPageRequest.create({ tenant, conversation, from, to: from + 99 });
  const answer = await readPage(bench.clickHouse, request);
  const shown = answer.messages?.map(({ sequence, text, system }) =>
    system?.expired ? `${sequence} expired` : `${sequence} ${text ?? 'system'}`,
  );
  return { shown, through: answer.completeThrough };
};

const found = async (user: string, text: string, tenant = 'acme') => {
  const request = internal.SearchRequest.create({ tenant, user, text, limit: 100 });
  const answer = await search(bench.clickHouse, request, () => Promise.resolve(Date.UTC(2030, 0)));
  return answer.hits?.map((hit) => hit.message?.conversation).toSorted();
};

const jobAt = (nowMs: number, clickHouse: ClickHouse = bench.clickHouse, log: Log = silentLog) =>
  new RetentionJob({
    clickHouse,
    layout: oneServer,
    deletions,
    log,
    everyMs: dayMs,
    completeThroughMs: () => Promise.resolve(Date.UTC(2026, 5)),
    clock: { ...systemClock, nowMs: () => nowMs },
  });
const hold = (kind: string, id: string, isHeld: boolean) =>
  setHold(bench.clickHouse, 'acme', internal.HoldChange.create({ kind, id, isHeld, reason: 'case 7' }), by);
const contentEvents = async (tenant: string) => {
  const [row] = await bench.clickHouse.select(
    `SELECT countIf(position(payload, 'old ') > 0), count() FROM parley.events WHERE tenant = '${tenant}'`,
  );
  return row;
};

describe('a policy', () => {
  it('is for ever until somebody sets one, and says who did', async () => {
    expect(await readRetention(bench.clickHouse, 'acme')).toMatchObject({
      days: 0,
      by: '',
      deletedBeforeMs: 0,
    });
    await setRetention(bench.clickHouse, { tenant: 'acme', days: 30, ...by });
    await setRetention(bench.clickHouse, { tenant: 'acme', days: 5, by: 'ben', nowMs: by.nowMs + 1 });
    await setRetention(bench.clickHouse, { tenant: 'later', days: 3, ...by });
    await setRetention(bench.clickHouse, { tenant: 'later', days: 0, by: 'ben', nowMs: by.nowMs + 1 });
    expect(await readRetention(bench.clickHouse, 'acme')).toMatchObject({ days: 5, by: 'ben' });
    expect(await readPolicies(bench.clickHouse)).toEqual([{ tenant: 'acme', days: 5 }]);
    await expect(setRetention(bench.clickHouse, { tenant: 'acme', days: -1, ...by })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });
});

/** The engine as retention leaves it when it dies right after its marks: no row is deleted yet. */
const marksOnly = () =>
  around(bench.clickHouse, {
    execute: (sql, options) =>
      sql.startsWith('DELETE')
        ? Promise.reject(new ClickHouseUnavailable('dead'))
        : bench.clickHouse.execute(sql, options),
  });
const exported = async (scope: Record<'tenant' | 'user' | 'conversation', string>) => {
  const sql = exportSql(
    { fromMs: 0, toMs: 0, displayName: '', spans: [{ from: 1, to: 7 }], views: [], ...scope },
    'JSONEachRow',
  );
  const rows = await bench.clickHouse.select(`SELECT conversation, sequence FROM (${sql}) LIMIT 100`);
  return rows.map((row) => row.join(' '));
};

const located = (conversation: string, tenant: string) => {
  const request = { tenant, conversation, atMs: 0, spans: [{ from: 1 }] };
  return locate(bench.clickHouse, internal.HistoryLocateRequest.create(request));
};

describe('between its mark and its deletion, a message', () => {
  it('is in no page, is not found, located or exported, though its row is still there', async () => {
    const options = { clickHouse: marksOnly(), layout: oneServer };
    await expect(deleteBefore(options, { tenant: 'halfway', beforeMs: cutMs })).rejects.toThrow('dead');
    expect((await page('d.ann.ben', 'halfway')).shown).toEqual([
      ...['1 expired', '2 expired', '3 expired'],
      ...['4 new halfway', '5 new halfway'],
    ]);
    expect(await found('ann', 'old', 'halfway')).toEqual([]);
    expect(await found('ann', 'new', 'halfway')).toHaveLength(4);
    const asked = { tenant: 'halfway', user: 'ann' };
    expect(await exported({ ...asked, conversation: '' })).toEqual([
      ' 0',
      ...['d.ann.ben 4', 'd.ann.ben 5', 'g.club 5', 'g.club 6'],
    ]);
    expect(await exported({ ...asked, conversation: 'd.ann.ben' })).toEqual(['d.ann.ben 4', 'd.ann.ben 5']);
    expect(await located('d.ann.ben', 'halfway')).toMatchObject({ sequence: 4, completeThrough: 5 });
  });
});

describe('retention', () => {
  it('crashed at any statement leaves no hole, and is completed by the next run', async () => {
    await hold('user', 'held', true);
    await hold('conversation', 'd.cat.dan', true);
    for (let statements = 0; ; statements += 1) {
      const store = dyingAfter(bench.clickHouse, statements);
      let crashed = false;
      const log = { ...silentLog, warn: () => void (crashed = true) };
      await jobAt(cutMs + 5 * dayMs, store, log).run();
      for (const [id, count] of [
        ['d.ann.ben', 5],
        ['g.tea', 7],
      ] as const) {
        const { shown, through } = await page(id);
        expect(through, `${id} after ${statements}`).toBe(count);
        expect(
          shown?.map((line) => Number.parseInt(line, 10)),
          `${id} after ${statements}`,
        ).toEqual(Array.from({ length: count }, (_, index) => index + 1));
      }
      if (!crashed) break;
      expect(statements).toBeLessThan(20);
    }
    const old = ['1 expired', '2 expired', '3 expired'];
    expect(await page('d.ann.ben')).toEqual({
      shown: [...old, '4 new ann.ben', '5 new ann.ben'],
      through: 5,
    });
    expect((await page('g.tea')).shown).toEqual([...old, '4 expired', '5 expired', '6 new tea', '7 new tea']);
    expect(await readRetention(bench.clickHouse, 'acme')).toMatchObject({ deletedBeforeMs: cutMs });
  });

  it('tells gateways how far it has come, and again where that was lost', async () => {
    const told = async () => Buffer.from((await deletions.get('acme'))?.value ?? '').toString();
    expect(await told()).toBe(String(cutMs));
    await deletions.delete('acme');
    await setRetention(bench.clickHouse, { tenant: 'acme', days: 0, by: 'ben', nowMs: by.nowMs + 2 });
    await jobAt(cutMs + 5 * dayMs).run();
    expect(await told()).toBe(String(cutMs));
    await setRetention(bench.clickHouse, { tenant: 'acme', days: 5, by: 'ben', nowMs: by.nowMs + 3 });
    expect((await deletions.list()).map(({ key }) => key)).toEqual(['acme']);
  });

  it('leaves what is on hold, and what is of other tenants', async () => {
    for (const id of ['ann.held', 'cat.dan'])
      expect((await page(`d.${id}`)).shown).toEqual(
        [...Array(3).keys()].map((n) => `${n + 1} old ${id}`).concat(`4 new ${id}`, `5 new ${id}`),
      );
    expect((await page('d.ann.ben', 'other')).shown?.[0]).toBe('1 old elsewhere');
    expect(await found('ann', 'old')).toEqual(Array(3).fill('d.ann.held'));
    expect(await found('ann', 'old', 'other')).toHaveLength(3);
    expect(await found('ann', 'new')).toHaveLength(6);
  });

  it('leaves no text of what is gone among events, but who was a member', async () => {
    expect(await contentEvents('acme')).toEqual([6, expect.any(Number)]);
    expect(await contentEvents('other')).toEqual([3, 5]);
    const asOf = (query: object) =>
      conversationAsOf(bench.clickHouse, 'acme', internal.ConversationAsOfQuery.create(query));
    expect(await asOf({ conversation: 'g.tea', sequence: 2 })).toMatchObject({
      memberCount: 2,
      title: 'Title of tea',
      firstKept: 6,
    });
    expect(await asOf({ conversation: 'g.tea' })).toMatchObject({
      memberCount: 1,
      head: 7,
      completeThrough: 7,
    });
    const versions = (sequence: number) =>
      messageVersions(
        bench.clickHouse,
        'acme',
        internal.MessageVersionsQuery.create({ conversation: 'g.tea', sequence }),
      );
    expect(await versions(2)).toMatchObject({ versions: [], firstKept: 6 });
    expect((await versions(6)).versions).toHaveLength(1);
  });

  it('gives nothing back when journals are projected again: the next run deletes it once more', async () => {
    await bench.clickHouse.execute('TRUNCATE TABLE parley.watermarks');
    await bench.projectAll();
    expect((await page('d.ann.ben')).shown?.[0]).toBe('1 expired');
    expect(await found('ann', 'old')).toHaveLength(3);
    const rows = async () =>
      (
        await bench.clickHouse.select(
          `SELECT count() FROM parley.messages FINAL WHERE tenant = 'acme' AND text LIKE 'old%'`,
        )
      )[0]?.[0];
    expect(await rows()).toBe(12);
    await jobAt(cutMs + 5 * dayMs).run();
    expect(await rows()).toBe(6);
  });

  it('deletes what was on hold once it is released, however many statements the holds need', async () => {
    for (const id of ['a1.a2', 'b1.b2', 'zz.zzz']) await hold('conversation', `d.${id}`, true);
    await hold('conversation', 'd.cat.dan', false);
    const kept = await readHolds(bench.clickHouse, 'acme', internal.HoldsQuery.create());
    expect(kept.holds?.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
      'conversation d.a1.a2',
      'conversation d.b1.b2',
      'conversation d.zz.zzz',
      'user held',
    ]);
    const options = { clickHouse: bench.clickHouse, layout: oneServer, heldPerStatement: 1 };
    expect(await deleteBefore(options, { tenant: 'acme', beforeMs: cutMs })).toBe(1);
    expect((await page('d.cat.dan')).shown?.slice(2)).toEqual([
      '3 expired',
      '4 new cat.dan',
      '5 new cat.dan',
    ]);
    expect((await page('d.ann.held')).shown?.[0]).toBe('1 old ann.held');
    await expect(hold('group', 'tea', true)).rejects.toMatchObject({ code: 'BAD_ID' });
  });

  it('drops a year in which nothing is left, and gives back the room of masked rows', async () => {
    const years = async () =>
      (
        await bench.clickHouse.select(
          `SELECT DISTINCT partition FROM system.parts WHERE database = 'parley' AND table = 'messages' AND active ORDER BY partition`,
        )
      ).map(([year]) => year);
    expect(await years()).toEqual(['2025', '2026']);
    await hold('user', 'held', false);
    for (const tenant of ['other', 'halfway'])
      await setRetention(bench.clickHouse, { tenant, days: 5, ...by });
    await jobAt(cutMs + 5 * dayMs).run();
    expect(await years()).toEqual(['2026']);
    const masked = () =>
      bench.clickHouse.select(
        `SELECT table FROM system.parts WHERE database = 'parley' AND active AND has_lightweight_delete LIMIT 10`,
      );
    await expect.poll(masked, { timeout: 20_000 }).toEqual([]);
    expect((await page('d.ann.held')).shown?.slice(2)).toEqual([
      '3 expired',
      '4 new ann.held',
      '5 new ann.held',
    ]);
  });
});

/** Dies at the statement or insert number `count`, and at all that follow. */
function dyingAfter(store: ClickHouse, count: number): ClickHouse {
  let left = count;
  const step = <T>(work: () => Promise<T>): Promise<T> => {
    left -= 1;
    return left < 0 ? Promise.reject(new ClickHouseUnavailable('dead')) : work();
  };
  return around(store, {
    insert: (...asked) => step(() => store.insert(...asked)),
    execute: (...asked) => step(() => store.execute(...asked)),
  });
}
