// The snapshot twin: values of any size under compare-and-set.
import type { SnapshotStore, StoredSnapshot, WriteResult } from '@parley/runtime';
import type { MemoryBucket } from './memory-bucket.ts';
import type { MemoryNode } from './memory-node.ts';

export class MemorySnapshotStore implements SnapshotStore {
  readonly #node: MemoryNode;
  readonly #name: string;
  readonly #bucket: MemoryBucket;

  constructor(node: MemoryNode, bucket: string) {
    this.#node = node;
    this.#name = bucket;
    this.#bucket = node.cluster.bucket(bucket);
  }

  load(key: string): Promise<StoredSnapshot | undefined> {
    return this.#node.call('snapshot.load', `${this.#name}/${key}`, () => {
      const entry = this.#bucket.get(key);
      return entry === undefined ? undefined : { bytes: entry.value, revision: entry.revision };
    });
  }

  save(key: string, bytes: Uint8Array, expectedRevision: number): Promise<WriteResult> {
    const copy = bytes.slice();
    return this.#node.call('snapshot.save', `${this.#name}/${key}`, () =>
      this.#bucket.write(key, copy, expectedRevision, undefined),
    );
  }
}
