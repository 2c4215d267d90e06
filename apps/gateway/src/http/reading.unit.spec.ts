// Conversations, messages, search, presence: what one reads over HTTP.
import { wire } from '@parley/protocol';
import { err, ok } from '@parley/std';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HttpDoubles, startHttpDoubles } from './http-app.double.ts';

let doubles: HttpDoubles;
let token: string;
beforeAll(async () => {
  doubles = await startHttpDoubles();
  token = await doubles.tokenOf('alice');
});
afterAll(() => doubles.app.close());
beforeEach(() => {
  doubles.clock.now += 20 * 60_000;
  doubles.history.pagesAsked.length = 0;
  doubles.history.searchesAsked.length = 0;
  doubles.entities.answers.clear();
});

describe('the list of conversations', () => {
  const small = { conversation: 'd.alice.bob', head: 9, read: 7, unread: 2, firstVisible: 1, peerRead: 9 };
  const large = {
    conversation: 'g.town',
    title: 'Town',
    head: 10,
    read: 10,
    firstVisible: 1,
    diffusion: wire.Diffusion.DIFFUSION_READ,
  };

  it('asks a large group for its head', async () => {
    doubles.entities.answers.set('default/user/alice', {
      conversations: { conversations: [small, large], position: 31 },
    });
    doubles.entities.answers.set('default/group/town', { head: { head: 25, isMember: true } });
    const { body } = await doubles.call('GET /v1/conversations', { as: token });
    expect(body.inboxPosition).toBe(31);
    expect(body.conversations).toMatchObject([
      { conversation: 'd.alice.bob', head: 9, read: 7, unread: 2, diffusion: 'write', peerRead: 9, left: 0 },
      { conversation: 'g.town', title: 'Town', head: 25, read: 10, unread: 15, diffusion: 'read' },
    ]);
  });

  it('shows what is known while a large group is away', async () => {
    doubles.entities.answers.set('default/user/alice', {
      conversations: { conversations: [large], position: 31 },
    });
    const { body } = await doubles.call('GET /v1/conversations', { as: token });
    expect(body.conversations).toMatchObject([{ conversation: 'g.town', head: 10, unread: 0 }]);
  });
});

describe('a page of messages', () => {
  it('shows text and system messages', async () => {
    doubles.history.pageAnswer = ok({
      conversation: 'g.team',
      messages: [
        {
          conversation: 'g.team',
          sequence: 1,
          sender: 'bob',
          system: { membersAdded: { members: ['alice'] } },
        },
        {
          conversation: 'g.team',
          sequence: 2,
          sender: 'bob',
          clientMessageId: 'c1',
          sentAtMs: 5,
          text: '你好',
        },
      ],
      head: 2,
      firstVisible: 1,
    });
    const { body } = await doubles.call('GET /v1/conversations/g.team/messages?after=0&limit=2', {
      as: token,
    });
    expect(body).toEqual({
      conversation: 'g.team',
      messages: [
        {
          conversation: 'g.team',
          sequence: 1,
          sender: 'bob',
          clientMessageId: '',
          sentAtMs: 0,
          system: { membersAdded: { members: ['alice'] } },
        },
        {
          conversation: 'g.team',
          sequence: 2,
          sender: 'bob',
          clientMessageId: 'c1',
          sentAtMs: 5,
          text: '你好',
        },
      ],
      head: 2,
      more: false,
      firstVisible: 1,
      pinned: [],
    });
    expect(doubles.history.pagesAsked).toEqual([
      { conversation: 'g.team', before: 0, after: 0, around: 0, atMs: 0, limit: 2 },
    ]);
  });

  it('goes to a sequence or a time, and says where it is', async () => {
    const found = { conversation: 'g.team', messages: [], head: 9, around: 4, moreBefore: true };
    doubles.history.pageAnswer = ok(found);
    const { body } = await doubles.call('GET /v1/conversations/g.team/messages?atMs=1700000000000', {
      as: token,
    });
    expect(body).toMatchObject({ around: 4, moreBefore: true, moreAfter: false });
    await doubles.call('GET /v1/conversations/g.team/messages?around=4&limit=9', { as: token });
    expect(doubles.history.pagesAsked).toMatchObject([
      { around: 0, atMs: 1_700_000_000_000 },
      { around: 4, atMs: 0, limit: 9 },
    ]);
  });

  it('shows what messages carry, and what has become of them', async () => {
    const head = { conversation: 'g.team', sender: 'bob', clientMessageId: 'c', sentAtMs: 5 };
    const rich = { image: { ref: 'm/1' }, mentions: ['alice'] };
    const messages = [
      { ...head, sequence: 1, text: 'new', rich, revision: 2, changedAtMs: 6 },
      { ...head, sequence: 2, edited: { sequence: 1, text: 'new', rich } },
      { ...head, sequence: 3, text: '', revision: 4, changedAtMs: 7, isRecalled: true },
      { ...head, sequence: 4, recalled: { sequence: 3 } },
    ];
    doubles.history.pageAnswer = ok(new wire.HistoryPage({ conversation: 'g.team', messages, head: 4 }));
    const { body } = await doubles.call('GET /v1/conversations/g.team/messages', { as: token });
    expect((body as { messages: unknown }).messages).toEqual(messages);
  });

  it.each(['NOT_A_MEMBER', 'HISTORY_BEHIND', 'HISTORY_UNAVAILABLE', 'SEQUENCE_FROM_FUTURE'] as const)(
    'passes on %s',
    async (code) => {
      doubles.history.pageAnswer = err({ code, message: 'as it is' });
      const { body } = await doubles.call('GET /v1/conversations/g.team/messages', { as: token });
      expect([body.code, body.detail]).toEqual([code, 'as it is']);
    },
  );

  it.each([
    ['GET /v1/conversations/x.team/messages', 'BAD_ID'],
    ['GET /v1/conversations/d.b.a/messages', 'BAD_ID'],
    ['GET /v1/conversations/g.team/messages?before=2&after=1', 'BAD_REQUEST'],
    ['GET /v1/conversations/g.team/messages?around=2&atMs=1', 'BAD_REQUEST'],
    ['GET /v1/conversations/g.team/messages?before=-1', 'BAD_REQUEST'],
    ['GET /v1/conversations/g.team/messages?before=99999999999999999999', 'BAD_REQUEST'],
  ])('refuses %s', async (line, code) => {
    expect((await doubles.call(line, { as: token })).body.code).toBe(code);
    expect(doubles.history.pagesAsked).toEqual([]);
  });
});

describe('searching', () => {
  it('asks with the tenant and user of the token, and shows the hits', async () => {
    doubles.history.searchAnswer = ok({
      hits: [
        {
          message: { conversation: 'g.team', sequence: 4, sender: 'bob', text: 'see xorg.conf' },
          snippet: 'see xorg.conf',
          highlights: [{ start: 4, end: 13 }],
        },
      ],
      nextCursor: 'next',
      completeThrough: [{ conversation: 'g.team', sequence: 9 }],
      completeThroughMs: 77,
    });
    const line = 'GET /v1/search?q=xorg.conf&conversation=g.team&limit=5&before=cur';
    const { body } = await doubles.call(line, { as: token });
    expect(doubles.history.searchesAsked).toEqual([
      {
        tenant: 'default',
        user: 'alice',
        text: 'xorg.conf',
        conversations: ['g.team'],
        sender: '',
        kinds: [],
        hasAttachment: false,
        mentionsMe: false,
        fromMs: 0,
        toMs: 0,
        sort: 'newest',
        limit: 5,
        cursor: 'cur',
      },
    ]);
    expect(body).toMatchObject({
      hits: [{ snippet: 'see xorg.conf', highlights: [{ start: 4, end: 13 }], message: { sequence: 4 } }],
      next: 'next',
      completeThrough: [{ conversation: 'g.team', sequence: 9 }],
      completeThroughMs: 77,
    });
  });

  it('takes Chinese as it comes', async () => {
    await doubles.call(`GET /v1/search?q=${encodeURIComponent('你好')}`, { as: token });
    expect(doubles.history.searchesAsked[0]).toMatchObject({ text: '你好', conversations: [] });
  });

  it('passes on every filter and the order', async () => {
    const query =
      'conversation=g.team&conversation=d.alice.bob&sender=bob&kind=image&kind=file&hasAttachment=true&mentionsMe=true' +
      '&sentAfter=2026-01-31&sentBefore=2026-02-01T12:00:00%2B01:00&sort=relevance';
    await doubles.call(`GET /v1/search?${query}`, { as: token });
    expect(doubles.history.searchesAsked).toEqual([
      {
        tenant: 'default',
        user: 'alice',
        text: '',
        conversations: ['g.team', 'd.alice.bob'],
        sender: 'bob',
        kinds: ['image', 'file'],
        hasAttachment: true,
        mentionsMe: true,
        fromMs: Date.UTC(2026, 0, 31),
        toMs: Date.UTC(2026, 1, 1, 11),
        sort: 'relevance',
        limit: 20,
        cursor: '',
      },
    ]);
    await doubles.call('GET /v1/search?sentAfter=1769817600123', { as: token });
    expect(doubles.history.searchesAsked[1]).toMatchObject({ fromMs: 1_769_817_600_123 });
  });

  it("does not look into other people's direct conversations", async () => {
    for (const others of ['conversation=d.bob.carol', 'conversation=g.team&conversation=d.bob.carol']) {
      const { body } = await doubles.call(`GET /v1/search?q=x&${others}`, { as: token });
      expect(body.code).toBe('NOT_A_MEMBER');
    }
    expect(doubles.history.searchesAsked).toEqual([]);
  });

  it('says so when the history service is away', async () => {
    doubles.history.searchAnswer = err({ code: 'HISTORY_UNAVAILABLE' });
    const { status, body } = await doubles.call('GET /v1/search?q=x', { as: token });
    expect([status, body.code, body.retryable]).toEqual([503, 'HISTORY_UNAVAILABLE', true]);
  });

  it.each([
    '',
    '?q=',
    '?sort=oldest',
    `?q=${'x'.repeat(513)}`,
    '?q=x&q=y',
    '?q=x&conversation=nope',
    '?q=x&conversation=g.team&conversation=nope',
    `?q=x${'&conversation=g.team'.repeat(101)}`,
    '?q=x&sender=a.b',
    '?q=x&kind=system',
    '?q=x&kind=',
    '?q=x&hasAttachment=maybe',
    '?q=x&mentionsMe=1',
    '?q=x&sentAfter=yesterday',
    '?q=x&sentBefore=2026-02-31',
    '?q=x&sentBefore=-1',
    '?q=x&sort=best',
    '?q=x&limit=0',
    '?q=x&offset=10',
  ])('refuses the query %s', async (query) => {
    const { status, body } = await doubles.call(`GET /v1/search${query}`, { as: token });
    expect([status, body.code, body.detail === '']).toEqual([400, 'BAD_REQUEST', false]);
    expect(doubles.history.searchesAsked).toEqual([]);
  });

  it('limits the searches of one user', async () => {
    const flood = await doubles.tokenOf('flood');
    let last;
    for (let i = 0; i < 121; i++) last = await doubles.call('GET /v1/search?q=x', { as: flood });
    expect(last?.body.code).toBe('RATE_LIMITED');
  });
});

describe('presence', () => {
  it('tells who is online, in the own tenant', async () => {
    const route = { tenant: 'default', user: 'bob', device: 'd', gateway: 'g', connection: 'c' };
    await doubles.presence.connected(route);
    await doubles.presence.connected({ ...route, tenant: 'other', user: 'carol' });
    const { body } = await doubles.call('GET /v1/presence?users=carol,bob', { as: token });
    expect(body).toEqual({
      users: [
        { user: 'carol', online: false, lastSeenMs: 0 },
        { user: 'bob', online: true, lastSeenMs: doubles.clock.now },
      ],
    });
  });

  it.each([
    '',
    '?users=',
    '?users=a.b',
    `?users=${Array.from({ length: 201 }, (_, i) => `u${i}`).join(',')}`,
  ])('refuses the query %s', async (query) => {
    expect((await doubles.call(`GET /v1/presence${query}`, { as: token })).body.code).toBe('BAD_REQUEST');
  });

  it('does not guess while the store is away', async () => {
    const away = await startHttpDoubles((ports) => ({
      ...ports,
      presence: Object.assign(Object.create(ports.presence) as typeof ports.presence, {
        query: () => Promise.resolve(err('STORE_AWAY' as const)),
      }),
    }));
    const answer = await away.call('GET /v1/presence?users=bob', { as: await away.tokenOf('alice') });
    expect([answer.status, answer.body.code]).toEqual([503, 'UNAVAILABLE']);
    await away.app.close();
  });
});
