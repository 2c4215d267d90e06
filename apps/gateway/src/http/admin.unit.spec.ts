// The routes of admins: who may, what is asked in whose name, how the past looks in JSON.
import { err, ok } from '@parley/std';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HttpDoubles, startHttpDoubles } from './http-app.double.ts';

let doubles: HttpDoubles;
let ada: string;
beforeAll(async () => {
  doubles = await startHttpDoubles();
  ada = await doubles.tokenOf('ada');
});
afterAll(() => doubles.app.close());
beforeEach(() => {
  doubles.clock.now += 20 * 60_000;
  doubles.history.adminsAsked.length = 0;
});

const routes = [
  'GET /v1/admin/conversations/g.tea/as-of',
  'GET /v1/admin/conversations/g.tea/messages/1/versions',
  'GET /v1/admin/users/bob/inbox/as-of',
  'GET /v1/admin/retention',
  'GET /v1/admin/holds',
  'GET /v1/admin/audit',
  'DELETE /v1/admin/holds/users/bob',
  'DELETE /v1/admin/holds/conversations/g.tea',
];

describe('the routes of admins', () => {
  it.each(routes)('are for admins of the same tenant only: %s', async (route) => {
    const others = [await doubles.tokenOf('bob'), await doubles.tokenOf('ada', 'other')];
    for (const as of others)
      expect(await doubles.call(route, { as })).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect((await doubles.call(route)).status).toBe(401);
    expect(doubles.history.adminsAsked).toEqual([]);
    doubles.history.adminAnswer = err({ code: 'EVENTS_MISSING' });
    await doubles.call(route, { as: ada });
    expect(doubles.history.adminsAsked).toMatchObject([{ tenant: 'default', by: 'ada' }]);
  });

  it('ask in the name of whom the token names, whatever else is sent', async () => {
    doubles.history.adminAnswer = ok({ holds: {} });
    const body = { reason: 'case 7' };
    expect(await doubles.call('PUT /v1/admin/holds/users/bob', { as: ada, body })).toMatchObject({
      status: 204,
    });
    expect(doubles.history.adminsAsked).toEqual([
      { tenant: 'default', by: 'ada', setHold: { kind: 'user', id: 'bob', isHeld: true, reason: 'case 7' } },
    ]);
    const foreign = { ...body, by: 'bob' };
    expect((await doubles.call('PUT /v1/admin/holds/users/bob', { as: ada, body: foreign })).status).toBe(
      400,
    );
    expect((await doubles.call('PUT /v1/admin/holds/users/bob', { as: ada, body: {} })).status).toBe(400);
    expect((await doubles.call('PUT /v1/admin/retention', { as: ada, body: { days: -1 } })).status).toBe(400);
  });

  it('show a group as it was, in the words of the other routes', async () => {
    doubles.history.adminAnswer = ok({
      conversationAsOf: {
        conversation: 'g.tea',
        head: 3,
        headAtMs: 5,
        completeThrough: 9,
        firstKept: 2,
        title: 'Tea',
        diffusion: 2,
        memberCount: 1,
        members: [{ user: 'bob', role: 3, joined: 1 }],
        nextMembers: 'bob',
      },
      completeThroughMs: 77,
    });
    const { body } = await doubles.call('GET /v1/admin/conversations/g.tea/as-of?sequence=3', { as: ada });
    expect(body).toMatchObject({
      diffusion: 'read',
      policy: null,
      members: [{ user: 'bob', role: 'owner', joined: 1, mutedUntilMs: 0 }],
      nextMembers: 'bob',
      firstKept: 2,
      completeThroughMs: 77,
    });
    expect(doubles.history.adminsAsked).toMatchObject([
      { conversationAsOf: { conversation: 'g.tea', sequence: 3, atMs: 0 } },
    ]);
  });

  it('show an inbox as it was', async () => {
    doubles.history.adminAnswer = ok({
      inboxAsOf: {
        user: 'bob',
        position: 2,
        first: 1,
        entries: [
          { position: 1, conversation: 'g.tea', sequence: 1, membership: 1 },
          { position: 2, conversation: 'g.tea', sequence: 1, isReadMoved: true },
        ],
        conversations: [{ conversation: 'g.tea', read: 1, head: 1 }],
      },
    });
    const { body } = await doubles.call('GET /v1/admin/users/bob/inbox/as-of?position=2', { as: ada });
    expect(body.entries.map((entry: { change: string }) => entry.change)).toEqual(['joined', 'read']);
    expect(body).toMatchObject({ conversations: [{ read: 1 }], nextConversations: null });
  });

  it('answer with what history refused, and when it is away', async () => {
    doubles.history.adminAnswer = err({ code: 'EVENTS_MISSING', message: 'trimmed' });
    const refused = await doubles.call('GET /v1/admin/conversations/g.tea/as-of', { as: ada });
    expect(refused).toMatchObject({ status: 409, body: { code: 'EVENTS_MISSING', detail: 'trimmed' } });
    doubles.history.adminAnswer = err({ code: 'HISTORY_UNAVAILABLE' });
    expect((await doubles.call('GET /v1/admin/audit', { as: ada })).status).toBe(503);
  });
});

describe('the name of an admin', () => {
  it('cannot be taken by a stranger who is first', async () => {
    const { entities } = doubles;
    entities.accounts.delete('default/ada');
    const body = { handle: 'ada', password: 'correct horse' };
    const answer = await doubles.call('POST /v1/accounts', { body });
    expect(answer).toMatchObject({ status: 409, body: { code: 'ALREADY_EXISTS' } });
  });
});
