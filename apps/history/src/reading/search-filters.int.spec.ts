// What a search lets through and in which order, on the real engine: filters, changed and recalled messages, relevance.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '@parley/adapters';
import { type parley, internal } from '@parley/protocol';
import { type HistoryBench, openHistoryBench } from '../testing/history-bench.ts';
import { insertMemberships, insertMessages, rowsFromMs } from '../testing/message-rows.ts';
import { search } from './search-reader.ts';

let bench: HistoryBench;

beforeAll(async () => {
  bench = await openHistoryBench();
  await migrate(bench.clickHouse);
});
afterAll(() => bench.close());

const throughMs = () => Promise.resolve(Date.UTC(2030, 0));

/** Sequences of what is found, over all pages. */
async function everything(
  user: string,
  fields: parley.internal.v1.SearchRequest.$Properties,
): Promise<number[]> {
  const found: number[] = [];
  let cursor = '';
  do {
    const request = internal.SearchRequest.create({ tenant: 'acme', user, limit: 2, ...fields, cursor });
    const answer = await search(bench.clickHouse, request, throughMs);
    for (const { message } of answer.hits ?? []) found.push(message?.sequence ?? 0);
    cursor = answer.nextCursor ?? '';
  } while (cursor !== '');
  return found;
}

describe('what was taken back or changed', () => {
  it('matches as it is now, in every order, whether merged or not', async () => {
    const { clickHouse } = bench;
    const at = (sequence: number) => ({ conversation: 'g.news', sequence, sender: 'ann' });
    await insertMemberships(clickHouse, [['fay', 'g.news', 1, true]]);
    await insertMessages(clickHouse, [
      { ...at(1), text: 'fresh tulips and more tulips' },
      { ...at(2), text: 'wilted tulips', mentions: ['fay'] },
      { ...at(3), text: 'tulips, tulips, tulips' },
      { ...at(4), text: 'nothing yet' },
      { ...at(5), text: '', kind: 'system' },
    ]);
    await insertMessages(clickHouse, [
      { ...at(1), version: 11, state: 'edited', text: 'fresh roses' },
      { ...at(2), version: 12, state: 'recalled', text: '', mentions: [] },
      { ...at(3), version: 13, state: 'edited', text: 'a long text that has tulips in it only once' },
      { ...at(4), version: 14, state: 'edited', text: 'tulips at last', mentions: ['fay'] },
    ]);
    const found = (text: string, sort = 'newest') => everything('fay', { text, sort, limit: 1 });
    for (const isMerged of [false, true]) {
      if (isMerged) await clickHouse.execute('OPTIMIZE TABLE parley.messages FINAL');
      expect(await found('tulips', 'newest')).toEqual([4, 3]);
      expect(await found('tulips', 'oldest')).toEqual([3, 4]);
      expect(await found('tulips', 'relevance')).toEqual([4, 3]);
      expect(await found('wilted')).toEqual([]);
      expect(await found('roses')).toEqual([1]);
      expect(await found('-tulips in:g.news')).toEqual([1]);
      expect(await found('mentions:me')).toEqual([4]);
      expect(await found('in:g.news')).toEqual([4, 3, 1]);
    }
  });
});

describe('filters', () => {
  it('let through what fits all of them', async () => {
    const { clickHouse } = bench;
    const at = (sequence: number) => ({ conversation: 'g.mix', sequence, text: `thing ${sequence}` });
    await insertMemberships(clickHouse, [['gus', 'g.mix', 1, true]]);
    await insertMessages(clickHouse, [
      { ...at(1), sender: 'ann' },
      { ...at(2), sender: 'ben', kind: 'image', attachments: ['m1'] },
      { ...at(3), sender: 'gus', kind: 'file', attachments: ['m2', 'm3'] },
      { ...at(4), sender: 'ben', mentions: ['ann', 'gus'] },
      { ...at(5), sender: 'ann', mentions: ['*'], atMs: Date.UTC(2026, 5, 1) },
      { ...at(6), sender: 'ann', mentions: ['gusto'], atMs: Date.UTC(2026, 5, 2) },
    ]);
    const found = (fields: parley.internal.v1.SearchRequest.$Properties) =>
      everything('gus', { text: 'thing', sort: 'oldest', ...fields });
    expect(await found({})).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await found({ sender: 'ben' })).toEqual([2, 4]);
    expect(await found({ text: 'thing from:ben from:me' })).toEqual([2, 3, 4]);
    expect(await found({ kinds: ['image', 'file'] })).toEqual([2, 3]);
    expect(await found({ kinds: ['image'], sender: 'gus' })).toEqual([]);
    expect(await found({ hasAttachment: true })).toEqual([2, 3]);
    expect(await found({ mentionsMe: true })).toEqual([4, 5]);
    expect(await found({ text: 'mentions:me has:attachment' })).toEqual([]);
    expect(await found({ text: 'thing before:2026-06-01' })).toEqual([1, 2, 3, 4]);
    expect(await found({ text: 'after:2026-06-01 before:2026-06-02' })).toEqual([5]);
    expect(await found({ fromMs: rowsFromMs + 2_000, toMs: rowsFromMs + 4_000 })).toEqual([2, 3]);
  });
});

describe('by relevance', () => {
  it('come first words that stand together, then those that are more of the message, then the newest', async () => {
    const { clickHouse } = bench;
    const texts = [
      'there was a disk, and later something about a drive, in a long story about something else altogether',
      'disk drive',
      'drive disk',
      'the disk drive is loud, a new disk drive would be a good thing to have in this old machine here',
      'disk disk drive drive',
      'drive disk',
    ];
    await insertMemberships(clickHouse, [['hal', 'g.rank', 1, true]]);
    await insertMessages(
      clickHouse,
      texts.map((text, index) => ({ conversation: 'g.rank', sequence: index + 1, text })),
    );
    const order = (text: string) => everything('hal', { text, sort: 'relevance' });
    expect(await order('disk drive')).toEqual([5, 2, 4, 6, 3, 1]);
    expect(await order('"disk drive"')).toEqual([2, 5, 4]);
    expect((await order('dri*')).slice(0, 1)).toEqual([5]);
  });
});
