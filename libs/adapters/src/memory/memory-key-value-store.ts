// The key-value twin. Watches compare with a fresh list after a lost connection, so no change is missed for good.
import { assert } from '@parley/std';
import type {
  KeyValue,
  KeyValueChange,
  KeyValueEntry,
  KeyValueStore,
  Watch,
  WriteOptions,
  WriteResult,
} from '@parley/runtime';
import type { MemoryBucket } from './memory-bucket.ts';
import type { MemoryNode } from './memory-node.ts';

export class MemoryKeyValueStore implements KeyValueStore {
  readonly #node: MemoryNode;

  constructor(node: MemoryNode) {
    this.#node = node;
  }

  bucket(name: string): Promise<KeyValue> {
    return Promise.resolve(this.open(name));
  }

  /** The same at once: memory has nothing to wait for. */
  open(name: string): KeyValue {
    return new MemoryKeyValue(this.#node, name);
  }
}

class MemoryKeyValue implements KeyValue {
  readonly #node: MemoryNode;
  readonly #name: string;
  readonly #bucket: MemoryBucket;

  constructor(node: MemoryNode, name: string) {
    this.#node = node;
    this.#name = name;
    this.#bucket = node.cluster.bucket(name);
  }

  get(key: string): Promise<KeyValueEntry | undefined> {
    return this.#node.call('kv.get', this.#target(key), () => this.#bucket.get(key));
  }

  async write(
    key: string,
    value: Uint8Array,
    expectedRevision: number,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    assert(
      options.ttlMs === undefined || options.ttlMs >= 1000,
      'KeyValue.write: ttlMs must be at least 1000',
    );
    const copy = value.slice();
    return await this.#node.call('kv.write', this.#target(key), () =>
      this.#bucket.write(key, copy, expectedRevision, options.ttlMs),
    );
  }

  delete(key: string): Promise<void> {
    return this.#node.call('kv.delete', this.#target(key), () => this.#bucket.delete(key));
  }

  list(): Promise<readonly KeyValueEntry[]> {
    return this.#node.call('kv.list', this.#name, () => this.#bucket.list());
  }

  async watch(onChange: (change: KeyValueChange) => void): Promise<Watch> {
    const watch = new MemoryWatch(this.#node, this.#name, this.#bucket, onChange);
    await watch.start();
    return watch;
  }

  #target(key: string): string {
    return `${this.#name}/${key}`;
  }
}

class MemoryWatch implements Watch {
  readonly #node: MemoryNode;
  readonly #name: string;
  readonly #bucket: MemoryBucket;
  readonly #onChange: (change: KeyValueChange) => void;
  readonly #known = new Map<string, number>();
  #stops: (() => void)[] = [];
  #isStopped = false;

  constructor(
    node: MemoryNode,
    name: string,
    bucket: MemoryBucket,
    onChange: (change: KeyValueChange) => void,
  ) {
    this.#node = node;
    this.#name = name;
    this.#bucket = bucket;
    this.#onChange = onChange;
  }

  async start(): Promise<void> {
    await this.#node.call(
      'kv.watch',
      this.#name,
      () => this.#listen(),
      (entries) => this.#compare(entries),
    );
  }

  stop(): void {
    this.#isStopped = true;
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }

  #listen(): readonly KeyValueEntry[] {
    if (!this.#isStopped) {
      this.#stops.push(
        this.#bucket.watch((change) => this.#node.deliver('kv.watch', this.#name, () => this.#take(change))),
        this.#node.onReconnect(() =>
          this.#node.deliver('kv.watch', this.#name, () => this.#compare(this.#bucket.list())),
        ),
      );
    }
    return this.#bucket.list();
  }

  #compare(entries: readonly KeyValueEntry[]): void {
    const present = new Set(entries.map((entry) => entry.key));
    for (const key of [...this.#known.keys()]) {
      if (!present.has(key)) this.#take({ key, entry: undefined });
    }
    for (const entry of entries) {
      if (this.#known.get(entry.key) !== entry.revision) this.#take({ key: entry.key, entry });
    }
  }

  #take(change: KeyValueChange): void {
    if (this.#isStopped) return;
    if (change.entry === undefined) this.#known.delete(change.key);
    else this.#known.set(change.key, change.entry.revision);
    this.#onChange(change);
  }
}
