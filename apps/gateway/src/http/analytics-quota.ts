// How much an analyst may ask: so many questions and so many rows an hour.
import type { RateLimiter } from '@parley/adapters';
import type { Identity } from '../auth/token-verifier.ts';
import type { HttpPorts } from './http-ports.ts';
import { mustBeWithin } from './rate-limits.ts';

type AccessPorts = Pick<HttpPorts, 'rates' | 'settings'>;

/** Counts a question; RATE_LIMITED when the analyst has none left, or has read all the rows there were for this hour. */
export async function takeQuestion({ rates, settings }: AccessPorts, asker: Identity): Promise<void> {
  const { analyticsQuestions, analyticsThousandRows } = settings.limits;
  await mustBeWithin(rates, analyticsThousandRows, keyOf(asker), 0);
  await mustBeWithin(rates, analyticsQuestions, keyOf(asker));
}

/** Counts what an answer took to read. It may go over: what is beyond the hour's rest uses up the rest. */
export async function countRows(
  { rates, settings }: AccessPorts,
  asker: Identity,
  rowsRead: number,
): Promise<void> {
  const limit = settings.limits.analyticsThousandRows;
  let left = Math.min(Math.ceil(rowsRead / 1_000), limit.max);
  // What is refused is not counted, so a cost that does not fit is counted in halves until nothing does.
  for (let cost = left; cost >= 1 && left >= 1; cost = Math.min(left, cost)) {
    const { isAllowed } = await (rates satisfies RateLimiter).take(limit, keyOf(asker), cost);
    if (isAllowed) left -= cost;
    else cost = Math.floor(cost / 2);
  }
}

const keyOf = ({ tenant, user }: Identity): string => `${tenant}/${user}`;
