// What a token says once it has been checked. The socket half and the HTTP half code against this port alone.
import type { ErrorName } from '@parley/protocol';
import type { Result } from '@parley/std';

/** Somebody who has proved who they are. `user` and `tenant` keep to the id patterns of the wire. */
export interface Identity {
  readonly tenant: string;
  readonly user: string;
}

export interface VerifiedToken extends Identity {
  /** When the token ends, milliseconds since 1970. A connection may not outlive it. */
  readonly expiresAtMs: number;
  /** When it was issued; 0: it does not say, and counts as older than everything. */
  readonly issuedAtMs: number;
  /** The one device it is for; absent: any. */
  readonly device?: string;
}

export interface TokenVerifier {
  /**
   * Errors: UNAUTHENTICATED (missing, malformed, wrong key, wrong issuer, wrong audience), TOKEN_EXPIRED, BAD_ID (an
   * external issuer's subject is no id of ours), UNAVAILABLE (the issuer's keys cannot be fetched now).
   */
  verify(token: string): Promise<Result<VerifiedToken, ErrorName>>;
}
