// A set of minutes as a short list of ranges. It may grow beyond what was added, never lose any of it: for roll-ups a minute
// too many costs a little work, one too few would be wrong.

/** In some unit of time since 1970, minutes unless said otherwise; `to` excluded. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** More ranges than this are joined where they lie closest. */
const rangesMax = 32;

export const minuteOf = (ms: number): number => Math.max(0, Math.floor(ms / 60_000));

export class MinuteRanges {
  /** In rising order, apart from each other. */
  #ranges: TimeRange[] = [];
  readonly #max: number;

  constructor(max = rangesMax) {
    this.#max = max;
  }

  /** As `toNumbers` wrote it. */
  static fromNumbers(numbers: readonly number[], max = rangesMax): MinuteRanges {
    const ranges = new MinuteRanges(max);
    for (let index = 0; index + 1 < numbers.length; index += 2)
      ranges.add({ from: numbers[index]!, to: numbers[index + 1]! });
    return ranges;
  }

  /** from, to, from, to … */
  toNumbers(): readonly number[] {
    return this.#ranges.flatMap(({ from, to }) => [from, to]);
  }

  get all(): readonly TimeRange[] {
    return this.#ranges;
  }

  has(minute: number): boolean {
    return this.#ranges.some(({ from, to }) => from <= minute && minute < to);
  }

  overlaps({ from, to }: TimeRange): boolean {
    return this.#ranges.some((range) => range.from < to && range.to > from);
  }

  add({ from, to }: TimeRange): void {
    if (to <= from) return;
    const apart = this.#ranges.filter((range) => range.to < from || range.from > to);
    const touching = this.#ranges.filter((range) => !apart.includes(range));
    const joined = {
      from: Math.min(from, ...touching.map((range) => range.from)),
      to: Math.max(to, ...touching.map((range) => range.to)),
    };
    this.#ranges = [...apart, joined].sort((one, other) => one.from - other.from);
    while (this.#ranges.length > this.#max) this.#joinClosest();
  }

  addAll(others: MinuteRanges): void {
    for (const range of others.all) this.add(range);
  }

  remove({ from, to }: TimeRange): void {
    this.#ranges = this.#ranges.flatMap((range) =>
      range.to <= from || range.from >= to
        ? [range]
        : [
            { from: range.from, to: from },
            { from: to, to: range.to },
          ].filter((rest) => rest.from < rest.to),
    );
  }

  /** The first of them, `minutesMax` in all, as far as they lie before `before`. */
  first(minutesMax: number, before: number): readonly TimeRange[] {
    const first: TimeRange[] = [];
    let left = minutesMax;
    for (const { from, to } of this.#ranges) {
      if (left === 0 || from >= before) break;
      const end = Math.min(to, from + left, before);
      first.push({ from, to: end });
      left -= end - from;
    }
    return first;
  }

  #joinClosest(): void {
    let closest = 0;
    const gap = (index: number): number => this.#ranges[index + 1]!.from - this.#ranges[index]!.to;
    for (let index = 1; index + 1 < this.#ranges.length; index += 1)
      if (gap(index) < gap(closest)) closest = index;
    const [one, other] = this.#ranges.slice(closest, closest + 2);
    this.#ranges.splice(closest, 2, { from: one!.from, to: other!.to });
  }
}
