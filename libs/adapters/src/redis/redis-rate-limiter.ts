// Rate limits shared by all gateways, in windows that Redis counts. Without Redis each gateway counts for itself: then
// the whole of n gateways allows up to n times as much, and nobody is refused for nothing.
import { redisKeys } from '@parley/protocol';
import type { Clock } from '@parley/std';
import { LRUCache } from 'lru-cache';
import { MemoryRateLimiter, rateKeysMax } from '../memory/memory-rate-limiter.ts';
import type { RateLimit, RateLimiter, RateVerdict } from '../ports/rate-limiter.ts';
import type { RedisLink } from './redis-link.ts';
import { RedisScript } from './redis-script.ts';

// Gives 0 when allowed, else the milliseconds until the window ends. What is refused is not counted.
const takeScript = new RedisScript(`
local cost, max, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
if used + math.max(1, cost) > max then
  return math.max(1, redis.call('PTTL', KEYS[1]))
end
if cost > 0 then
  redis.call('INCRBY', KEYS[1], cost)
  if used == 0 then redis.call('PEXPIRE', KEYS[1], window) end
end
return 0
`);

export class RedisRateLimiter implements RateLimiter {
  readonly #link: RedisLink;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #local: MemoryRateLimiter;
  /** Keys that are used up, until when: a flood is refused here and does not reach Redis. */
  readonly #usedUp: LRUCache<string, number>;

  constructor(link: RedisLink, clock: Pick<Clock, 'monotonicMs'>, keysMax = rateKeysMax) {
    this.#link = link;
    this.#clock = clock;
    this.#local = new MemoryRateLimiter(clock, keysMax);
    this.#usedUp = new LRUCache({ max: keysMax });
  }

  async take(limit: RateLimit, key: string, cost = 1): Promise<RateVerdict> {
    const name = redisKeys.rate(`${limit.name}:${key}`);
    const usedUpForMs = (this.#usedUp.get(name) ?? 0) - this.#clock.monotonicMs();
    if (usedUpForMs > 0) return { isAllowed: false, retryAfterMs: Math.ceil(usedUpForMs) };
    const args = [cost, limit.max, limit.windowMs];
    const result = await this.#link.call((redis) => takeScript.run(redis, name, args));
    if (!result.ok) return this.#local.takeNow(limit, key, cost);
    const waitMs = Number(result.value);
    if (waitMs <= 0) return { isAllowed: true, retryAfterMs: 0 };
    // Only when nothing at all is left; a large cost may be refused where a small one would pass.
    if (cost <= 1) this.#usedUp.set(name, this.#clock.monotonicMs() + waitMs);
    return { isAllowed: false, retryAfterMs: waitMs };
  }
}
