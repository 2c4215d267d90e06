// The journal port: for each shard an append-only sequence of commits, fenced by the sequence of the last one.
import type { ShardId } from './shard-id.ts';

/**
 * Sequences are those of the stream that holds the shard's subject: they rise, but are not dense per shard.
 * 0 stands for "nothing yet".
 */
export interface JournalRecord {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** The log has a last record for the shard, but its bytes do not match the log's own checksum. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord';
}

export type AppendResult =
  /** Stored under `sequence`. */
  | { readonly outcome: 'committed'; readonly sequence: number }
  /** Somebody wrote after `expectedLast`; not stored now, but an earlier try of the same append may have been. */
  | { readonly outcome: 'conflict' }
  /** Another append of this shard is in flight inside the log (replicated logs only): wait and try again. */
  | { readonly outcome: 'busy' }
  /** No answer, or no leader: it may or may not have been stored. */
  | { readonly outcome: 'unknown'; readonly cause: Error };

export interface Journal {
  /**
   * Appends one commit if the shard's last record is still the one at `expectedLast`.
   * `commitId` is the same for every try of one commit. One append of a shard at a time. Never rejects for reasons of
   * the log; after 'unknown' the commit may still land later, until a newer record of the shard fences it off.
   */
  append(shard: ShardId, expectedLast: number, commitId: string, bytes: Uint8Array): Promise<AppendResult>;
  /**
   * The shard's last record as the log's leader knows it; undefined when it has none. Rejects when unreachable, and with
   * UnreadableRecord when the log knows that there is one and cannot give it.
   */
  last(shard: ShardId): Promise<JournalRecord | undefined>;
  /**
   * Reads the shard's records from `fromSequence` (inclusive) up to the record that was last when called, in order.
   * Rejects when the log goes silent for longer than the adapter's named timeout; the caller starts again.
   */
  read(shard: ShardId, fromSequence: number): AsyncIterable<JournalRecord>;
  /** One record, wherever a copy of it can be read; undefined when there is none. Rejects when unreachable. */
  at(shard: ShardId, sequence: number): Promise<JournalRecord | undefined>;
  /** Where a person finds the shard's records: names of the log's own, for alarms. */
  place(shard: ShardId): string;
  /** Forgets records up to and including `upToSequence`, but never the shard's last one. */
  trim(shard: ShardId, upToSequence: number): Promise<void>;
}
