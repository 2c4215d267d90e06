// Ranges of minutes against a plain set: nothing that was added is ever missing, and they stay few.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MinuteRanges, minuteOf } from './minute-ranges.ts';

const range = fc
  .record({ from: fc.nat(200), length: fc.nat(20) })
  .map(({ from, length }) => ({ from, to: from + length }));
const change = fc.record({ range, isRemoved: fc.boolean() });
const minutes = Array.from({ length: 240 }, (_, minute) => minute);

describe('minute ranges', () => {
  it('are a set while they are few enough, and survive being written down', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const ranges = new MinuteRanges(1_000);
        const truth = new Set<number>();
        for (const { range: one, isRemoved } of changes) {
          if (isRemoved) ranges.remove(one);
          else ranges.add(one);
          for (let minute = one.from; minute < one.to; minute += 1)
            if (isRemoved) truth.delete(minute);
            else truth.add(minute);
        }
        const read = MinuteRanges.fromNumbers(ranges.toNumbers(), 1_000);
        expect(minutes.filter((minute) => read.has(minute))).toEqual(
          minutes.filter((minute) => truth.has(minute)),
        );
      }),
    );
  });

  it('hold at least what was added when they are joined to stay few', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 60 }), (added) => {
        const ranges = new MinuteRanges(4);
        for (const one of added) ranges.add(one);
        expect(ranges.all.length).toBeLessThanOrEqual(4);
        for (const { from, to } of added)
          for (let minute = from; minute < to; minute += 1) expect(ranges.has(minute)).toBe(true);
      }),
    );
  });

  it('join where they lie closest', () => {
    const ranges = new MinuteRanges(2);
    for (const from of [0, 100, 104]) ranges.add({ from, to: from + 1 });
    expect(ranges.toNumbers()).toEqual([0, 1, 100, 105]);
  });

  it('are taken from the front, in pieces, and never beyond a minute that is still open', () => {
    const ranges = MinuteRanges.fromNumbers([10, 20, 30, 31]);
    expect(ranges.first(4, 100)).toEqual([{ from: 10, to: 14 }]);
    expect(ranges.first(11, 100)).toEqual(ranges.all);
    expect(ranges.first(100, 15)).toEqual([{ from: 10, to: 15 }]);
    expect(ranges.first(100, 10)).toEqual([]);
  });

  it('count minutes from 1970 on', () => {
    expect([minuteOf(-1), minuteOf(59_999), minuteOf(60_000)]).toEqual([0, 0, 1]);
  });
});
