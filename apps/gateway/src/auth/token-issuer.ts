// Issues our own tokens, and says by which public keys they can be checked.
import { randomUUID } from 'node:crypto';
import type { Clock } from '@parley/std';
import type { JSONWebKeySet } from 'jose';
import { SignJWT } from 'jose';
import { authLimits } from './auth-limits.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { Identity } from './token-verifier.ts';

/** What our tokens carry as `iss` and `aud`: a token of another cluster, or for another service, is refused. */
export interface OwnTokens {
  readonly issuer: string;
  readonly audience: string;
}

export const ownTokens: OwnTokens = { issuer: 'parley', audience: 'parley' };

/** The claim that carries the tenant in our own tokens. The user is `sub`. */
export const tenantClaim = 'tenant';

/** The claim that ties a token to one device. */
export const deviceClaim = 'device';

export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

export class TokenIssuer {
  readonly #keys: SigningKeys;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #names: OwnTokens;
  readonly #lifeMs: number;

  constructor(
    keys: SigningKeys,
    clock: Pick<Clock, 'nowMs'>,
    names = ownTokens,
    lifeMs = authLimits.tokenLifeMs,
  ) {
    this.#keys = keys;
    this.#clock = clock;
    this.#names = names;
    this.#lifeMs = lifeMs;
  }

  /** `device`: the only one it is for; empty: any. */
  async issue(identity: Identity, device = ''): Promise<IssuedToken> {
    const [key] = this.#keys;
    // With fractions: who was logged out may log in again within the same second.
    const issuedAt = this.#clock.nowMs() / 1000;
    const expiresAt = Math.floor(issuedAt) + Math.ceil(this.#lifeMs / 1000);
    const token = await new SignJWT({
      [tenantClaim]: identity.tenant,
      ...(device === '' ? {} : { [deviceClaim]: device }),
    })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: key.kid })
      .setIssuer(this.#names.issuer)
      .setAudience(this.#names.audience)
      .setSubject(identity.user)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .setJti(randomUUID())
      .sign(key.privateKey);
    return { token, expiresAtMs: expiresAt * 1000 };
  }

  /** For GET /.well-known/jwks.json. Public parts only. */
  publicKeys(): JSONWebKeySet {
    return { keys: this.#keys.map((key) => key.publicJwk) };
  }
}
