// Checks tokens: our own by the cluster's keys, external ones by their issuer's published keys. Verified tokens are
// remembered for a while, so that a storm of reconnects costs a hash each instead of a signature each.
import { hash } from 'node:crypto';
import type { ErrorName } from '@parley/protocol';
import { idPattern, tenantPattern } from '@parley/protocol';
import type { Clock, Result } from '@parley/std';
import { err, ok } from '@parley/std';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { createRemoteJWKSet, decodeJwt, errors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { AuthLimits } from './auth-limits.ts';
import { authLimits } from './auth-limits.ts';
import type { ExternalIssuer } from './external-issuer.ts';
import { tenantsOf } from './external-issuer.ts';
import { OwnTokenCheck } from './own-tokens.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { OwnTokens } from './token-issuer.ts';
import { deviceClaim, ownTokens, tenantClaim } from './token-issuer.ts';
import type { TokenVerifier, VerifiedToken } from './token-verifier.ts';

export interface JwtTokenVerifierParts {
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly issuers?: readonly ExternalIssuer[];
  readonly names?: OwnTokens;
  readonly limits?: AuthLimits;
}

type Outcome = Result<VerifiedToken, ErrorName>;

/** Where the claims of an issuer say who it is. */
interface Naming {
  tenantOf(claims: JWTPayload): unknown;
  userOf(claims: JWTPayload): unknown;
  /** undefined: any tenant. */
  readonly tenants: ReadonlySet<string> | undefined;
}

/** An issuer we trust besides ourselves. */
interface TrustedIssuer extends Naming {
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly keys: JWTVerifyGetKey;
}

interface Remembered extends VerifiedToken {
  readonly rememberedAtMs: number;
}

export class JwtTokenVerifier implements TokenVerifier {
  readonly #clock: Clock;
  readonly #limits: AuthLimits;
  readonly #own: OwnTokenCheck;
  readonly #trusted = new Map<string, TrustedIssuer>();
  readonly #remembered: LRUCache<string, Remembered>;

  constructor(parts: JwtTokenVerifierParts) {
    this.#clock = parts.clock;
    this.#limits = parts.limits ?? authLimits;
    this.#remembered = new LRUCache({ max: this.#limits.verifiedTokensMax });
    const externals = parts.issuers ?? [];
    for (const issuer of externals) this.#trusted.set(issuer.issuer, externalTrust(issuer, this.#limits));
    this.#own = new OwnTokenCheck(parts.keys, parts.names ?? ownTokens);
  }

  async verify(token: string): Promise<Outcome> {
    if (token.length === 0 || token.length > this.#limits.tokenBytesMax) return err('UNAUTHENTICATED');
    const digest = hash('sha256', token, 'base64');
    const remembered = this.#recall(digest);
    if (remembered !== undefined) return remembered;
    // Our own first, so that no external issuer can take our name.
    const outcome = this.#checkOwn(token) ?? (await this.#checkExternal(token));
    if (outcome.ok) {
      const rememberedAtMs = Math.trunc(this.#clock.monotonicMs());
      this.#remembered.set(digest, { ...outcome.value, rememberedAtMs });
    }
    return outcome;
  }

  #recall(digest: string): Outcome | undefined {
    const found = this.#remembered.get(digest);
    if (found === undefined) return undefined;
    if (this.#hasExpired(found)) return err('TOKEN_EXPIRED');
    const ageMs = this.#clock.monotonicMs() - found.rememberedAtMs;
    return ageMs > this.#limits.verifiedTokenTtlMs ? undefined : ok(found);
  }

  #hasExpired(verified: VerifiedToken): boolean {
    return verified.expiresAtMs + this.#limits.clockSkewMs <= this.#clock.nowMs();
  }

  #checkOwn(token: string): Outcome | undefined {
    const claims = this.#own.claimsOf(token, {
      nowSeconds: Math.floor(this.#clock.nowMs() / 1000),
      skewSeconds: this.#limits.clockSkewMs / 1000,
    });
    return claims === undefined || !claims.ok ? claims : identityIn(claims.value, ownNaming);
  }

  async #checkExternal(token: string): Promise<Outcome> {
    try {
      // Only chooses whose keys to use; nothing of it is believed before the signature is checked.
      const issuer = decodeJwt(token).iss;
      const trusted = issuer === undefined ? undefined : this.#trusted.get(issuer);
      if (issuer === undefined || trusted === undefined) return err('UNAUTHENTICATED');
      const { payload } = await jwtVerify(token, trusted.keys, {
        issuer,
        audience: trusted.audience,
        algorithms: [...trusted.algorithms],
        clockTolerance: this.#limits.clockSkewMs / 1000,
        currentDate: new Date(this.#clock.nowMs()),
        requiredClaims: ['exp'],
      });
      return identityIn(payload, trusted);
    } catch (error) {
      return err(errorNameOf(error));
    }
  }
}

function identityIn(claims: JWTPayload, naming: Naming): Outcome {
  const tenant = naming.tenantOf(claims);
  const user = naming.userOf(claims);
  if (typeof tenant !== 'string' || typeof user !== 'string') return err('UNAUTHENTICATED');
  if (naming.tenants !== undefined && !naming.tenants.has(tenant)) return err('WRONG_TENANT');
  if (!tenantPattern.test(tenant) || !idPattern.test(user)) return err('BAD_ID');
  const device = claims[deviceClaim];
  const issuedAtMs = Math.round((claims.iat ?? 0) * 1000);
  const verified = { tenant, user, expiresAtMs: (claims.exp ?? 0) * 1000, issuedAtMs };
  return ok(typeof device === 'string' ? { ...verified, device } : verified);
}

function errorNameOf(error: unknown): ErrorName {
  if (error instanceof errors.JWTExpired) return 'TOKEN_EXPIRED';
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return 'UNAVAILABLE';
  // The issuer answered the wrong way, or not at all: jose's general error, or the failed fetch itself.
  if (error instanceof errors.JOSEError)
    return error.code === 'ERR_JOSE_GENERIC' ? 'UNAVAILABLE' : 'UNAUTHENTICATED';
  if (error instanceof TypeError && error.message.includes('fetch failed')) return 'UNAVAILABLE';
  return 'UNAUTHENTICATED';
}

const ownNaming: Naming = {
  tenantOf: (claims) => claims[tenantClaim],
  userOf: (claims) => claims.sub,
  tenants: undefined,
};

const externalTrust = (issuer: ExternalIssuer, limits: AuthLimits): TrustedIssuer => ({
  audience: issuer.audience,
  algorithms: issuer.algorithms,
  keys: createRemoteJWKSet(new URL(issuer.jwksUrl), {
    timeoutDuration: limits.issuerKeysTimeoutMs,
    cooldownDuration: limits.issuerKeysPauseMs,
    cacheMaxAge: limits.issuerKeysTtlMs,
  }),
  tenantOf: (claims) => (issuer.tenantClaim === undefined ? issuer.tenant : claims[issuer.tenantClaim]),
  userOf: (claims) => claims[issuer.userClaim],
  tenants: new Set(tenantsOf(issuer)),
});
