// Searches for common words look among recent messages first: what they find, and in which order, is the same as without.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ClickHouse, migrate } from '@parley/adapters';
import { internal } from '@parley/protocol';
import { type HistoryBench, openHistoryBench } from '../testing/history-bench.ts';
import { insertMemberships, insertMessages } from '../testing/message-rows.ts';
import { SampledWords } from './common-words.ts';
import { search } from './search-reader.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 22);
const messages = 640;
let bench: HistoryBench;

beforeAll(async () => {
  bench = await openHistoryBench();
  await migrate(bench.clickHouse);
  await insertMemberships(bench.clickHouse, [['ann', 'g.all', 1, true]]);
  const rows = Array.from({ length: messages }, (_, index) => ({
    conversation: 'g.all',
    sequence: index + 1,
    text: index % 10 === 0 ? `lunch rare${index}` : 'lunch today',
    // Sixteen messages a day, and for a month in the middle none.
    atMs: nowMs - (messages - index) * (dayMs / 16) - (index < 200 ? 30 * dayMs : 0),
  }));
  for (const part of [rows.slice(0, 320), rows.slice(320)]) await insertMessages(bench.clickHouse, part);
});
afterAll(() => bench.close());

/** All pages of a search, and the questions about keys it took. */
async function findAll(text: string, common: readonly string[], options: { toMs?: number } = {}) {
  const found: number[] = [];
  const asked: string[] = [];
  const clickHouse = new Proxy(bench.clickHouse, {
    get(target, name: keyof ClickHouse) {
      if (name !== 'select') return target[name];
      return (...[sql, limits]: Parameters<ClickHouse['select']>) => {
        if (sql.includes('AS at_ms')) asked.push(sql);
        return target.select(sql, limits);
      };
    },
  });
  let cursor = '';
  do {
    const request = { tenant: 'acme', user: 'ann', text, limit: 50, cursor, ...options };
    const answer = await search(
      clickHouse,
      internal.SearchRequest.create(request),
      () => Promise.resolve(nowMs),
      { commonWords: { of: () => new Set(common) } },
    );
    for (const { message } of answer.hits ?? []) found.push(message?.sequence ?? 0);
    cursor = answer.nextCursor ?? '';
  } while (cursor !== '');
  return { found, asked };
}

it.each([{}, { toMs: nowMs - 60 * dayMs }])(
  'finds the same in the same order, page by page %j',
  async (options) => {
    for (const text of ['lunch', 'lunch today', 'lunch rare10']) {
      const { found: wanted } = await findAll(text, [], options);
      const { found } = await findAll(text, ['lunch', 'today', 'rare10'], options);
      expect(found).toEqual(wanted);
      expect(found.length).toBeGreaterThan(0);
    }
  },
);

it('looks among recent messages for common words alone', async () => {
  const { asked: first } = await findAll('lunch', ['lunch']);
  expect(first[0]).toContain('at >= ');
  const { asked: all } = await findAll('lunch rare10', ['lunch']);
  expect(all.filter((sql) => sql.includes('at >= '))).toEqual([]);
});

it('learns which words are common from the messages of the tenant', async () => {
  const clock = { nowMs: () => nowMs, monotonicMs: () => 0, after: () => ({ cancel: () => undefined }) };
  const words = new SampledWords(bench.clickHouse, clock);
  expect([...words.of('acme')]).toEqual([]);
  await expect.poll(() => [...words.of('acme')]).toEqual(['lunch']);
  expect([...words.of('globex')]).toEqual([]);
});
