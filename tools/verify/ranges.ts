// Sets of whole numbers as ranges: sequences that are there, or missing. Dense runs cost one range.

/** First and last, both included. */
export type Range = readonly [from: number, to: number];

export class Ranges {
  readonly #ranges: [number, number][] = [];

  /** Rising, apart from each other. */
  get all(): readonly Range[] {
    return this.#ranges;
  }

  get first(): number | undefined {
    return this.#ranges[0]?.[0];
  }

  get last(): number {
    return this.#ranges.at(-1)?.[1] ?? 0;
  }

  get size(): number {
    return this.#ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  }

  has(value: number): boolean {
    const found = this.#ranges[this.#lastStartingUpTo(value)];
    return found !== undefined && value <= found[1];
  }

  /** Cheap at the end, where nearly everything is added. */
  add(from: number, to: number = from): void {
    const last = this.#ranges.at(-1);
    if (last === undefined || from > last[1] + 1) this.#ranges.push([from, to]);
    else if (from >= last[0]) last[1] = Math.max(last[1], to);
    else this.#insert(from, to);
  }

  /** What of `from` … `to` is not here. */
  missing(from: number, to: number): Range[] {
    const gaps: Range[] = [];
    let next = from;
    for (let index = Math.max(0, this.#lastStartingUpTo(from)); index < this.#ranges.length; index++) {
      const [start, end] = this.#ranges[index]!;
      if (start > to) break;
      if (start > next) gaps.push([next, start - 1]);
      next = Math.max(next, end + 1);
    }
    if (next <= to) gaps.push([next, to]);
    return gaps;
  }

  /** `3, 5-9` */
  toString(): string {
    return this.#ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
  }

  #insert(from: number, to: number): void {
    const all = [...this.#ranges, [from, to] as [number, number]].sort((one, other) => one[0] - other[0]);
    this.#ranges.length = 0;
    for (const [start, end] of all) {
      const last = this.#ranges.at(-1);
      if (last === undefined || start > last[1] + 1) this.#ranges.push([start, end]);
      else last[1] = Math.max(last[1], end);
    }
  }

  /** -1 when all start later. */
  #lastStartingUpTo(value: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]![0] <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
