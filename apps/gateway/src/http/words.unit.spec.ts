// The routes of word lists: for admins only, audited before anything is changed.
import { err, ok } from '@parley/std';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type HttpDoubles, startHttpDoubles } from './http-app.double.ts';

let doubles: HttpDoubles;
let ada: string;
beforeAll(async () => {
  doubles = await startHttpDoubles();
  ada = await doubles.tokenOf('ada');
});
afterAll(() => doubles.app.close());
beforeEach(() => {
  doubles.history.adminsAsked.length = 0;
  doubles.history.adminAnswer = ok({});
});

const change = (body: object) => doubles.call('PATCH /v1/admin/words', { as: ada, body });

describe('the routes of word lists', () => {
  it.each(['GET /v1/admin/words', 'PATCH /v1/admin/words', 'POST /v1/admin/words/check'])(
    'are for admins only: %s',
    async (route) => {
      const body = route.startsWith('GET') ? undefined : { text: 'x' };
      const as = await doubles.tokenOf('bob');
      const answer = await doubles.call(route, { as, body: route.startsWith('PATCH') ? {} : body! });
      expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    },
  );

  it('change, show and try a list', async () => {
    expect(await change({ reject: ['never'], mask: ['rude'] })).toMatchObject({
      status: 200,
      body: { words: 2 },
    });
    expect(doubles.history.adminsAsked).toMatchObject([
      { tenant: 'default', by: 'ada', note: { action: 'change_words' } },
    ]);
    const { body } = await doubles.call('GET /v1/admin/words?limit=1', { as: ada });
    expect(body).toEqual({ words: [{ word: 'never', action: 'reject' }], count: 2 });
    const check = async () =>
      (await doubles.call('POST /v1/admin/words/check', { as: ada, body: { text: 'so rude' } })).body;
    await vi.waitFor(async () =>
      expect(await check()).toEqual({ isRejected: false, text: 'so ****', words: ['rude'] }),
    );
  });

  it('change nothing that cannot be audited, and nothing that is not a list', async () => {
    doubles.history.adminAnswer = err({ code: 'HISTORY_UNAVAILABLE' });
    expect(await change({ mask: ['unaudited'] })).toMatchObject({ status: 503 });
    doubles.history.adminAnswer = ok({});
    for (const bad of [{ mask: ['...'] }, { mask: [''] }, { mask: 'rude' }, { other: [] }])
      expect(await change(bad)).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
    const { body } = await doubles.call('GET /v1/admin/words', { as: ada });
    expect(JSON.stringify(body)).not.toContain('unaudited');
  });
});
