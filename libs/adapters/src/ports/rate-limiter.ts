// Counts what somebody does in a window of time. Shared by all gateways where the store is there, local where it is not.

/** A named limit: at most `max` within each window; beyond it the answer is no, until the window ends. */
export interface RateLimit {
  readonly name: string;
  readonly max: number;
  readonly windowMs: number;
}

export interface RateVerdict {
  readonly isAllowed: boolean;
  /** When refused: milliseconds until the window ends. 0 when allowed. */
  readonly retryAfterMs: number;
}

export interface RateLimiter {
  /**
   * Counts `cost` for `key`; 0 only asks whether one more would be allowed. What is refused is not counted. Never
   * fails: without the shared store each process counts for itself.
   */
  take(limit: RateLimit, key: string, cost?: number): Promise<RateVerdict>;
}
