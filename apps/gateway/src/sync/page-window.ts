// Which sequences make up a page: spans of membership cut to what was asked for. Pure arithmetic on sequences.
import type { parley } from '@parley/protocol';

/** A closed span of sequences the asker may read: both ends included, never empty. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export type Direction = 'forward' | 'backward' | 'newest' | 'around';

/** The asker's spans up to the head, in rising order. */
export const closedSpans = (
  spans: readonly parley.internal.v1.Span.$Properties[],
  head: number,
): readonly Span[] =>
  spans
    .map(({ from, to }) => ({ from: Math.max(1, from ?? 1), to: Math.min(to || head, head) }))
    .filter(({ from, to }) => from <= to);

/** The first `limit` readable sequences after `after`. */
export function firstOf(spans: readonly Span[], after: number, limit: number): number[] {
  const sequences: number[] = [];
  for (const { from, to } of spans) {
    for (let at = Math.max(from, after + 1); at <= to && sequences.length < limit; at++) sequences.push(at);
  }
  return sequences;
}

/** The last `limit` readable sequences before `before`, rising. */
export function lastOf(spans: readonly Span[], before: number, limit: number): number[] {
  const sequences: number[] = [];
  for (const { from, to } of [...spans].reverse()) {
    for (let at = Math.min(to, before - 1); at >= from && sequences.length < limit; at--) sequences.push(at);
  }
  return sequences.reverse();
}

/** Half of `limit` before the place, the rest from it on. */
export function aroundOf(spans: readonly Span[], place: number, limit: number): number[] {
  const beforeMax = Math.floor(limit / 2);
  return [...lastOf(spans, place, beforeMax), ...firstOf(spans, place - 1, limit - beforeMax)];
}

/** The first readable sequence at or after `place`; beyond the last span when there is none. */
export const readableFrom = (spans: readonly Span[], place: number): number =>
  firstOf(spans, place - 1, 1)[0] ?? (spans.at(-1)?.to ?? 0) + 1;

/**
 * As many elements as fit, but at least one: a run that grows from `start` (its index) to both sides in turn, or to one
 * where the other has ended.
 */
export function withinBytes<T>(
  elements: readonly T[],
  { start, bytesMax, bytesOf }: { start: number; bytesMax: number; bytesOf: (element: T) => number },
): T[] {
  let [from, to] = [start, start];
  let bytes = 0;
  for (let turn = 0; from > 0 || to < elements.length; turn++) {
    const isAfter = to < elements.length && (from === 0 || turn % 2 === 0);
    bytes += bytesOf(elements[isAfter ? to : from - 1]!);
    if (to > from && bytes > bytesMax) break;
    if (isAfter) to++;
    else from--;
  }
  return elements.slice(from, to);
}
