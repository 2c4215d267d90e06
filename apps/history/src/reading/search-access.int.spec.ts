// Tries to read by searching what the asker may not: whoever asks, in whatever way, gets a part of what was said while they
// were in.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '@parley/adapters';
import { type parley, internal, searchSorts } from '@parley/protocol';
import { type HistoryBench, openHistoryBench } from '../testing/history-bench.ts';
import { insertMemberships, insertMessages } from '../testing/message-rows.ts';
import { search } from './search-reader.ts';

type Request = parley.internal.v1.SearchRequest.$Properties;

let bench: HistoryBench;

/** Sequences 1 to 20 of each, all of them found by every request below, if one may. */
const conversations = ['g.plan', 'g.board', 'd.ann.ben', 'd.cleo.dan'];
const everybodys = ['g.plan', 'g.board'];
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Who may read what. */
const allowed: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  // Always in; the founder.
  ann: { 'g.plan': range(1, 20), 'g.board': range(1, 20), 'd.ann.ben': range(1, 20) },
  // Left at 5, came back at 10, was removed at 15.
  ben: { 'g.plan': [...range(2, 5), ...range(10, 15)], 'd.ann.ben': range(1, 20) },
  // Came late.
  cleo: { 'g.plan': range(12, 20), 'd.cleo.dan': range(1, 20) },
  // Left a group and did not come back.
  dan: { 'g.board': range(1, 7), 'd.cleo.dan': range(1, 20) },
  // Never anywhere.
  eve: {},
};

beforeAll(async () => {
  bench = await openHistoryBench();
  const { clickHouse } = bench;
  await migrate(clickHouse);
  await insertMemberships(clickHouse, [
    ['ann', 'g.plan', 1, true],
    ['ben', 'g.plan', 2, true],
    ['ben', 'g.plan', 5, false],
    ['ben', 'g.plan', 10, true],
    ['ben', 'g.plan', 15, false],
    ['cleo', 'g.plan', 12, true],
    ['ann', 'g.board', 1, true],
    ['dan', 'g.board', 1, true],
    ['dan', 'g.board', 7, false],
    ['ann', 'd.ann.ben', 1, true],
    ['ben', 'd.ann.ben', 1, true],
    ['cleo', 'd.cleo.dan', 1, true],
    ['dan', 'd.cleo.dan', 1, true],
  ]);
  // The other tenant has the same names; its eve is in the group of that name.
  await insertMemberships(clickHouse, [['eve', 'g.plan', 1, true]], 'other');
  for (const tenant of ['acme', 'other']) {
    await insertMessages(
      clickHouse,
      conversations.flatMap((conversation) =>
        range(1, 20).map((sequence) => ({
          tenant,
          conversation,
          sequence,
          sender: 'ann',
          kind: 'image',
          text: `secretword of ${tenant}, kernel panic 机器人`,
          mentions: ['*'],
          attachments: ['media-1'],
        })),
      ),
    );
  }
});
afterAll(() => bench.close());

const throughMs = () => Promise.resolve(Date.UTC(2030, 0));

const ask = (user: string, request: Request) =>
  search(bench.clickHouse, internal.SearchRequest.create({ tenant: 'acme', user, ...request }), throughMs);

/** All pages, as `conversation/sequence`. */
async function everything(user: string, request: Request): Promise<string[]> {
  const found: string[] = [];
  let cursor = request.cursor ?? '';
  do {
    const answer = await ask(user, { limit: 30, ...request, cursor });
    for (const { message } of answer.hits ?? []) found.push(`${message?.conversation}/${message?.sequence}`);
    for (const { conversation, sequence } of answer.completeThrough ?? [])
      mustKnow(user, conversation ?? '', sequence ?? 0);
    cursor = answer.nextCursor ?? '';
  } while (cursor !== '');
  return found;
}

/** How far a conversation goes is a secret too. */
function mustKnow(user: string, conversation: string, sequence: number): void {
  expect(allowed[user]?.[conversation] ?? []).toContain(sequence);
}

const readableBy = (user: string, only: readonly string[] = conversations) =>
  only.flatMap((conversation) =>
    (allowed[user]?.[conversation] ?? []).map((sequence) => `${conversation}/${sequence}`),
  );

/** Every kind of question that all messages answer. */
const questions: readonly Request[] = [
  { text: 'secretword' },
  { text: '"kernel panic"' },
  { text: 'secretw*' },
  { text: 'ker* -nothing' },
  { text: '机器人' },
  { text: '', hasAttachment: true },
  { text: '', mentionsMe: true },
  { text: '', kinds: ['image'] },
  { text: '-nothing from:ann' },
  { text: '', fromMs: 1, toMs: Date.UTC(2035, 0) },
  { text: 'secretword in:g.plan in:g.board in:d.ann.ben in:d.cleo.dan' },
  { text: 'secretword', conversations },
];

describe.each(Object.keys(allowed))('%s', (user) => {
  it('finds what was said while in, and nothing else, whatever it is asked by', async () => {
    for (const [index, question] of questions.entries()) {
      // Each in one order; all orders take their turn.
      const sort = searchSorts[index % searchSorts.length] ?? '';
      const found = await everything(user, { ...question, sort });
      expect([question, found.toSorted()]).toEqual([question, readableBy(user).toSorted()]);
    }
  });

  it('gets of each conversation that is named only the part that is theirs', async () => {
    for (const conversation of conversations) {
      const found = await everything(user, {
        text: 'secretword',
        conversations: [conversation],
        sort: 'oldest',
      });
      expect(found).toEqual(readableBy(user, [conversation]));
    }
  });

  it('gets no more by the cursors of others', async () => {
    for (const other of Object.keys(allowed)) {
      const { nextCursor } = await ask(other, { text: 'secretword', limit: 2 });
      if (!nextCursor) continue;
      const found = await everything(user, { text: 'secretword', cursor: nextCursor });
      const mine = new Set(readableBy(user));
      expect(found.filter((one) => !mine.has(one))).toEqual([]);
    }
  });

  it('gets no more by a cursor made up', async () => {
    const places: readonly unknown[][] = [
      [Date.UTC(2040, 0), 'z', 99, 0],
      [Date.UTC(2040, 0), "z') OR 1=1 --", 9, 0],
      [Date.UTC(2040, 0), "z\\', 1) OR ('1'='1", 9, 0],
      [0, '', 0, 1],
      [0, "') OR 1=1 --", 0, 1],
      [0, "') OR 1=1 --", 0, 2, 5_000],
    ];
    for (const place of places) {
      const cursor = Buffer.from(JSON.stringify(place)).toString('base64url');
      const sort = searchSorts[place[3] as number] ?? '';
      const found = await everything(user, { text: 'secretword', sort, cursor });
      expect(found.toSorted()).toEqual(readableBy(user).toSorted());
    }
  });
});

describe('another tenant', () => {
  it('is never seen, whoever asks', async () => {
    for (const sort of searchSorts) {
      const answer = await ask('eve', { tenant: 'other', text: 'secretword', sort, limit: 100 });
      const texts = answer.hits?.map(({ message }) => message?.text);
      expect(new Set(texts)).toEqual(new Set(['secretword of other, kernel panic 机器人']));
      expect(answer.hits).toHaveLength(20);
      const none = await ask('ann', { tenant: 'other', text: 'secretword', sort, conversations: everybodys });
      expect([none.hits, none.completeThrough, none.nextCursor]).toEqual([[], [], '']);
    }
  });
});

describe('SQL in a parameter', () => {
  const injections = [
    `' OR 1=1 --`,
    `') OR ('1'='1`,
    `\\') OR 1=1 --`,
    `\\\\' OR 1=1 --`,
    `x' UNION ALL SELECT * FROM parley.messages --`,
    `%' OR '%'='`,
    `_*`,
    `.*`,
    `(?i)secret*`,
    `a|b*`,
    `"' OR 1=1 --"*`,
    `-"') OR (1"`,
    `{x:String}`,
    `\u0000' OR 1=1`,
    `from:ann' in:g.plan`,
    `＇ OR 1=1 --`,
    `\u{10ffff}*`,
  ];
  const fields = ['tenant', 'user', 'text', 'sender', 'sort', 'cursor'] as const;
  const lists = ['conversations', 'kinds'] as const;

  it.each(injections)('is a word or is refused: %j', async (value) => {
    const attempts: Request[] = [
      ...fields.map((field) => ({ text: 'secretword', [field]: value })),
      ...lists.map((field) => ({ text: 'secretword', [field]: [value] })),
      { text: `secretword ${value}` },
      { text: `secretword -${value}` },
      { text: `secretword from:${value}` },
      { text: `secretword in:${value}` },
    ];
    for (const attempt of attempts) {
      // Whoever gets through as eve of this tenant finds nothing.
      const hits = await ask('eve', attempt).then(
        (answer) => answer.hits,
        (error: unknown) => {
          expect(error).toMatchObject({ name: 'BadRequest' });
          return [];
        },
      );
      expect(hits).toEqual([]);
    }
  });
});
