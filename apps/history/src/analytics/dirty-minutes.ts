// Which minutes have messages that their roll-ups do not count yet. Kept by shard, because each shard's watermark row
// carries its part: what a crash forgets is in the newest rows, and what came after them is read from the journal again.
import { MinuteRanges, type TimeRange } from './minute-ranges.ts';

export class DirtyMinutes {
  readonly #shards = new Map<string, MinuteRanges>();
  /** Being counted now; until that has succeeded, watermarks go on to name it. */
  #counting: readonly { readonly range: TimeRange; readonly shards: readonly string[] }[] = [];

  /** What the store says of a shard. */
  restore(shard: string, numbers: readonly number[]): void {
    this.#of(shard).addAll(MinuteRanges.fromNumbers(numbers));
  }

  /** Call when the rows are durable, not before: a count that began earlier may have missed them. */
  add(shard: string, minutes: Iterable<number>): void {
    const ranges = this.#of(shard);
    for (const minute of minutes) ranges.add({ from: minute, to: minute + 1 });
  }

  /** All of a shard and these: what a watermark row has to say. */
  with(shard: string, minutes: Iterable<number>): readonly number[] {
    const ranges = new MinuteRanges();
    ranges.addAll(this.#of(shard));
    for (const { range, shards } of this.#counting) if (shards.includes(shard)) ranges.add(range);
    for (const minute of minutes) ranges.add({ from: minute, to: minute + 1 });
    return ranges.toNumbers();
  }

  /** The oldest one, also while it is being counted. */
  get first(): number | undefined {
    const firsts = [
      ...[...this.#shards.values()].flatMap((ranges) => ranges.all.slice(0, 1)),
      ...this.#counting.map(({ range }) => range),
    ].map(({ from }) => from);
    return firsts.length === 0 ? undefined : Math.min(...firsts);
  }

  /** The oldest ones before the minute `before`, at most so many, to be counted. One call at a time. */
  begin(minutesMax: number, before: number): readonly TimeRange[] {
    const all = new MinuteRanges();
    for (const ranges of this.#shards.values()) all.addAll(ranges);
    this.#counting = all.first(minutesMax, before).map((range) => ({
      range,
      shards: [...this.#shards].flatMap(([shard, ranges]) => (ranges.overlaps(range) ? [shard] : [])),
    }));
    for (const { range, shards } of this.#counting) for (const shard of shards) this.#of(shard).remove(range);
    return this.#counting.map(({ range }) => range);
  }

  /** What was begun has been counted, or is dirty as before. */
  end(isCounted: boolean): void {
    const counting = this.#counting;
    this.#counting = [];
    if (isCounted) return;
    for (const { range, shards } of counting) for (const shard of shards) this.#of(shard).add(range);
  }

  #of(shard: string): MinuteRanges {
    const ranges = this.#shards.get(shard) ?? new MinuteRanges();
    this.#shards.set(shard, ranges);
    return ranges;
  }
}
