import { err } from '@parley/std';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Registration } from '../auth/registration.ts';
import { type HttpDoubles, startHttpDoubles } from './http-app.double.ts';

let doubles: HttpDoubles;
beforeAll(async () => {
  doubles = await startHttpDoubles((ports) => ({
    ...ports,
    registration: new Registration(ports.commands, ['acme']),
    settings: { ...ports.settings, registrationTenants: ['default', 'other', 'acme'] },
  }));
});
afterAll(() => doubles.app.close());
beforeEach(() => {
  // All windows of rate limits have ended.
  doubles.clock.now += 20 * 60_000;
  doubles.entities.accounts.clear();
  doubles.entities.queryFailure = undefined;
  doubles.entities.refusal = undefined;
});

const alice = { handle: 'alice', password: 'correct horse' };

describe('registering', () => {
  it('makes an account in the default tenant and logs in', async () => {
    const { status, body } = await doubles.call('POST /v1/accounts', { body: alice });
    expect(status).toBe(201);
    expect(body.user).toEqual({ tenant: 'default', id: 'alice', displayName: 'alice' });
    expect(body.expiresAtMs).toBeGreaterThan(doubles.clock.now);
    const me = await doubles.call('GET /v1/me', { as: body.token });
    expect(me.body).toEqual({
      ...body.user,
      avatar: '',
      fields: [],
      whoMayWrite: 'everyone',
      tokenExpiresAtMs: body.expiresAtMs,
    });
  });

  it('keeps the password as an argon2id hash only', async () => {
    await doubles.call('POST /v1/accounts', { body: alice });
    const account = doubles.entities.accounts.get('default/alice');
    expect(account?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
    expect(JSON.stringify(account)).not.toContain(alice.password);
  });

  it('is the same name again in another tenant', async () => {
    await doubles.call('POST /v1/accounts', { body: alice });
    const other = await doubles.call('POST /v1/accounts', { body: { ...alice, tenant: 'other' } });
    expect(other.status).toBe(201);
    expect(other.body.user.tenant).toBe('other');
  });

  it('refuses a name that is taken', async () => {
    await doubles.call('POST /v1/accounts', { body: alice });
    const again = await doubles.call('POST /v1/accounts', { body: alice });
    expect([again.status, again.body.code]).toEqual([409, 'ALREADY_EXISTS']);
    expect(again.headers['content-type']).toContain('application/problem+json');
  });

  it('passes on what the entity decides when two ask at once', async () => {
    doubles.entities.refusal = 'ALREADY_EXISTS';
    expect((await doubles.call('POST /v1/accounts', { body: alice })).body.code).toBe('ALREADY_EXISTS');
  });

  it.each([
    ['a handle a subject cannot carry', { ...alice, handle: 'a.b' }, 'handle'],
    ['a short password', { ...alice, password: 'seven77' }, 'password'],
    ['a display name with control characters', { ...alice, displayName: 'a\u0007b' }, 'displayName'],
    ['a tenant with a dot', { ...alice, tenant: 'a.b' }, 'tenant'],
    ['a field it does not know', { ...alice, isAdmin: true }, 'isAdmin'],
  ])('refuses %s, and says where', async (_name, body, place) => {
    const answer = await doubles.call('POST /v1/accounts', { body });
    expect([answer.status, answer.body.code]).toEqual([400, 'BAD_REQUEST']);
    expect(answer.body.detail).toContain(place);
    expect(answer.body.detail).not.toContain('seven77');
  });

  it('refuses a tenant whose accounts an external issuer keeps', async () => {
    const answer = await doubles.call('POST /v1/accounts', { body: { ...alice, tenant: 'acme' } });
    expect([answer.status, answer.body.code]).toEqual([403, 'FORBIDDEN']);
  });

  it('refuses a tenant that is not open', async () => {
    const answer = await doubles.call('POST /v1/accounts', { body: { ...alice, tenant: 'closed' } });
    expect([answer.status, answer.body.code]).toEqual([403, 'FORBIDDEN']);
  });

  it('limits registrations from one address, and says how long to wait', async () => {
    const answers = [];
    for (let i = 0; i < 31; i++)
      answers.push(await doubles.call('POST /v1/accounts', { body: { handle: 'x' } }));
    // Bad bodies are refused before they count.
    expect(answers.at(-1)?.body.code).toBe('BAD_REQUEST');
    for (let i = 0; i < 31; i++) {
      answers.push(await doubles.call('POST /v1/accounts', { body: { ...alice, tenant: 'closed' } }));
    }
    const last = answers.at(-1)!;
    expect([last.status, last.body.code, last.body.retryable]).toEqual([429, 'RATE_LIMITED', true]);
    expect(last.body.retryAfterMs).toBe(60_000);
    expect(last.headers['retry-after']).toBe('60');
  });

  it('gives a retryable error while the shard is away', async () => {
    doubles.entities.queryFailure = 'UNAVAILABLE';
    const answer = await doubles.call('POST /v1/accounts', { body: alice });
    expect([answer.status, answer.body.code, answer.body.retryable]).toEqual([503, 'UNAVAILABLE', true]);
  });
});

describe('logging in', () => {
  it('gives a token for the right password', async () => {
    await doubles.call('POST /v1/accounts', { body: { ...alice, displayName: 'Alice A.' } });
    const { status, body } = await doubles.call('POST /v1/sessions', { body: alice });
    expect(status).toBe(200);
    expect(body.user).toEqual({ tenant: 'default', id: 'alice', displayName: 'Alice A.' });
  });

  it('takes the same password typed in another Unicode form', async () => {
    await doubles.call('POST /v1/accounts', { body: { handle: 'rene', password: 'caf\u00e9-caf\u00e9' } });
    const answer = await doubles.call('POST /v1/sessions', {
      body: { handle: 'rene', password: 'cafe\u0301-cafe\u0301' },
    });
    expect(answer.status).toBe(200);
  });

  it.each([
    ['a wrong password', { ...alice, password: 'wrong horse' }],
    ['an unknown user', { ...alice, handle: 'nobody' }],
    ['a user of another tenant', { ...alice, tenant: 'other' }],
  ])('says the same to %s', async (_name, body) => {
    await doubles.call('POST /v1/accounts', { body: alice });
    const answer = await doubles.call('POST /v1/sessions', { body });
    expect(answer.body).toEqual({
      type: 'urn:parley:error:WRONG_CREDENTIALS',
      title: 'Handle or password is wrong.',
      status: 401,
      code: 'WRONG_CREDENTIALS',
      retryable: false,
    });
  });

  it('stops guesses at one account from one address, while another address may log in', async () => {
    await doubles.call('POST /v1/accounts', { body: alice });
    for (let i = 0; i < 10; i++) {
      await doubles.call('POST /v1/sessions', { body: { ...alice, password: `guess ${i}` } });
    }
    const right = await doubles.call('POST /v1/sessions', { body: alice });
    expect([right.status, right.body.code]).toEqual([429, 'RATE_LIMITED']);
    const elsewhere = await doubles.app.inject({
      method: 'POST',
      url: '/v1/sessions',
      payload: alice,
      remoteAddress: '192.0.2.7',
    });
    expect(elsewhere.statusCode).toBe(200);
  });
});

describe('asking who somebody is', () => {
  it('finds users of the own tenant only', async () => {
    const token = await doubles.tokenOf('alice');
    await doubles.tokenOf('bob');
    await doubles.tokenOf('eve', 'other');
    const bob = await doubles.call('GET /v1/users/bob', { as: token });
    expect(bob.body).toEqual({ id: 'bob', exists: true, displayName: 'The bob', avatar: '', fields: [] });
    const eve = await doubles.call('GET /v1/users/eve', { as: token });
    expect(eve.body).toEqual({ id: 'eve', exists: false, displayName: '', avatar: '', fields: [] });
  });

  it('refuses an id that is none', async () => {
    const answer = await doubles.call('GET /v1/users/a.b', { as: await doubles.tokenOf('alice') });
    expect([answer.status, answer.body.code]).toEqual([400, 'BAD_ID']);
  });

  it('needs a token', async () => {
    const answer = await doubles.call('GET /v1/me');
    expect([answer.status, answer.body.code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  it('refuses an expired token as such', async () => {
    const token = await doubles.tokenOf('alice');
    doubles.clock.now += 8 * 24 * 60 * 60_000;
    expect((await doubles.call('GET /v1/me', { as: token })).body.code).toBe('TOKEN_EXPIRED');
  });

  it('limits the requests of one user', async () => {
    const token = await doubles.tokenOf('flood');
    let last;
    for (let i = 0; i < 1_201; i++) last = await doubles.call('GET /v1/users/a.b', { as: token });
    expect(last?.body.code).toBe('RATE_LIMITED');
    expect((await doubles.call('GET /v1/me', { as: await doubles.tokenOf('calm') })).status).toBe(200);
  });
});

describe('somebody of an external issuer', () => {
  it('is registered on the first request, once', async () => {
    const { token } = await doubles.issuer.issue({ tenant: 'acme', user: 'carol' });
    const before = doubles.entities.sent.length;
    await doubles.call('GET /v1/me', { as: token });
    await doubles.call('GET /v1/me', { as: token });
    const sent = doubles.entities.sent.slice(before);
    expect(sent.map(({ address }) => address)).toEqual([{ type: 'user', tenant: 'acme', id: 'carol' }]);
  });

  it('hears of it when registering fails', async () => {
    const { token } = await doubles.issuer.issue({ tenant: 'acme', user: 'dave' });
    doubles.entities.refusal = 'TIMEOUT';
    expect((await doubles.call('GET /v1/me', { as: token })).body.code).toBe('TIMEOUT');
    doubles.entities.refusal = undefined;
    expect((await doubles.call('GET /v1/me', { as: token })).status).toBe(200);
  });
});

it('says INTERNAL for a bug, logs it, and tells the client nothing of it', async () => {
  const broken = await startHttpDoubles((ports) => ({
    ...ports,
    queries: { ask: () => Promise.reject(new Error('secret detail')) },
  }));
  const answer = await broken.call('GET /v1/me', { as: await broken.tokenOf('alice') });
  expect([answer.status, answer.body.code]).toEqual([500, 'INTERNAL']);
  expect(JSON.stringify(answer.body)).not.toContain('secret');
  expect(broken.logged).toHaveLength(1);
  await broken.app.close();
});

it('says BUSY when too many passwords wait to be hashed', async () => {
  const busy = await startHttpDoubles((ports) => ({
    ...ports,
    passwords: Object.assign(Object.create(ports.passwords) as typeof ports.passwords, {
      verify: () => Promise.resolve(err('BUSY' as const)),
    }),
  }));
  const answer = await busy.call('POST /v1/sessions', { body: alice });
  expect([answer.status, answer.body.code]).toEqual([503, 'BUSY']);
  await busy.app.close();
});
