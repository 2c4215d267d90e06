// Time-ordered identifiers in the layout of UUID version 7 (RFC 9562, section 5.7), from a clock and a random source.
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/** A UUIDv7 as 36 lower-case characters: sorts by creation time to the millisecond. */
export function timeOrderedId(clock: Pick<Clock, 'nowMs'>, random: Random): string {
  const hexOf = (bits: number) =>
    Math.floor(random.next() * 2 ** bits)
      .toString(16)
      .padStart(Math.ceil(bits / 4), '0');
  const time = clock.nowMs().toString(16).padStart(12, '0');
  const variant = (8 + Math.floor(random.next() * 4)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hexOf(12)}-${variant}${hexOf(12)}-${hexOf(24)}${hexOf(24)}`;
}
