// The trim guard port: how far every durable reader of the journal (history) has come.
import type { ShardId } from './shard-id.ts';

/** The answer where nobody reads the journal but its owner. */
export const nobodyReads = Number.MAX_SAFE_INTEGER;

export interface TrimGuard {
  /** Records up to and including this sequence are durable elsewhere; 0 while nothing is known. Never goes back. */
  safeSequence(shard: ShardId): Promise<number>;
}
