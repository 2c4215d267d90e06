// Through what time history is complete: everything committed before it is in the store.
import { type Clock, systemClock } from '@parley/std';
import { type Journal, type ShardId, shardName } from '@parley/runtime';
import type { ShardProgress } from '../projection/history-batch.ts';
import { journalStart } from '../projection/shard-feed.ts';

export interface CompletenessOptions {
  /** Asked for the end of each shard's journal. */
  readonly journal: Pick<Journal, 'last'>;
  /** Every shard of the cluster, whoever projects it. */
  readonly shards: readonly ShardId[];
  /** What is durable in the store, of all history processes together. */
  readonly positions: () => Promise<ReadonlyMap<string, ShardProgress>>;
  /** Answers are kept this long. Default 250. */
  readonly freshMs?: number;
  readonly clock?: Clock;
}

export class Completeness {
  readonly #options: CompletenessOptions;
  readonly #clock: Clock;
  #current: Promise<number> | undefined;
  #askedAtMs = -Infinity;

  constructor(options: CompletenessOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Milliseconds since 1970. Rejects when the journals or the store are away. */
  throughMs(): Promise<number> {
    const now = this.#clock.monotonicMs();
    if (this.#current === undefined || now - this.#askedAtMs > (this.#options.freshMs ?? 250)) {
      this.#askedAtMs = now;
      const asked = this.#ask();
      this.#current = asked;
      asked.catch(() => {
        if (this.#current === asked) this.#current = undefined;
      });
    }
    return this.#current;
  }

  async #ask(): Promise<number> {
    const { journal, shards, positions } = this.#options;
    const askedMs = this.#clock.nowMs();
    const ends = await Promise.all(shards.map(async (shard) => (await journal.last(shard))?.sequence ?? 0));
    const durable = await positions();
    const times = shards.map((shard, index) => {
      const progress = durable.get(shardName(shard)) ?? { ...journalStart, atMs: 0 };
      return progress.sequence >= (ends[index] ?? 0) ? askedMs : Math.min(askedMs, progress.atMs);
    });
    return Math.min(askedMs, ...times);
  }
}
