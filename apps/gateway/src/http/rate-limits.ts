// Rate limits of the HTTP API, and what counts as one address.
import type { RateLimit, RateLimiter } from '@parley/adapters';
import { ApiError } from './api-error.ts';

/** Counts one; RATE_LIMITED when that is one too many. */
export async function mustBeWithin(
  rates: RateLimiter,
  limit: RateLimit,
  key: string,
  cost = 1,
): Promise<void> {
  const verdict = await rates.take(limit, key, cost);
  if (verdict.isAllowed) return;
  throw new ApiError('RATE_LIMITED', `The limit ${limit.name} is reached.`, verdict.retryAfterMs);
}

/** An IPv4 address as it is; of an IPv6 address the /64, because one host commonly owns all of it. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array.from({ length: zeros }, () => '0'), ...back];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
