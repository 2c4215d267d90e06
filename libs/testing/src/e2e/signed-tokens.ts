// Tokens that tests sign themselves, with a key the cluster trusts or with another one: expired ones, of other tenants,
// of other audiences. Ed25519, by the recipe of RFC 7519 and RFC 8037.
import { type KeyObject, createHash, generateKeyPairSync, sign } from 'node:crypto';

export interface Claims {
  readonly [claim: string]: unknown;
  readonly iss?: string;
  readonly sub?: string;
  readonly exp?: number;
}

export class TokenSigner {
  readonly #privateKey: KeyObject;
  readonly #publicJwk: Readonly<Record<string, string>>;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const { crv, kty, x } = publicKey.export({ format: 'jwk' }) as Record<'crv' | 'kty' | 'x', string>;
    // RFC 7638: the thumbprint names the key.
    const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
    this.#privateKey = privateKey;
    this.#publicJwk = { crv, kty, x, kid, alg: 'EdDSA', use: 'sig' };
  }

  /** For PARLEY_AUTH_PRIVATE_KEY_FILE. */
  get privatePem(): string {
    return this.#privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  }

  /** What an issuer publishes. */
  get jwks() {
    return { keys: [this.#publicJwk] };
  }

  token(claims: Claims, header: Readonly<Record<string, unknown>> = {}): string {
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const fullHeader = { alg: 'EdDSA', typ: 'JWT', kid: this.#publicJwk['kid'], ...header };
    const unsigned = `${encode(fullHeader)}.${encode(claims)}`;
    return `${unsigned}.${sign(null, Buffer.from(unsigned), this.#privateKey).toString('base64url')}`;
  }

  /** Like one of the gateway's own. `expiresInSeconds` may be negative. */
  own(user: string, { tenant = 'default', expiresInSeconds = 3_600, ...more }: OwnOptions = {}): string {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const claims = { iss: 'parley', aud: 'parley', sub: user, tenant, exp: nowSeconds + expiresInSeconds };
    return this.token({ ...claims, ...more });
  }
}

export interface OwnOptions extends Claims {
  readonly tenant?: unknown;
  readonly expiresInSeconds?: number;
}
