// The snapshot port: values of any size under a key, replaced by compare-and-set. Large ones are chunked by the
// adapter, manifest last, so that a reader sees the old one or the new one, whole.
import type { WriteResult } from './key-value.ts';

export interface StoredSnapshot {
  readonly bytes: Uint8Array;
  readonly revision: number;
}

export interface SnapshotStore {
  load(key: string): Promise<StoredSnapshot | undefined>;
  /** Replaces the snapshot if its revision is still `expectedRevision` (0: none yet). */
  save(key: string, bytes: Uint8Array, expectedRevision: number): Promise<WriteResult>;
}
