// Waits until sleeping members' inboxes have what they should have. Looks at some of them only, spread over all groups and
// shards, so that looking does not take the time that is measured.
import { setTimeout as delay } from 'node:timers/promises';
import type { Stand } from './stand.ts';

const everyNth = 16;
const pollMs = 100;
const limitMs = 120_000;

/** Returns the moment (performance.now()) at which they had, or at which the limit was over. */
export async function untilInboxesReach(
  stand: Stand,
  users: readonly string[],
  wanted: readonly number[],
): Promise<number> {
  const sample = users.map((_, at) => at).filter((at) => at % everyNth === 0);
  const endMs = performance.now() + limitMs;
  for (;;) {
    const positions = await stand.orders.inboxPositions(sample.map((at) => users[at]!));
    const isReached = positions.every((position, index) => position >= wanted[sample[index]!]!);
    if (isReached || performance.now() > endMs) return performance.now();
    await delay(pollMs);
  }
}
