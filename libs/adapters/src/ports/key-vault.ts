// Where keys lie that must be destroyable: a store of small values in which nothing of an earlier value stays behind.
import type { WriteResult } from '@parley/runtime';

export interface VaultEntry {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** Names: like those of a KeyValue. Rejections mean "cannot tell". */
export interface KeyVault {
  /** Sees every write that was acknowledged before. */
  get(name: string): Promise<VaultEntry | undefined>;
  /** Writes if the revision is still `expectedRevision`; 0: it must not exist. Earlier values stay until `eraseOlder`. */
  write(name: string, value: Uint8Array, expectedRevision: number): Promise<WriteResult>;
  /** Overwrites every earlier value where it lies, on all replicas. Resolves with how many there were. */
  eraseOlder(name: string): Promise<number>;
  /** How many values before the newest are still there. */
  olderValues(name: string): Promise<number>;
  /** All names below `prefix`, which ends before a dot. Sees every write that was acknowledged before. */
  names(prefix: string): Promise<readonly string[]>;
}
