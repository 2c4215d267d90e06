// Whether the records of one shard's journal hold together: no gap, no rewritten tail, no epoch that falls, no lane that
// goes back. Otherwise replay would not be what happened.
import type { CommitRecord } from '@parley/runtime';

export interface TrailFlaw {
  readonly kind: 'shard' | 'epoch' | 'gap' | 'lane';
  readonly what: string;
}

export class ShardTrail {
  readonly #shard: string;
  readonly #lanesIn = new Map<string, number>();
  #isBegun = false;
  n = 0;
  sequence = 0;
  epoch = 0;

  constructor(shard: string) {
    this.#shard = shard;
  }

  /** The next record. `counts` is false for what a deposed owner wrote after its successor: replay ignores it. */
  follow(
    sequence: number,
    record: CommitRecord,
  ): { readonly counts: boolean; readonly flaws: readonly TrailFlaw[] } {
    const flaws: TrailFlaw[] = [];
    if (record.shard !== this.#shard) flaws.push({ kind: 'shard', what: `is a record of ${record.shard}` });
    const isFirst = !this.#isBegun;
    this.#isBegun = true;
    if (!isFirst && record.epoch < this.epoch) {
      flaws.push({ kind: 'epoch', what: `epoch ${record.epoch} after ${this.epoch}` });
      this.sequence = sequence;
      return { counts: false, flaws };
    }
    // What was before the first record that is there may have been trimmed.
    if (!isFirst && (record.n !== this.n + 1 || record.previousSequence !== this.sequence))
      flaws.push({ kind: 'gap', what: `number ${record.n} after ${this.n}@${this.sequence}` });
    for (const { shard, number } of record.lanesIn) {
      const last = this.#lanesIn.get(shard) ?? 0;
      if (number < last) flaws.push({ kind: 'lane', what: `lane from ${shard} falls to ${number}` });
      this.#lanesIn.set(shard, number);
    }
    this.n = record.n;
    this.epoch = record.epoch;
    this.sequence = sequence;
    return { counts: true, flaws };
  }
}
