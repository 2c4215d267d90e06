// Analytics over HTTP: who may ask, how much, and the page.
import { Script } from 'node:vm';
import { err, ok } from '@parley/std';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { analyticsPageScript } from './analytics-page-script.ts';
import { type HttpDoubles, startHttpDoubles } from './http-app.double.ts';
import { httpLimits } from './http-limits.ts';

const limits = {
  ...httpLimits,
  analyticsQuestions: { ...httpLimits.analyticsQuestions, max: 5 },
  analyticsThousandRows: { ...httpLimits.analyticsThousandRows, max: 100 },
};

let doubles: HttpDoubles;
let token: string;
beforeAll(async () => {
  doubles = await startHttpDoubles((ports) => ({ ...ports, settings: { ...ports.settings, limits } }));
  token = await doubles.tokenOf('ana');
});
afterAll(() => doubles.app.close());
beforeEach(() => {
  doubles.clock.now += 2 * 3_600_000;
  doubles.history.questionsAsked.length = 0;
  answerWith(1);
});

function answerWith(rowsRead: number): void {
  const body = { columns: ['start', 'users'], rows: [['2026-11-21', 3]] };
  doubles.history.analyticsAnswer = ok({ body, rowsRead, completeThroughMs: 9, countedThroughMs: 8 });
}

const ask = (path = 'active-users', as = token) => doubles.call(`GET /v1/analytics/${path}`, { as });

describe('a ready question', () => {
  it('is asked for the tenant of the token, with its parameters', async () => {
    const { status, body } = await ask('active-users?period=week&from=2026-01-01');
    expect(status).toBe(200);
    expect(body).toEqual({
      columns: ['start', 'users'],
      rows: [['2026-11-21', 3]],
      rowsRead: 1,
      completeThroughMs: 9,
      countedThroughMs: 8,
    });
    const parameters = { period: 'week', from: '2026-01-01' };
    expect(doubles.history.questionsAsked).toEqual([
      { tenant: 'default', question: 'active-users', parameters },
    ]);
  });

  it('is refused to everybody who is not an analyst of that very tenant', async () => {
    const others = [await doubles.tokenOf('bob'), await doubles.tokenOf('ana', 'globex')];
    for (const other of others) {
      for (const path of ['GET /v1/analytics', 'GET /v1/analytics/active-users'])
        expect(await doubles.call(path, { as: other })).toMatchObject({
          status: 403,
          body: { code: 'FORBIDDEN' },
        });
    }
    expect((await doubles.call('GET /v1/analytics/active-users')).body).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    expect(doubles.history.questionsAsked).toEqual([]);
  });

  it('is refused when the hour has no more questions, with the time until it has', async () => {
    for (let count = 0; count < 5; count += 1) expect((await ask()).status).toBe(200);
    const { status, body, headers } = await ask();
    expect(status).toBe(429);
    expect(body).toMatchObject({ code: 'RATE_LIMITED', retryable: true });
    expect(body.retryAfterMs).toBeGreaterThan(3_500_000);
    expect(Number(headers['retry-after'])).toBeGreaterThan(3_500);
    doubles.clock.now += 3_600_000;
    expect((await ask()).status).toBe(200);
  });

  it('is refused when the hour has no more rows, also when the last answer went over', async () => {
    answerWith(61_000);
    expect((await ask()).status).toBe(200);
    // 39 are left: this one goes over, and uses them up.
    expect((await ask()).status).toBe(200);
    answerWith(1);
    const { body } = await ask();
    expect(body).toMatchObject({ code: 'RATE_LIMITED', detail: 'The limit analytics-rows is reached.' });
    expect(doubles.history.questionsAsked).toHaveLength(2);
  });

  it('passes on what history refuses with', async () => {
    doubles.history.analyticsAnswer = err({ code: 'RANGE_TOO_LARGE', message: 'ask for a shorter time' });
    expect(await ask()).toMatchObject({
      status: 413,
      body: { code: 'RANGE_TOO_LARGE', retryable: false, detail: 'ask for a shorter time' },
    });
    doubles.history.analyticsAnswer = err({ code: 'HISTORY_UNAVAILABLE' });
    expect(await ask()).toMatchObject({
      status: 503,
      body: { code: 'HISTORY_UNAVAILABLE', retryable: true },
    });
  });

  it.each([
    'Active',
    'a'.repeat(65),
    "x'--",
    `x?${Array.from({ length: 17 }, (_, at) => `p${at}=1`).join('&')}`,
  ])('has a name and few parameters: %s is none', async (path) => {
    expect((await ask(encodeURI(path))).body).toMatchObject({ code: 'BAD_REQUEST' });
    expect(doubles.history.questionsAsked).toEqual([]);
  });
});

it('the list of questions costs none', async () => {
  const body = { questions: [] };
  doubles.history.analyticsAnswer = ok({ body, rowsRead: 0, completeThroughMs: 0, countedThroughMs: 0 });
  for (let count = 0; count < 7; count += 1)
    expect(await doubles.call('GET /v1/analytics', { as: token })).toMatchObject({ status: 200, body });
});

describe('the page', () => {
  it('is served with its script and asks no other host', async () => {
    const page = await doubles.call('GET /analytics');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const [, source] = /<script src="([^"]+)">/.exec(page.body as string)!;
    const script = await doubles.call(`GET /${source}`);
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(script.body).toBe(analyticsPageScript);
    expect(`${page.body}${script.body}`.replace('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|\/\//,
    );
    expect(page.body).not.toMatch(/<script(?![^>]*src=)/);
  });

  it('has a script that is one', () => {
    expect(() => new Script(analyticsPageScript)).not.toThrow();
  });
});
