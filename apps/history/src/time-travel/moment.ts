// The moment an admin asks about: a time, a number of a log or an inbox, both, or neither (as far as the store has come).
import { BadRequest } from '../reading/bad-request.ts';

/** Numbers of the wire, where 0 means not given. Latest time that ClickHouse's DateTime64 can tell: the end of 2299. */
const latestMs = Date.UTC(2299, 11, 31);

/** Milliseconds since 1970; 0: unbounded. Throws BadRequest. */
export function timeOf(atMs: number): number {
  if (!Number.isSafeInteger(atMs) || atMs < 0 || atMs > latestMs)
    throw new BadRequest('BAD_REQUEST', 'the time is milliseconds since 1970');
  return atMs;
}

/** Infinity: unbounded. */
export const boundOf = (number: number): number => (number > 0 ? number : Infinity);

/** `wish` 0: `fallback`; never more than `max`. */
export const pageOf = (wish: number, fallback: number, max: number): number =>
  Math.min(wish > 0 ? wish : fallback, max);

/** Throws BadRequest when the store does not have what is asked about. */
export function mustBeStored(asked: number, through: number): void {
  if (asked > through)
    throw new BadRequest('SEQUENCE_FROM_FUTURE', `the history store has this through ${through}`);
}
