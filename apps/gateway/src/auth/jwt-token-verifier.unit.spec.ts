import { KeyObject, sign } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CryptoKey, JWK, JWTPayload } from 'jose';
import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { HandClock } from '../http/http-app.double.ts';
import { authLimits } from './auth-limits.ts';
import { externalIssuer, externalIssuers } from './external-issuer.ts';
import { JwtTokenVerifier } from './jwt-token-verifier.ts';
import { OwnTokenCheck } from './own-tokens.ts';
import type { SigningKeys } from './signing-keys.ts';
import { generateSigningKeys } from './signing-keys.ts';
import { TokenIssuer } from './token-issuer.ts';

const alice = { tenant: 'acme', user: 'alice' };
let keys: SigningKeys;
let clock: HandClock;
beforeAll(async () => {
  keys = await generateSigningKeys();
});
beforeEach(() => {
  clock = new HandClock();
});

/** A token of our own kind, with one thing changed. */
function forged(claims: JWTPayload, key: CryptoKey = keys[0].privateKey, kid = keys[0].kid): Promise<string> {
  const nowSeconds = Math.floor(clock.nowMs() / 1000);
  const all = {
    iss: 'parley',
    aud: 'parley',
    sub: 'alice',
    tenant: 'acme',
    iat: nowSeconds,
    exp: nowSeconds + 60,
  };
  return new SignJWT({ ...all, ...claims }).setProtectedHeader({ alg: 'EdDSA', kid }).sign(key);
}

describe('our own tokens', () => {
  const verify = (token: string) => new JwtTokenVerifier({ keys, clock }).verify(token);

  it('tell tenant, user and end', async () => {
    const { token, expiresAtMs } = await new TokenIssuer(keys, clock).issue(alice);
    expect(await verify(token)).toEqual({
      ok: true,
      value: { ...alice, expiresAtMs, issuedAtMs: clock.now },
    });
    const bound = await new TokenIssuer(keys, clock).issue(alice, 'phone-1');
    expect(await verify(bound.token)).toMatchObject({ ok: true, value: { device: 'phone-1' } });
    expect(expiresAtMs).toBe(clock.now + authLimits.tokenLifeMs);
  });

  it.each([
    ['nothing', () => '', 'UNAUTHENTICATED'],
    ['nonsense', () => 'nonsense', 'UNAUTHENTICATED'],
    ['three parts of nonsense', () => 'a.b.c', 'UNAUTHENTICATED'],
    ['something huge', () => 'x'.repeat(authLimits.tokenBytesMax + 1), 'UNAUTHENTICATED'],
    ['an unknown issuer', () => forged({ iss: 'https://elsewhere.example' }), 'UNAUTHENTICATED'],
    ['no issuer', () => forged({ iss: undefined }), 'UNAUTHENTICATED'],
    ['another audience', () => forged({ aud: 'billing' }), 'UNAUTHENTICATED'],
    ['no audience', () => forged({ aud: undefined }), 'UNAUTHENTICATED'],
    ['no end', () => forged({ exp: undefined }), 'UNAUTHENTICATED'],
    [
      'a beginning in the future',
      () => forged({ nbf: Math.floor(clock.nowMs() / 1000) + 600 }),
      'UNAUTHENTICATED',
    ],
    ['no tenant', () => forged({ tenant: undefined }), 'UNAUTHENTICATED'],
    ['no user', () => forged({ sub: undefined }), 'UNAUTHENTICATED'],
    ['a user that is no id', () => forged({ sub: 'a.b' }), 'BAD_ID'],
    ['a tenant that is no id', () => forged({ tenant: 'a.b' }), 'BAD_ID'],
    ['an end in the past', () => forged({ exp: Math.floor(clock.nowMs() / 1000) - 31 }), 'TOKEN_EXPIRED'],
  ])('are refused with %s', async (_name, make, error) => {
    expect(await verify(await make())).toEqual({ ok: false, error });
  });

  it('may have ended within the clock skew', async () => {
    expect((await verify(await forged({ exp: Math.floor(clock.nowMs() / 1000) - 20 }))).ok).toBe(true);
  });

  it('are refused when somebody else signed them, also under our key id', async () => {
    const [other] = await generateSigningKeys();
    expect(await verify(await forged({}, other.privateKey))).toEqual({ ok: false, error: 'UNAUTHENTICATED' });
    expect(await verify(await forged({}, other.privateKey, other.kid))).toEqual({
      ok: false,
      error: 'UNAUTHENTICATED',
    });
  });

  it('are refused when a character was changed', async () => {
    const { token } = await new TokenIssuer(keys, clock).issue(alice);
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const other = Buffer.from(JSON.stringify({ ...claims, sub: 'bob' })).toString('base64url');
    expect((await verify([header, other, signature].join('.'))).ok).toBe(false);
  });

  it('are refused without a signature, and with the public key as a shared secret', async () => {
    const none = new UnsecuredJWT({ tenant: 'acme' })
      .setIssuer('parley')
      .setAudience('parley')
      .setSubject('alice');
    expect((await verify(none.setExpirationTime('1h').encode())).ok).toBe(false);
    const secret = Buffer.from(keys[0].publicJwk.x!, 'base64url');
    const confused = await new SignJWT({
      tenant: 'acme',
      sub: 'alice',
      iss: 'parley',
      aud: 'parley',
      exp: 9e9,
    })
      .setProtectedHeader({ alg: 'HS256', kid: keys[0].kid })
      .sign(secret);
    expect((await verify(confused)).ok).toBe(false);
  });
});

describe('our own keys', () => {
  const signed = (header: { kid?: string }) =>
    new SignJWT({ tenant: 'acme', sub: 'alice', iss: 'parley', aud: 'parley', exp: 9e9 })
      .setProtectedHeader({ alg: 'EdDSA', ...header })
      .sign(keys[0].privateKey);

  it('are found by their id, which may be missing while there is one key', async () => {
    const [another] = await generateSigningKeys();
    const one = new JwtTokenVerifier({ keys, clock });
    const two = new JwtTokenVerifier({ keys: [another, ...keys], clock });
    expect((await one.verify(await signed({}))).ok).toBe(true);
    expect((await two.verify(await signed({}))).ok).toBe(false);
    expect((await two.verify(await signed({ kid: keys[0].kid }))).ok).toBe(true);
    expect((await two.verify(await signed({ kid: another.kid }))).ok).toBe(false);
    expect((await two.verify(await signed({ kid: 'unknown' }))).ok).toBe(false);
  });

  it('do not make a token good that has to be understood in ways we do not know', async () => {
    const header = Buffer.from('{"alg":"EdDSA","crit":["b64"],"b64":true}').toString('base64url');
    const claims = '{"tenant":"acme","sub":"alice","iss":"parley","aud":"parley","exp":9000000000}';
    const body = `${header}.${Buffer.from(claims).toString('base64url')}`;
    const key = KeyObject.from(keys[0].privateKey);
    const token = `${body}.${sign(null, Buffer.from(body), key).toString('base64url')}`;
    expect((await new JwtTokenVerifier({ keys, clock }).verify(token)).ok).toBe(false);
  });
});

describe('tokens that were verified', () => {
  it('are remembered, and checked again after a while', async () => {
    const check = vi.spyOn(OwnTokenCheck.prototype, 'claimsOf');
    const { token } = await new TokenIssuer(keys, clock).issue(alice);
    const verifier = new JwtTokenVerifier({ keys, clock });
    for (let i = 0; i < 100; i++) expect((await verifier.verify(token)).ok).toBe(true);
    expect(check).toHaveBeenCalledTimes(1);
    clock.now += authLimits.verifiedTokenTtlMs + 1;
    expect((await verifier.verify(token)).ok).toBe(true);
    expect(check).toHaveBeenCalledTimes(2);
    check.mockRestore();
  });

  it('end when they end', async () => {
    const verifier = new JwtTokenVerifier({ keys, clock });
    const token = await forged({});
    expect((await verifier.verify(token)).ok).toBe(true);
    clock.now += 60_000 + authLimits.clockSkewMs;
    expect(await verifier.verify(token)).toEqual({ ok: false, error: 'TOKEN_EXPIRED' });
  });
});

describe('tokens of an external issuer', () => {
  let server: http.Server;
  let published: JWK[];
  let fetches: number;
  let isBroken: boolean;
  let signer: { privateKey: CryptoKey; jwk: JWK };
  const issuer = 'https://login.example';

  const newSigner = async (kid: string) => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } };
  };

  beforeEach(async () => {
    signer = await newSigner('one');
    published = [signer.jwk];
    fetches = 0;
    isBroken = false;
    server = http.createServer((_request, response) => {
      fetches++;
      response.statusCode = isBroken ? 500 : 200;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys: published }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function verifierOf(more: object) {
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    const issuers = [externalIssuer.parse({ issuer, jwksUrl, audience: 'chat', ...more })];
    return new JwtTokenVerifier({ keys, clock, issuers });
  }

  function token(claims: JWTPayload = {}, by = signer): Promise<string> {
    const exp = Math.floor(clock.nowMs() / 1000) + 60;
    return new SignJWT({ iss: issuer, aud: ['chat', 'mail'], sub: 'carol', exp, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: by.jwk.kid! })
      .sign(by.privateKey);
  }

  it('belong to its tenant, and its keys are fetched once', async () => {
    const verifier = verifierOf({ tenant: 'acme' });
    for (const sub of ['carol', 'dave']) {
      expect(await verifier.verify(await token({ sub }))).toMatchObject({
        ok: true,
        value: { tenant: 'acme', user: sub },
      });
    }
    expect(fetches).toBe(1);
  });

  it('may name the tenant in a claim, but only one it may speak for', async () => {
    const verifier = verifierOf({ tenantClaim: 'org', tenants: ['acme', 'beta'] });
    expect(await verifier.verify(await token({ org: 'beta' }))).toMatchObject({
      ok: true,
      value: { tenant: 'beta' },
    });
    expect(await verifier.verify(await token({ org: 'default' }))).toEqual({
      ok: false,
      error: 'WRONG_TENANT',
    });
    expect(await verifier.verify(await token({}))).toEqual({ ok: false, error: 'UNAUTHENTICATED' });
  });

  it('may name the user in another claim, which must be an id', async () => {
    const verifier = verifierOf({ tenant: 'acme', userClaim: 'nick' });
    expect(await verifier.verify(await token({ nick: 'caro' }))).toMatchObject({
      ok: true,
      value: { user: 'caro' },
    });
    expect(await verifier.verify(await token({ nick: 'c@example' }))).toEqual({ ok: false, error: 'BAD_ID' });
  });

  it('are refused for another audience, when they have ended, and when another key signed them', async () => {
    const verifier = verifierOf({ tenant: 'acme' });
    expect(await verifier.verify(await token({ aud: 'mail' }))).toEqual({
      ok: false,
      error: 'UNAUTHENTICATED',
    });
    expect(await verifier.verify(await token({ exp: 1 }))).toEqual({ ok: false, error: 'TOKEN_EXPIRED' });
    const stranger = await newSigner('one');
    expect(await verifier.verify(await token({}, stranger))).toEqual({ ok: false, error: 'UNAUTHENTICATED' });
  });

  it('cannot pass as our own, nor our own as theirs', async () => {
    const verifier = verifierOf({ tenant: 'acme' });
    expect((await verifier.verify(await token({ iss: 'parley', aud: 'parley', tenant: 'default' }))).ok).toBe(
      false,
    );
    expect((await verifier.verify(await forged({ iss: issuer, aud: 'chat' }))).ok).toBe(false);
  });

  it('stand with a new key of the issuer, fetched when it first appears', async () => {
    const verifier = verifierOf({ tenant: 'acme' });
    await verifier.verify(await token());
    const second = await newSigner('two');
    published = [signer.jwk, second.jwk];
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + authLimits.issuerKeysPauseMs + 1 });
    expect((await verifier.verify(await token({}, second))).ok).toBe(true);
    vi.useRealTimers();
    expect(fetches).toBe(2);
  });

  it('with made-up key ids do not make us fetch again and again', async () => {
    const verifier = verifierOf({ tenant: 'acme' });
    for (let i = 0; i < 20; i++) {
      const stranger = await newSigner(`made-up-${i}`);
      expect(await verifier.verify(await token({}, stranger))).toEqual({
        ok: false,
        error: 'UNAUTHENTICATED',
      });
    }
    expect(fetches).toBe(1);
  });

  it('give a retryable error while its keys cannot be fetched, and stand when they can again', async () => {
    const verifier = verifierOf({ tenant: 'acme' });
    const theirs = await token();
    isBroken = true;
    expect(await verifier.verify(theirs)).toEqual({ ok: false, error: 'UNAVAILABLE' });
    isBroken = false;
    expect((await verifier.verify(theirs)).ok).toBe(true);
  });

  it('give a retryable error when nobody is at its address', async () => {
    const jwksUrl = 'http://127.0.0.1:1/keys';
    const issuers = [externalIssuer.parse({ issuer, jwksUrl, audience: 'chat', tenant: 'acme' })];
    const verifier = new JwtTokenVerifier({ keys, clock, issuers });
    expect(await verifier.verify(await token())).toEqual({ ok: false, error: 'UNAVAILABLE' });
  });
});

describe('the list of external issuers', () => {
  const one = { issuer: 'a', jwksUrl: 'https://a.example/keys', audience: 'chat', tenant: 'acme' };

  it.each([
    ['an issuer twice', [one, { ...one, tenant: 'beta' }]],
    ['a tenant of two issuers', [one, { ...one, issuer: 'b' }]],
    ['keys over plain http', [{ ...one, jwksUrl: 'http://a.example/keys' }]],
    ['a tenant claim without tenants', [{ ...one, tenant: undefined, tenantClaim: 'org' }]],
    ['neither tenant nor claim', [{ ...one, tenant: undefined }]],
    ['an algorithm with a shared secret', [{ ...one, algorithms: ['HS256'] }]],
  ])('refuses %s', (_name, list) => {
    expect(externalIssuers.safeParse(list).success).toBe(false);
  });

  it('takes issuers of different tenants', () => {
    expect(externalIssuers.safeParse([one, { ...one, issuer: 'b', tenant: 'beta' }]).success).toBe(true);
  });
});
