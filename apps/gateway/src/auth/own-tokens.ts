// Checks the tokens this cluster has issued: Ed25519 over `header.payload`, and the claims by the rules of RFC 7519. Done
// in place by node:crypto, because the thread pool of WebCrypto costs twice the time of the check itself.
import { type JsonWebKey, type KeyObject, createPublicKey, verify } from 'node:crypto';
import type { ErrorName } from '@parley/protocol';
import { type Result, err, ok } from '@parley/std';
import type { JWTPayload } from 'jose';
import type { SigningKeys } from './signing-keys.ts';
import type { OwnTokens } from './token-issuer.ts';

type Claims = Record<string, unknown>;

export class OwnTokenCheck {
  readonly #names: OwnTokens;
  readonly #keys: readonly { readonly kid: string; readonly key: KeyObject }[];

  constructor(keys: SigningKeys, names: OwnTokens) {
    this.#names = names;
    this.#keys = keys.map(({ kid, publicJwk }) => ({
      kid,
      key: createPublicKey({ key: publicJwk as JsonWebKey, format: 'jwk' }),
    }));
  }

  /** undefined: the token does not say that it is ours. Times in seconds. Errors: UNAUTHENTICATED, TOKEN_EXPIRED. */
  claimsOf(
    token: string,
    { nowSeconds, skewSeconds }: { nowSeconds: number; skewSeconds: number },
  ): Result<JWTPayload, ErrorName> | undefined {
    const parts = shape.exec(token);
    const claims = parts === null ? undefined : jsonOf(parts[2]!);
    if (parts === null || claims?.['iss'] !== this.#names.issuer) return undefined;
    const header = jsonOf(parts[1]!);
    const key = header === undefined ? undefined : this.#keyFor(header);
    if (key === undefined) return err('UNAUTHENTICATED');
    const signed = Buffer.from(token.slice(0, token.lastIndexOf('.')), 'latin1');
    if (!verify(null, signed, key, Buffer.from(parts[3]!, 'base64url'))) return err('UNAUTHENTICATED');
    const { aud, exp, nbf = 0, iat = 0 } = claims;
    const isForUs = Array.isArray(aud) ? aud.includes(this.#names.audience) : aud === this.#names.audience;
    if (!isForUs || typeof exp !== 'number' || typeof nbf !== 'number' || typeof iat !== 'number')
      return err('UNAUTHENTICATED');
    if (nbf > nowSeconds + skewSeconds) return err('UNAUTHENTICATED');
    return exp <= nowSeconds - skewSeconds ? err('TOKEN_EXPIRED') : ok(claims as JWTPayload);
  }

  /** By its id, which may be missing while there is only one. Extensions that have to be understood are not. */
  #keyFor({ alg, kid, crit }: Claims): KeyObject | undefined {
    if (alg !== 'EdDSA' || crit !== undefined) return undefined;
    if (kid !== undefined) return this.#keys.find((each) => each.kid === kid)?.key;
    return this.#keys.length === 1 ? this.#keys[0]!.key : undefined;
  }
}

const shape = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

function jsonOf(base64url: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64url, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Claims)
      : undefined;
  } catch {
    return undefined;
  }
}
