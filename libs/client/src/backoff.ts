// Full jitter: a random wait between 0 and a doubling, capped bound, so that many clients never come back at once.
import type { Random } from '@parley/std';

export function fullJitterMs(
  attempt: number,
  bounds: { baseMs: number; maxMs: number },
  random: Random,
): number {
  return random.next() * Math.min(bounds.maxMs, bounds.baseMs * 2 ** Math.min(attempt, 20));
}
