// Which sequences a page has: against a plain list of what may be read.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aroundOf, closedSpans, firstOf, lastOf, readableFrom, withinBytes } from './page-window.ts';

/** Spans as an owner tells them: rising, apart, the last one open when its end is 0. */
const spansOf = fc
  .tuple(fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 }))), fc.boolean())
  .map(([steps, isOpen]) => {
    let end = 0;
    const spans = steps.map(([gap, length]) => {
      const from = end + gap;
      end = from + length;
      return { from, to: end };
    });
    return spans.map((span, index) => (isOpen && index === spans.length - 1 ? { ...span, to: 0 } : span));
  });
const numbers = { head: fc.integer({ min: 0, max: 80 }), place: fc.integer({ min: 1, max: 80 }) };
const limits = fc.integer({ min: 1, max: 20 });

const readable = (spans: readonly { from: number; to: number }[], head: number) =>
  Array.from({ length: head }, (_, index) => index + 1).filter((sequence) =>
    spans.some(({ from, to }) => sequence >= from && (to === 0 || sequence <= to)),
  );

describe('the sequences of a page', () => {
  test('are what a plain list of readable sequences gives', () => {
    fc.assert(
      fc.property(spansOf, numbers.head, numbers.place, limits, (spans, head, place, limit) => {
        const all = readable(spans, head);
        const closed = closedSpans(spans, head);
        const before = all.filter((sequence) => sequence < place);
        const from = all.filter((sequence) => sequence >= place);
        expect(firstOf(closed, place - 1, limit)).toEqual(from.slice(0, limit));
        expect(lastOf(closed, place, limit)).toEqual(before.slice(-limit));
        const half = Math.floor(limit / 2);
        const half1 = half === 0 ? [] : before.slice(-half);
        expect(aroundOf(closed, place, limit)).toEqual([...half1, ...from.slice(0, limit - half)]);
        expect(readableFrom(closed, place)).toBe(from[0] ?? (all.at(-1) ?? 0) + 1);
      }),
    );
  });
});

describe('a page within its bytes', () => {
  const bytesOf = (element: number) => element;
  test('is a run with the start in it that could not take its next element', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100 })),
        fc.nat({ max: 30 }),
        fc.nat({ max: 400 }),
        (sizes, wish, bytesMax) => {
          const start = Math.min(wish, sizes.length);
          const kept = withinBytes(
            sizes.map((size, index) => ({ size, index })),
            { start, bytesMax, bytesOf: ({ size }) => size },
          );
          expect(kept.length > 0).toBe(sizes.length > 0);
          if (kept.length === 0) return;
          const [first, last] = [kept[0]!.index, kept.at(-1)!.index];
          expect(kept.map(({ index }) => index)).toEqual(
            Array.from({ length: kept.length }, (_, i) => first + i),
          );
          expect(first <= start && last >= start - 1).toBe(true);
          const sum = kept.reduce((bytes, { size }) => bytes + size, 0);
          expect(kept.length === 1 || sum <= bytesMax).toBe(true);
          const nextOnes = [sizes[first - 1], sizes[last + 1]].filter((size) => size !== undefined);
          if (kept.length < sizes.length) expect(nextOnes.some((size) => sum + size > bytesMax)).toBe(true);
        },
      ),
    );
  });

  test('grows to both sides alike', () => {
    const sizes = [1, 1, 1, 1, 1, 1, 1];
    expect(withinBytes([10, 20, 30, 40, 50], { start: 2, bytesMax: 90, bytesOf })).toEqual([20, 30, 40]);
    expect(withinBytes(sizes, { start: 0, bytesMax: 3, bytesOf })).toHaveLength(3);
    expect(withinBytes(sizes, { start: 7, bytesMax: 3, bytesOf })).toHaveLength(3);
  });
});
