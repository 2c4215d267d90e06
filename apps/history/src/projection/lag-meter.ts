// How far history is behind the journals, measured from both ends; also notices a journal that is not the one this
// history was made of.
import { type Journal, type ShardId, decodeCommit, shardName } from '@parley/runtime';
import type { Log } from '../log.ts';
import type { ShardProgress } from './history-batch.ts';

export class LagMeter {
  readonly #journal: Pick<Journal, 'last'>;
  readonly #shards: readonly ShardId[];
  readonly #log: Log;
  readonly #reported = new Set<string>();

  constructor(journal: Pick<Journal, 'last'>, shards: readonly ShardId[], log: Log) {
    this.#journal = journal;
    this.#shards = shards;
    this.#log = log;
  }

  /** Commits that are not in the store yet, by kind. Rejects when the journals are away. */
  async measure(positions: ReadonlyMap<string, ShardProgress>): Promise<ReadonlyMap<string, number>> {
    const lags = new Map<string, number>();
    for (const shard of this.#shards) {
      const position = positions.get(shardName(shard));
      const last = await this.#journal.last(shard);
      const end = last === undefined ? 0 : decodeCommit(last.bytes).n;
      lags.set(shard.kind, (lags.get(shard.kind) ?? 0) + Math.max(0, end - (position?.n ?? 0)));
      if ((position?.sequence ?? 0) > (last?.sequence ?? 0))
        this.#reportForeign(shard, position?.sequence ?? 0);
    }
    return lags;
  }

  #reportForeign(shard: ShardId, sequence: number): void {
    if (this.#reported.has(shardName(shard))) return;
    this.#reported.add(shardName(shard));
    const fields = { kind: shard.kind, shard: shard.index, sequence };
    this.#log.error(
      fields,
      'history is ahead of its journal: it was made of another one, and cannot go on with this',
    );
  }
}
