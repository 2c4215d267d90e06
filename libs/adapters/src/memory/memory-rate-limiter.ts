// Rate limits counted in this process: the twin of RedisRateLimiter, and what that one falls back to. Bounded: beyond
// keysMax the least recently used count is forgotten, which can only allow too much, never too little.
import type { Clock } from '@parley/std';
import { LRUCache } from 'lru-cache';
import type { RateLimit, RateLimiter, RateVerdict } from '../ports/rate-limiter.ts';

/** Counts kept at once. */
export const rateKeysMax = 100_000;

interface Window {
  count: number;
  readonly endsAtMs: number;
}

export class MemoryRateLimiter implements RateLimiter {
  readonly #windows: LRUCache<string, Window>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;

  constructor(clock: Pick<Clock, 'monotonicMs'>, keysMax = rateKeysMax) {
    this.#clock = clock;
    this.#windows = new LRUCache({ max: keysMax });
  }

  take(limit: RateLimit, key: string, cost = 1): Promise<RateVerdict> {
    return Promise.resolve(this.takeNow(limit, key, cost));
  }

  /** The same, at once. */
  takeNow(limit: RateLimit, key: string, cost = 1): RateVerdict {
    const nowMs = this.#clock.monotonicMs();
    const name = `${limit.name}:${key}`;
    const found = this.#windows.get(name);
    const window = found && found.endsAtMs > nowMs ? found : { count: 0, endsAtMs: nowMs + limit.windowMs };
    if (window.count + Math.max(1, cost) > limit.max) {
      return { isAllowed: false, retryAfterMs: Math.max(1, Math.ceil(window.endsAtMs - nowMs)) };
    }
    if (cost > 0) {
      window.count += cost;
      this.#windows.set(name, window);
    }
    return { isAllowed: true, retryAfterMs: 0 };
  }
}
