// What operators and tools see, and how the server treats requests that are none.
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpDoubles, startHttpDoubles } from './http-app.double.ts';

let doubles: HttpDoubles;
beforeAll(async () => {
  doubles = await startHttpDoubles();
});
afterAll(() => doubles.app.close());

describe('health', () => {
  it('is live as long as it answers', async () => {
    expect(await doubles.call('GET /health/live')).toMatchObject({ status: 200, body: { status: 'up' } });
  });

  it('is ready while everything it needs is there', async () => {
    expect((await doubles.call('GET /health/ready')).status).toBe(200);
    doubles.health.add('nats', () => {
      throw new Error('connection refused');
    });
    const answer = await doubles.call('GET /health/ready');
    expect(answer.status).toBe(503);
    expect(answer.body).toEqual({
      isReady: false,
      checks: [{ name: 'nats', isOk: false, problem: 'connection refused' }],
    });
  });
});

it('shows metrics by route pattern', async () => {
  await doubles.call('GET /v1/users/alice');
  const { body, headers } = await doubles.call('GET /metrics');
  expect(headers['content-type']).toContain('text/plain');
  const lines = (body as string).split('\n');
  const count = lines.find(
    (line) => line.startsWith('parley_gateway_http_seconds_count') && line.includes('/:user"'),
  );
  expect(count).toMatch(/route="\/v1\/users\/:user".*status="4xx".* 1$/);
  expect(body).not.toContain('/v1/users/alice');
});

it('publishes public keys only', async () => {
  const { body } = await doubles.call('GET /.well-known/jwks.json');
  expect(body.keys).toHaveLength(1);
  expect(Object.keys(body.keys[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
});

describe('pages', () => {
  it('has a front page with links that work, and escapes what it is told', async () => {
    const { body } = await doubles.call('GET /');
    expect(body).toContain('ws://localhost:1/&lt;v1&gt;');
    for (const [, link] of (body as string).matchAll(/href="([^"]+)"/g)) {
      // Readiness may say 503 here.
      expect(`${link} ${(await doubles.call(`GET /${link}`)).status}`).not.toContain(' 404');
    }
  });

  it('serves the OpenAPI page from installed packages alone', async () => {
    const { body } = await doubles.call('GET /openapi');
    const sources = [...(body as string).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source!);
    expect(sources.length).toBeGreaterThan(3);
    for (const source of sources) {
      expect(source).toMatch(/^\.\//);
      const file = await doubles.call(`GET ${source.slice(1)}`);
      expect(`${source} ${file.status}`).toBe(`${source} 200`);
    }
    expect(body).not.toMatch(/<script(?![^>]*src=)[^>]*>[^<]*\S/);
  });

  it('describes every route of the API', async () => {
    const { body } = await doubles.call('GET /openapi-json');
    expect(Object.keys(body.paths as object).sort()).toEqual([
      '/v1/accounts',
      '/v1/admin/audit',
      '/v1/admin/conversations/{conversation}/as-of',
      '/v1/admin/conversations/{conversation}/messages/{sequence}/versions',
      '/v1/admin/erasures',
      '/v1/admin/holds',
      '/v1/admin/holds/conversations/{conversation}',
      '/v1/admin/holds/users/{user}',
      '/v1/admin/retention',
      '/v1/admin/users/{user}/inbox/as-of',
      '/v1/admin/words',
      '/v1/admin/words/check',
      '/v1/analytics',
      '/v1/analytics/{question}',
      '/v1/blocks/{user}',
      '/v1/contacts',
      '/v1/contacts/{user}',
      '/v1/contacts/{user}/accept',
      '/v1/contacts/{user}/refuse',
      '/v1/contacts/{user}/request',
      '/v1/conversations',
      '/v1/conversations/{conversation}/export',
      '/v1/conversations/{conversation}/messages',
      '/v1/conversations/{conversation}/pins',
      '/v1/endpoints',
      '/v1/export',
      '/v1/groups',
      '/v1/groups/{id}',
      '/v1/groups/{id}/announcement',
      '/v1/groups/{id}/bans',
      '/v1/groups/{id}/bans/{user}',
      '/v1/groups/{id}/invites',
      '/v1/groups/{id}/invites/{invite}',
      '/v1/groups/{id}/join',
      '/v1/groups/{id}/leave',
      '/v1/groups/{id}/members',
      '/v1/groups/{id}/members/{user}',
      '/v1/groups/{id}/members/{user}/mute',
      '/v1/groups/{id}/members/{user}/nickname',
      '/v1/groups/{id}/members/{user}/role',
      '/v1/groups/{id}/messages/{sequence}/readers',
      '/v1/groups/{id}/requests',
      '/v1/groups/{id}/requests/{user}',
      '/v1/groups/{id}/settings',
      '/v1/groups/{id}/windows',
      '/v1/me',
      '/v1/me/devices',
      '/v1/me/devices/{device}',
      '/v1/me/profile',
      '/v1/me/write-rule',
      '/v1/presence',
      '/v1/search',
      '/v1/sessions',
      '/v1/users',
      '/v1/users/{user}',
    ]);
    for (const path of Object.values(body.paths as Record<string, Record<string, { summary: string }>>)) {
      for (const route of Object.values(path)) expect(route.summary).not.toBe('');
    }
  });
});

describe('endpoints', () => {
  it('name the address of the WebSocket', async () => {
    const { body } = await doubles.call('GET /v1/endpoints');
    expect(body).toEqual({ endpoints: [{ url: 'ws://localhost:1/%3Cv1%3E' }] });
  });

  it('are under the name asked for when the gateway listens everywhere', async () => {
    const everywhere = await startHttpDoubles((ports) => ({
      ...ports,
      settings: { ...ports.settings, socketUrl: 'wss://0.0.0.0:8080/' },
    }));
    const answer = await everywhere.app.inject({
      method: 'GET',
      url: '/v1/endpoints',
      headers: { host: 'chat.example:8081' },
    });
    expect(answer.json()).toEqual({ endpoints: [{ url: 'wss://chat.example:8080/' }] });
    await everywhere.app.close();
  });
});

describe('bad requests', () => {
  const post = (payload: string, contentType = 'application/json') =>
    doubles.app.inject({
      method: 'POST',
      url: '/v1/sessions',
      payload,
      headers: { 'content-type': contentType },
    });

  it.each([
    [
      'a route that is not there',
      () => doubles.app.inject({ method: 'GET', url: '/v2/x' }),
      404,
      'ROUTE_NOT_FOUND',
    ],
    [
      'the wrong method',
      () => doubles.app.inject({ method: 'PATCH', url: '/v1/me' }),
      404,
      'ROUTE_NOT_FOUND',
    ],
    [
      'a path that cannot be decoded',
      () => doubles.app.inject({ method: 'GET', url: '/%zz' }),
      400,
      'BAD_REQUEST',
    ],
    ['a body that is no JSON', () => post('{'), 400, 'BAD_REQUEST'],
    ['an empty body', () => post(''), 400, 'BAD_REQUEST'],
    ['a body that is a list', () => post('[]'), 400, 'BAD_REQUEST'],
    ['a poisoned prototype', () => post('{"__proto__":{"a":1}}'), 400, 'BAD_REQUEST'],
    [
      'another media type',
      () => post('a=b', 'application/x-www-form-urlencoded'),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['text', () => post('a', 'text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a body that is too large', () => post(`"${'x'.repeat(131_072)}"`), 413, 'BODY_TOO_LARGE'],
  ])('answers %s with a problem', async (_name, ask, status, code) => {
    const answer = await ask();
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({ status, code, type: `urn:parley:error:${code}` });
    expect(answer.statusCode).toBe(status);
  });
});

it('tells browsers to keep nothing and to guess nothing', async () => {
  const answer = await doubles.call('GET /v1/me');
  expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  expect(answer.headers['access-control-allow-origin']).toBeUndefined();
});

it('is not held up on shutdown by a client that sends half a request', async () => {
  const closing = await startHttpDoubles((ports) => ({
    ...ports,
    settings: { ...ports.settings, limits: { ...ports.settings.limits, closeGraceMs: 50 } },
  }));
  await closing.app.listen(0, '127.0.0.1');
  const { port } = closing.app.getHttpServer().address() as net.AddressInfo;
  const client = net.connect(port, '127.0.0.1');
  const isGone = new Promise<void>((resolve) =>
    client.once('close', () => resolve()).on('error', () => resolve()),
  );
  await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  const arrived = new Promise<void>((resolve) =>
    closing.app.getHttpServer().once('request', () => resolve()),
  );
  client.write(
    'POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
  );
  await arrived;
  await closing.app.close();
  await expect(isGone).resolves.toBeUndefined();
});
