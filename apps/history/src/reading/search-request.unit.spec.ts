// What a search request means, and which ones are refused with what.
import { internal } from '@parley/protocol';
import { describe, expect, it } from 'vitest';
import { encodeCursor } from './search-cursor.ts';
import { planOf, searchLimits } from './search-request.ts';

const plan = (fields: Parameters<typeof internal.SearchRequest.create>[0]) =>
  planOf(internal.SearchRequest.create({ tenant: 'acme', user: 'ann', ...fields }), searchLimits);

describe('a search request', () => {
  it('takes its filters out of its text', () => {
    const text =
      'kernel from:ben from:me in:g.team kind:image has:attachment mentions:me after:2026-01-31 before:2026-02-01T12:00Z "from:cleo"';
    const { scope, query } = plan({ text });
    expect(scope).toEqual({
      tenant: 'acme',
      user: 'ann',
      conversations: ['g.team'],
      senders: ['ben', 'ann'],
      kinds: ['image'],
      hasAttachment: true,
      mentionsMe: true,
      fromMs: Date.UTC(2026, 0, 31),
      toMs: Date.UTC(2026, 1, 1, 12),
    });
    expect(query.parts.map(({ words }) => words)).toEqual([['kernel'], ['from', 'cleo']]);
  });

  it('adds them to its fields: alternatives of one filter, the stricter of two times', () => {
    const fields = { sender: 'ben', conversations: ['g.a', 'g.a'], fromMs: 5, toMs: 2_000_000_000_000 };
    const { scope } = plan({ text: 'x from:cleo in:g.b after:2026-01-31 before:2026-02-01', ...fields });
    expect(scope).toMatchObject({
      senders: ['ben', 'cleo'],
      conversations: ['g.a', 'g.b'],
      fromMs: Date.UTC(2026, 0, 31),
      toMs: Date.UTC(2026, 1, 1),
    });
  });

  it('leaves words with a colon alone that are no filters', () => {
    const { scope, query } = plan({ text: 'https://example.org C:drive from: re:from:ben' });
    expect(scope.senders).toEqual([]);
    expect(query.parts.map(({ words }) => words.join(' '))).toEqual([
      'https example org',
      'c drive',
      'from',
      're from ben',
    ]);
  });

  it('may do without words where a filter is given', () => {
    expect(plan({ text: '', hasAttachment: true }).query.parts).toEqual([]);
    expect(plan({ text: '-noise from:ben' }).query.excluded).toHaveLength(1);
    expect(plan({ text: 'x' })).toMatchObject({ sort: 'newest', limit: 20, after: undefined });
    expect(plan({ text: 'x', limit: 5_000, sort: 'oldest' })).toMatchObject({ sort: 'oldest', limit: 100 });
  });

  const key = { atMs: 1, conversation: 'g.a', sequence: 2, score: 3 };

  it('goes on where the page before ended, in its order only', () => {
    for (const sort of ['newest', 'oldest', 'relevance'] as const) {
      expect(plan({ text: 'x', sort, cursor: encodeCursor(key, sort) }).after).toEqual(key);
      const other = sort === 'newest' ? 'oldest' : 'newest';
      expect(() => plan({ text: 'x', sort: other, cursor: encodeCursor(key, sort) })).toThrow(/order/);
    }
    const older = Buffer.from('[1,"g.a",2]').toString('base64url');
    expect(plan({ text: 'x', cursor: older }).after).toEqual({ ...key, score: 0 });
  });

  const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it.each([
    [{ text: '' }, 'BAD_REQUEST', 'no word'],
    [{ text: '++ .. !' }, 'BAD_REQUEST', 'no word'],
    [{ text: '-only -excluded' }, 'BAD_REQUEST', 'no word'],
    [{ text: '', sort: 'oldest' }, 'BAD_REQUEST', 'no word'],
    [{ text: 'k*' }, 'BAD_REQUEST', 'at least 2'],
    [{ text: 'x -k*' }, 'BAD_REQUEST', 'at least 2'],
    [{ text: 'x'.repeat(501) }, 'BAD_REQUEST', 'longer than 500'],
    [
      { text: Array.from({ length: 49 }, (_, index) => `-w${index}`).join(' ') },
      'BAD_REQUEST',
      'more than 48',
    ],
    [{ text: 'x', tenant: "acme'" }, 'BAD_ID', 'tenant'],
    [{ text: 'x', user: '' }, 'BAD_ID', 'user'],
    [{ text: 'x', sender: "x' OR 1=1" }, 'BAD_ID', 'sender'],
    [{ text: "x from:b'c" }, 'BAD_ID', 'sender'],
    [{ text: 'x', conversations: ["g.a') OR ('1'='1"] }, 'BAD_ID', 'conversation'],
    [{ text: 'x in:team' }, 'BAD_ID', 'conversation'],
    [{ text: 'x', kinds: ['system'] }, 'BAD_REQUEST', 'kind'],
    [{ text: "x kind:image')" }, 'BAD_REQUEST', 'kind'],
    [{ text: 'x has:wings' }, 'BAD_REQUEST', 'has'],
    [{ text: 'x mentions:ben' }, 'BAD_REQUEST', 'mentions'],
    [{ text: 'x after:yesterday' }, 'BAD_REQUEST', 'after'],
    [{ text: 'x before:2026-02-31' }, 'BAD_REQUEST', 'before'],
    [{ text: 'x', fromMs: -1 }, 'BAD_REQUEST', 'time'],
    [{ text: 'x', toMs: Date.UTC(2300, 0) }, 'BAD_REQUEST', 'time'],
    [{ text: 'x', sort: 'best' }, 'BAD_REQUEST', 'sort'],
    [{ text: 'x', sort: "newest'; --" }, 'BAD_REQUEST', 'sort'],
    [{ text: 'x', cursor: 'nonsense' }, 'BAD_REQUEST', 'cursor'],
    [{ text: 'x', cursor: cursorOf({}) }, 'BAD_REQUEST', 'cursor'],
    [{ text: 'x', cursor: cursorOf([1e300, 'g.a', 1]) }, 'BAD_REQUEST', 'cursor'],
    [{ text: 'x', cursor: cursorOf([1, 'g.a', '1']) }, 'BAD_REQUEST', 'cursor'],
    [{ text: 'x', cursor: cursorOf([1, 'g.a', 1, 0, '0) OR (1']) }, 'BAD_REQUEST', 'cursor'],
    [{ text: 'x', conversations: Array.from({ length: 501 }, (_, i) => `g.g${i}`) }, 'BAD_REQUEST', '500'],
  ])('refuses %j', (fields, code, what) => {
    expect(() => plan(fields)).toThrow(
      expect.objectContaining({
        name: 'BadRequest',
        code,
        message: expect.stringContaining(what) as string,
      }) as Error,
    );
  });
});
