// What a verification reads: journals, snapshots, live actors, history. Read only. NATS behind it: nats-sources.ts.
import type { Journal, RequestResult, ShardId, StoredSnapshot } from '@parley/runtime';

export interface Sources {
  readonly shardCounts: Readonly<Record<string, number>>;
  readonly journal: Pick<Journal, 'last' | 'read'>;
  /** The journal's oldest record of the shard now: 0 when it has none. */
  firstSequence(shard: ShardId): Promise<number>;
  /** Keys of all snapshots of a kind of shards. */
  snapshotKeys(kind: string): Promise<readonly string[]>;
  snapshot(kind: string, key: string): Promise<StoredSnapshot | undefined>;
  /** Up to which journal sequence history says it has the shard; 0 when it has not said. */
  watermark(shard: ShardId): Promise<number>;
  /** A question to the shard's owner: an encoded internal.Query. */
  ask(shard: ShardId, query: Uint8Array): Promise<RequestResult>;
  /** An encoded internal.HistoryPageRequest. */
  historyPage(request: Uint8Array): Promise<RequestResult>;
}

/** The cluster cannot be reached or is none: one line for the operator. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** A bug of this program, as opposed to a cluster that does not answer. */
export const isOurMistake = (error: unknown): boolean =>
  !(error instanceof Error) ||
  error instanceof TypeError ||
  error instanceof ReferenceError ||
  error.name === 'AssertionError';
