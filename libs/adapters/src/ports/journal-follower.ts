// Following journals for ever: what projections (history, tail) read from. The Journal port is for owners, who read up
// to an end; a follower waits for more.
import type { JournalRecord, ShardId } from '@parley/runtime';

/** A running reader. It heals itself and never skips or repeats a sequence. */
export interface JournalReader {
  /** Waits for the next records, at most `max`, in order. Resolves to an empty array once stopped. */
  take(max: number): Promise<readonly JournalRecord[]>;
  stop(): void;
}

export interface JournalFollower {
  /** Reads the shard's records with a sequence greater than `afterSequence`. */
  follow(shard: ShardId, afterSequence: number): JournalReader;
}
