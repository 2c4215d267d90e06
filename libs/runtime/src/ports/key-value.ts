// The key-value port: named buckets with revisions, compare-and-set, expiry and watching. Leases, owner rows,
// snapshots and checkpoints live here.

export interface KeyValueEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Rises with every write in the bucket; the epoch of a shard is the revision of its owner row. */
  readonly revision: number;
}

export interface KeyValueChange {
  readonly key: string;
  /** undefined: the key was deleted or has expired. */
  readonly entry: KeyValueEntry | undefined;
}

export interface WriteOptions {
  /**
   * The entry disappears this long after the write unless written again. Whole seconds in effect (rounded up), at least
   * 1000. A write without it makes the entry permanent.
   */
  readonly ttlMs?: number;
}

/** The outcome of a compare-and-set. Rejections of the promise mean "cannot tell". */
export type WriteResult =
  { readonly outcome: 'written'; readonly revision: number } | { readonly outcome: 'conflict' };

export interface Watch {
  stop(): void;
}

/** One bucket. Keys: letters, digits and `-_/=.`; values up to the named payload maximum (see SnapshotStore for more). */
export interface KeyValue {
  /** Read from the leader: sees every write that was acknowledged before. */
  get(key: string): Promise<KeyValueEntry | undefined>;
  /** Writes if the key's revision is still `expectedRevision`; 0 means it must not exist. */
  write(
    key: string,
    value: Uint8Array,
    expectedRevision: number,
    options?: WriteOptions,
  ): Promise<WriteResult>;
  /** Deletes whatever is there. */
  delete(key: string): Promise<void>;
  /** Everything there, in no order. May miss the newest writes (any replica answers); `get` and `watch` do not. */
  list(): Promise<readonly KeyValueEntry[]>;
  /**
   * Calls back with everything there now, then with each change, in order per key. Heals itself and compares with a
   * fresh list every few seconds, so that no change is missed for good. Resolves after everything there was told; of
   * several changes of one key in quick succession, or while the store was out of reach, perhaps only the last is told.
   */
  watch(onChange: (change: KeyValueChange) => void): Promise<Watch>;
}

/** Opens buckets by name, creating them when missing. */
export interface KeyValueStore {
  bucket(name: string): Promise<KeyValue>;
}
