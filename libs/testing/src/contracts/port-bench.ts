// What the contract suites of the runtime's ports run on: a store that outlives processes, and any number of processes
// with their own handles on it. The twins in memory and the adapters for NATS each give one.
import type {
  CommandLog,
  Journal,
  KeyValueStore,
  Messenger,
  ShardId,
  SnapshotStore,
  TrimGuard,
} from '@parley/runtime';

/** One process. */
export interface PortNode {
  readonly journal: Journal;
  readonly commandLog: CommandLog;
  readonly keyValues: KeyValueStore;
  readonly messenger: Messenger;
  readonly trimGuard: TrimGuard;
  snapshots(bucket: string): SnapshotStore;
}

export interface PortBench {
  /** The same name gives the same process. */
  node(name: string): Promise<PortNode>;
  /** A shard no other test uses. */
  freshShard(): ShardId;
  /** A name no other test uses: for buckets, keys and subjects. */
  freshName(prefix: string): string;
  /** What history does for a shard: everything up to `sequence` is durable. */
  advanceWatermark(shard: ShardId, sequence: number): Promise<void>;
  /** Waits (or lets simulated time pass) until `condition` holds. */
  until(what: string, condition: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Shards the bench provides; each test takes a fresh one. */
export const benchShards = 256;

export class FreshNames {
  #shards = 0;
  #names = 0;

  shard(): ShardId {
    if (this.#shards === benchShards) throw new Error(`the bench has only ${benchShards} shards`);
    return { kind: 'user', index: this.#shards++ };
  }

  name(prefix: string): string {
    return `${prefix}_${this.#names++}`;
  }
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);
