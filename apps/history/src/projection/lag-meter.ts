// How far history is behind the journals, measured from both ends; also notices a journal that has become shorter than
// what history has of it.
import { type Journal, type ShardId, decodeCommitExcerpt, shardName } from '@parley/runtime';
import type { Log } from '../log.ts';
import type { ShardProgress } from './history-batch.ts';
import { journalIsShorter } from './history-projection.ts';

export class LagMeter {
  readonly #journal: Pick<Journal, 'last'>;
  readonly #shards: readonly ShardId[];
  readonly #log: Log;
  readonly #reported = new Set<string>();
  /** Ahead at the last measure: a leader that was just deposed may have answered with less than there is. */
  #suspected = new Set<string>();

  constructor(journal: Pick<Journal, 'last'>, shards: readonly ShardId[], log: Log) {
    this.#journal = journal;
    this.#shards = shards;
    this.#log = log;
  }

  /** Commits that are not in the store yet, by kind. Rejects when the journals are away. */
  async measure(positions: ReadonlyMap<string, ShardProgress>): Promise<ReadonlyMap<string, number>> {
    const lags = new Map<string, number>();
    const suspected = new Set<string>();
    for (const shard of this.#shards) {
      const position = positions.get(shardName(shard));
      const last = await this.#journal.last(shard);
      const end = last === undefined ? 0 : decodeCommitExcerpt(last.bytes, noEvents).n;
      lags.set(shard.kind, (lags.get(shard.kind) ?? 0) + Math.max(0, end - (position?.n ?? 0)));
      if (position === undefined || position.sequence <= (last?.sequence ?? 0)) continue;
      suspected.add(shardName(shard));
      if (this.#suspected.has(shardName(shard))) this.#report(shard, position.sequence, last?.sequence ?? 0);
    }
    this.#suspected = suspected;
    return lags;
  }

  #report(shard: ShardId, sequence: number, end: number): void {
    if (this.#reported.has(shardName(shard))) return;
    this.#reported.add(shardName(shard));
    const fields = { kind: shard.kind, shard: shard.index, sequence, reason: `it ends at ${end}` };
    this.#log.error(fields, journalIsShorter);
  }
}

const noEvents: ReadonlySet<string> = new Set();
