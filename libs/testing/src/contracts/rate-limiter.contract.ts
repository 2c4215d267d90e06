// What every RateLimiter does.
import type { RateLimit, RateLimiter } from '@parley/adapters';
import { beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../servers/wait-until.ts';

const limit: RateLimit = { name: 'knocks', max: 3, windowMs: 60_000 };

export function describeRateLimiter(name: string, create: () => Promise<RateLimiter>): void {
  describe(`RateLimiter: ${name}`, () => {
    let limiter: RateLimiter;
    beforeEach(async () => {
      limiter = await create();
    });

    it('allows up to the maximum of a window, then says how long to wait', async () => {
      for (let i = 0; i < 3; i++) {
        expect(await limiter.take(limit, 'alice')).toEqual({ isAllowed: true, retryAfterMs: 0 });
      }
      for (let i = 0; i < 3; i++) {
        const verdict = await limiter.take(limit, 'alice');
        expect(verdict.isAllowed).toBe(false);
        expect(verdict.retryAfterMs).toBeGreaterThan(50_000);
        expect(verdict.retryAfterMs).toBeLessThanOrEqual(60_000);
      }
    });

    it('counts each key and each limit for itself', async () => {
      for (let i = 0; i < 4; i++) await limiter.take(limit, 'alice');
      expect((await limiter.take(limit, 'bob')).isAllowed).toBe(true);
      expect((await limiter.take({ ...limit, name: 'rings' }, 'alice')).isAllowed).toBe(true);
    });

    it('counts what something costs, and does not count what it refuses', async () => {
      expect((await limiter.take(limit, 'alice', 2)).isAllowed).toBe(true);
      expect((await limiter.take(limit, 'alice', 2)).isAllowed).toBe(false);
      expect((await limiter.take(limit, 'alice', 1)).isAllowed).toBe(true);
      expect((await limiter.take(limit, 'alice', 1)).isAllowed).toBe(false);
    });

    it('only looks when the cost is 0', async () => {
      for (let i = 0; i < 9; i++) expect((await limiter.take(limit, 'alice', 0)).isAllowed).toBe(true);
      for (let i = 0; i < 3; i++) await limiter.take(limit, 'alice');
      expect((await limiter.take(limit, 'alice', 0)).isAllowed).toBe(false);
    });

    it('allows again when the window has ended', async () => {
      const short = { ...limit, name: 'short', max: 1, windowMs: 200 };
      expect((await limiter.take(short, 'alice')).isAllowed).toBe(true);
      expect((await limiter.take(short, 'alice')).isAllowed).toBe(false);
      await waitUntil(async () => (await limiter.take(short, 'alice')).isAllowed, {
        what: 'the next window',
      });
      expect((await limiter.take(short, 'alice')).isAllowed).toBe(false);
    });
  });
}
