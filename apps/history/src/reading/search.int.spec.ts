// Search and pages against the real engine: a truth table, who may read what, cursors, completeness.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RowBuffer, dateTimeText, searchTerms } from '@parley/adapters';
import { internal } from '@parley/protocol';
import { dialogues } from '../testing/corpus.ts';
import {
  type HistoryBench,
  groupShard,
  openHistoryBench,
  shards,
  userShard,
} from '../testing/history-bench.ts';
import { readPositions } from '../projection/positions.ts';
import { Completeness } from './completeness.ts';
import { locate, locateSpansMax } from './locate-reader.ts';
import { readPage } from './page-reader.ts';
import { search } from './search-reader.ts';

let bench: HistoryBench;
const said: { conversation: string; sequence: number; text: string }[] = [];

beforeAll(async () => {
  bench = await openHistoryBench();
  const { journal } = bench;
  for (const [index, { lines }] of dialogues(1_500).entries()) {
    const peer = `p${String(index).padStart(4, '0')}`;
    const events = lines.map((text) => journal.direct('acme', `alice.${peer}`, 'alice', text));
    for (const [position, text] of lines.entries())
      said.push({ conversation: `d.alice.${peer}`, sequence: position + 1, text });
    journal.commit(userShard, events);
  }
  const talk = (group: string, sender: string, text: string) => journal.group('acme', group, sender, text);
  journal.commit(groupShard, [
    journal.created('acme', 'plan', 'ann', ['ben']),
    talk('plan', 'ann', 'secretword one'),
    journal.change('acme', 'plan', (stamp) => ({ memberRemoved: { ...stamp, by: 'ann', member: 'ben' } })),
    talk('plan', 'ann', 'secretword two'),
    journal.change('acme', 'plan', (stamp) => ({
      membersAdded: { ...stamp, by: 'ann', members: ['ben', 'cleo'] },
    })),
    talk('plan', 'ann', 'secretword three'),
    journal.change('acme', 'plan', (stamp) => ({ memberLeft: { ...stamp, member: 'ben' } })),
    talk('plan', 'ann', 'secretword four'),
  ]);
  journal.commit(groupShard, [
    journal.created('other', 'plan', 'ben', []),
    journal.group('other', 'plan', 'ben', 'secretword foreign'),
  ]);
  journal.commit(userShard, [journal.direct('acme', 'ann.cleo', 'ann', 'secretword direct')]);
  const long = 'x'.repeat(60_000);
  journal.commit(
    userShard,
    Array.from({ length: 30 }, (_, index) =>
      journal.direct('acme', 'lea.max', 'lea', `${index} bulky ${long}`),
    ),
  );
  await bench.projectAll();
});
afterAll(() => bench.close());

const throughMs = () => Promise.resolve(Date.UTC(2030, 0));
const ask = (request: Parameters<typeof internal.SearchRequest.create>[0]) =>
  search(bench.clickHouse, internal.SearchRequest.create({ tenant: 'acme', ...request }), throughMs);
const foundBy = async (user: string, request: Parameters<typeof internal.SearchRequest.create>[0] = {}) =>
  (await ask({ user, text: 'secretword', limit: 100, ...request })).hits?.map((hit) => hit.message?.text);

describe('search', () => {
  const terms = [
    'hello',
    'robot',
    'what is',
    '"what is"',
    'xorg.conf',
    'kernel panic',
    '你好',
    '人工智能',
    '机器人',
    '我',
  ];
  it.each([
    ...terms,
    'ありがとう',
    'ガンバレ',
    'über',
    'STRASSE',
    'straße',
    'qué',
    'möchte',
    "don't",
    'C++',
    '電',
    '"hello there"',
  ])('finds exactly what a full scan finds: %s', async (text) => {
    const wanted = text.split(/"([^"]*)"|\s+/).filter((part) => part !== undefined && part !== '');
    const parts = wanted.map((part) => searchTerms(part).map((term) => term.word));
    const truth = said.filter((message) => {
      const words = searchTerms(message.text).map((term) => term.word);
      return parts.every((part) =>
        words.some((_, start) => part.every((word, offset) => words[start + offset] === word)),
      );
    });
    const found: string[] = [];
    let cursor = '';
    do {
      const answer = await ask({ user: 'alice', text, limit: 100, cursor });
      for (const { message, highlights } of answer.hits ?? []) {
        found.push(`${message?.conversation} ${message?.sequence}`);
        expect(highlights?.length).toBeGreaterThan(0);
      }
      cursor = answer.nextCursor ?? '';
    } while (cursor !== '');
    expect(new Set(found).size).toBe(found.length);
    expect(found.sort()).toEqual(
      truth.map(({ conversation, sequence }) => `${conversation} ${sequence}`).sort(),
    );
  });

  it('shows a member only the spans of the membership', async () => {
    expect(await foundBy('ann')).toHaveLength(5);
    expect(await foundBy('ben')).toEqual(['secretword three', 'secretword one']);
    expect(await foundBy('cleo')).toEqual(['secretword direct', 'secretword four', 'secretword three']);
    expect(await foundBy('dan')).toEqual([]);
  });

  it('gives nothing of a conversation to who names it but is not in it', async () => {
    expect(await foundBy('dan', { conversations: ['g.plan'] })).toEqual([]);
    expect(await foundBy('ben', { conversations: ['d.ann.cleo'] })).toEqual([]);
    expect(await foundBy('ben', { conversations: ['d.ann.cleo', 'g.plan'] })).toEqual([
      'secretword three',
      'secretword one',
    ]);
    const answer = await ask({ user: 'dan', text: 'secretword', conversations: ['g.plan', 'd.ann.cleo'] });
    expect(answer.completeThrough).toEqual([]);
  });

  it('keeps tenants apart', async () => {
    expect(await foundBy('ben', { tenant: 'other' })).toEqual(['secretword foreign']);
    expect(await foundBy('ann', { tenant: 'other' })).toEqual([]);
  });

  it.each([
    { user: "ann' OR 1=1 --" },
    { user: 'ann', conversations: ["g.plan') OR ('1'='1"] },
    { user: 'ann', sender: "x\\' OR 1=1 --" },
    { user: 'ann', tenant: "acme'" },
    { user: 'ann', cursor: 'bm9uc2Vuc2U' },
    { user: 'ann', cursor: Buffer.from(`[1e300,"g.plan",1]`).toString('base64url') },
    { user: 'ann', text: '++ .. !' },
    { user: 'ann', text: 'x'.repeat(501) },
    { user: 'ann', text: Array.from({ length: 60 }, (_, index) => `w${index}`).join(' ') },
  ])('refuses %j', async (request) => {
    await expect(foundBy('ann', request)).rejects.toThrow(
      expect.objectContaining({ name: 'BadRequest' }) as Error,
    );
  });

  it.each([
    `secretword' OR 1=1 --`,
    `secretword\\' OR ('1'='1`,
    'secretword") OR 1=1 --',
    'secretword \0 {x:String}',
  ])('takes hostile text for words: %j', async (text) => {
    const found = await foundBy('dan', { text });
    expect(found).toEqual([]);
  });

  it('does not let a forged cursor read more', async () => {
    const cursor = Buffer.from(JSON.stringify([Date.UTC(2040, 0), "z') OR 1=1 --", 9])).toString('base64url');
    expect(await foundBy('ben', { cursor })).toEqual(['secretword three', 'secretword one']);
  });

  it('finds a word among 48 at most, and by sender and time', async () => {
    const text = Array.from({ length: 47 }, (_, index) => `w${index}`).join(' ');
    expect(await foundBy('ann', { text: `secretword ${text}` })).toEqual([]);
    expect(await foundBy('ann', { sender: 'cleo' })).toEqual([]);
    expect(await foundBy('ann', { sender: 'ann', conversations: ['d.ann.cleo'] })).toEqual([
      'secretword direct',
    ]);
    expect(await foundBy('ann', { toMs: 1 })).toEqual([]);
    expect(await foundBy('ann', { fromMs: 1, toMs: Date.UTC(2035, 0) })).toHaveLength(5);
  });

  it('ends a page before it outgrows one answer and goes on with the cursor', async () => {
    let count = 0;
    let cursor = '';
    do {
      const answer = await ask({ user: 'lea', text: 'bulky', limit: 100, cursor });
      expect(internal.SearchAnswer.encode(answer).finish().length).toBeLessThan(1024 * 1024);
      count += answer.hits?.length ?? 0;
      cursor = answer.nextCursor ?? '';
    } while (cursor !== '');
    expect(count).toBe(30);
  });

  it('marks the words in a snippet that stays short', async () => {
    const [hit] = (await ask({ user: 'lea', text: 'BULKY', limit: 1 })).hits ?? [];
    expect(hit?.snippet?.length).toBeLessThan(210);
    const [mark] = hit?.highlights ?? [];
    expect(hit?.snippet?.slice(mark?.start ?? 0, mark?.end ?? 0)).toBe('bulky');
  });

  it('says through which sequence each conversation is searched, as far as the asker may know', async () => {
    const answer = await ask({ user: 'ben', text: 'secretword', conversations: ['g.plan'] });
    expect(answer.completeThrough).toEqual([{ conversation: 'g.plan', sequence: 7 }]);
    const all = await ask({ user: 'cleo', text: 'secretword' });
    expect(all.completeThrough).toEqual([
      { conversation: 'd.ann.cleo', sequence: 1 },
      { conversation: 'g.plan', sequence: 8 },
    ]);
  });

  it('is complete through now when every journal is in the store, and through the last commit of one that is not', async () => {
    const completeness = new Completeness({
      journal: bench.journal,
      shards,
      positions: () => readPositions(bench.clickHouse),
      freshMs: 0,
    });
    const before = Date.now();
    expect(await completeness.throughMs()).toBeGreaterThanOrEqual(before);
    const stored = (await readPositions(bench.clickHouse)).get('user.0')?.atMs;
    bench.journal.commit(userShard, [bench.journal.direct('acme', 'zoe.zora', 'zoe', 'late')]);
    await expect.poll(() => completeness.throughMs()).toBe(stored);
  });
});

describe('the place of a time', () => {
  type Locate = Parameters<typeof internal.HistoryLocateRequest.create>[0];
  const place = (request: Locate) =>
    locate(
      bench.clickHouse,
      internal.HistoryLocateRequest.create({
        tenant: 'acme',
        conversation: 'g.plan',
        spans: [{ from: 1 }],
        ...request,
      }),
    );
  const times = async () => {
    const { messages } = await readPage(
      bench.clickHouse,
      internal.HistoryPageRequest.create({ tenant: 'acme', conversation: 'g.plan', from: 1, to: 8 }),
    );
    return messages.map((message) => message.sentAtMs ?? 0);
  };

  it('is the first message sent then or later, and none beyond the newest', async () => {
    for (const [index, atMs] of (await times()).entries()) {
      expect(await place({ atMs })).toMatchObject({ sequence: index + 1, completeThrough: 8 });
      expect(await place({ atMs: atMs + 1 })).toMatchObject({ sequence: index === 7 ? 0 : index + 2 });
    }
    expect(await place({ atMs: 0 })).toMatchObject({ sequence: 1 });
    expect(await place({ atMs: 5, tenant: 'third' })).toMatchObject({ sequence: 0, completeThrough: 0 });
  });

  it('is looked for within the spans only', async () => {
    const [, second = 0, , , fifth = 0] = await times();
    const spans = [
      { from: 1, to: 3 },
      { from: 6, to: 7 },
    ];
    expect(await place({ atMs: second, spans })).toMatchObject({ sequence: 2 });
    expect(await place({ atMs: fifth, spans })).toMatchObject({ sequence: 6 });
    expect(await place({ atMs: fifth, spans: [{ from: 1, to: 3 }] })).toMatchObject({ sequence: 0 });
  });

  it('is not known while messages before it are missing', async () => {
    const row = {
      tenant: 'acme',
      version: 1,
      sender: 'ann',
      kind: 'text',
      client_message_id: 'c',
      text: 't',
    };
    const rows = new RowBuffer('parley.messages', [
      ...Object.keys(row),
      'conversation',
      'sequence',
      'at',
      'system',
    ]);
    for (const sequence of [1, 2, 4]) {
      rows.add([...Object.values(row), 'g.holed', sequence, dateTimeText(sequence * 1_000), '']);
    }
    await bench.clickHouse.insert(rows.table, rows.columns, rows.toBytes());
    expect(await place({ conversation: 'g.holed', atMs: 2_000 })).toMatchObject({ sequence: 2 });
    await expect(place({ conversation: 'g.holed', atMs: 2_001 })).rejects.toMatchObject({
      code: 'HISTORY_BEHIND',
    });
  });

  it.each<NonNullable<Locate>>([
    { spans: [] },
    { spans: Array.from({ length: locateSpansMax + 1 }, () => ({ from: 1 })) },
    { atMs: -1 },
    { atMs: Number.MAX_SAFE_INTEGER },
    { conversation: "g.plan' --" },
  ])('refuses %j', async (request) => {
    await expect(place(request)).rejects.toMatchObject({ name: 'BadRequest' });
  });
});

describe('a page', () => {
  const page = (request: Parameters<typeof internal.HistoryPageRequest.create>[0]) =>
    readPage(bench.clickHouse, internal.HistoryPageRequest.create({ tenant: 'acme', ...request }));

  it('is dense, with system messages as they were', async () => {
    const answer = await page({ conversation: 'g.plan', from: 1, to: 100 });
    expect(answer.messages?.map((message) => message.sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(answer.completeThrough).toBe(8);
    expect(answer.messages?.[0]).toMatchObject({
      sender: 'ann',
      system: { groupCreated: { title: 'Title of plan', members: ['ann', 'ben'] } },
    });
    expect(answer.messages?.[1]).toMatchObject({ text: 'secretword one', clientMessageId: 'm2' });
    expect(answer.messages?.[2]).toMatchObject({ system: { memberRemoved: { member: 'ben' } } });
  });

  it('is empty beyond the end and for a conversation nobody knows, and says how far it is complete', async () => {
    expect(await page({ conversation: 'g.plan', from: 9, to: 20 })).toMatchObject({
      messages: [],
      completeThrough: 8,
    });
    expect(await page({ conversation: 'g.none', from: 1, to: 20 })).toMatchObject({
      messages: [],
      completeThrough: 0,
    });
    expect(await page({ conversation: 'g.plan', tenant: 'third', from: 1, to: 20 })).toMatchObject({
      messages: [],
    });
  });

  it('stops before a hole and before it outgrows one answer', async () => {
    const answer = await page({ conversation: 'd.lea.max', from: 1, to: 30 });
    const count = answer.messages?.length ?? 0;
    expect(count).toBeGreaterThan(5);
    expect(count).toBeLessThan(30);
    expect(answer.completeThrough).toBe(30);
    await bench.clickHouse.execute(
      "DELETE FROM parley.messages WHERE conversation = 'g.plan' AND sequence = 4",
    );
    const holed = await page({ conversation: 'g.plan', from: 2, to: 8 });
    expect(holed.messages?.map((message) => message.sequence)).toEqual([2, 3]);
    expect(holed.completeThrough).toBe(3);
  });

  it.each([
    { conversation: 'g.plan', from: 0, to: 5 },
    { conversation: 'g.plan', from: 5, to: 4 },
    { conversation: 'g.plan', from: 1, to: 501 },
    { conversation: "g.plan' --", from: 1, to: 5 },
    { conversation: 'g.plan', tenant: '', from: 1, to: 5 },
  ])('refuses %j', async (request) => {
    await expect(page(request)).rejects.toThrow(expect.objectContaining({ name: 'BadRequest' }) as Error);
  });
});
