// The named limits of authentication. Every one has a unit, a default, and says what happens at it.

export interface AuthLimits {
  /** A longer token is UNAUTHENTICATED without being looked at. */
  readonly tokenBytesMax: number;
  /** Life of a token issued here, milliseconds. Then TOKEN_EXPIRED. */
  readonly tokenLifeMs: number;
  /** How far the clocks of issuer and gateway may differ, milliseconds. */
  readonly clockSkewMs: number;
  /** Verified tokens remembered; the least recently used is forgotten, and verified again when it comes back. */
  readonly verifiedTokensMax: number;
  /** A verified token is verified again after this, milliseconds: a withdrawn key stops working within it. */
  readonly verifiedTokenTtlMs: number;
  /** Keys of external issuers are fetched again after this, milliseconds. */
  readonly issuerKeysTtlMs: number;
  /** An unknown key id leads to at most one new fetch in this time, milliseconds. */
  readonly issuerKeysPauseMs: number;
  /** Fetching an issuer's keys, milliseconds. Then UNAVAILABLE. */
  readonly issuerKeysTimeoutMs: number;
  /** Password hashes computed at once; each takes one thread of the pool and argon2MemoryKib. */
  readonly hashesAtOnceMax: number;
  /** Password hashes waiting; beyond it BUSY. */
  readonly hashesWaitingMax: number;
  /** Users remembered as registered; the least recently used is asked for again. */
  readonly registeredUsersMax: number;
}

export const authLimits: AuthLimits = {
  tokenBytesMax: 8_192,
  tokenLifeMs: 7 * 24 * 60 * 60 * 1000,
  clockSkewMs: 30_000,
  verifiedTokensMax: 50_000,
  verifiedTokenTtlMs: 5 * 60_000,
  issuerKeysTtlMs: 10 * 60_000,
  issuerKeysPauseMs: 30_000,
  issuerKeysTimeoutMs: 5_000,
  hashesAtOnceMax: 2,
  hashesWaitingMax: 256,
  registeredUsersMax: 50_000,
};

/**
 * argon2id parameters of new hashes: OWASP's first choice of 19 MiB and two passes, about 65 ms here. Old hashes carry
 * their own parameters and stay valid.
 */
export const argon2Parameters = {
  argon2MemoryKib: 19_456,
  argon2Passes: 2,
  argon2Lanes: 1,
} as const;
