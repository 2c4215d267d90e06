// Key-value buckets on JetStream: leader reads, compare-and-set and time to live by raw publishes, watches that heal.
import type {
  KeyValue,
  KeyValueChange,
  KeyValueEntry,
  KeyValueStore,
  Watch,
  WriteOptions,
  WriteResult,
} from '@parley/runtime';
import { assert } from '@parley/std';
import {
  bucketStream,
  deleteMarkerTtlMs,
  deletionHeaders,
  ensureBucket,
  isDeletion,
  keySubject,
} from './bucket-stream.ts';
import { compareAndSet, seconds } from './compare-and-set.ts';
import { listBucket } from './list-bucket.ts';
import type { NatsLink } from './nats-link.ts';
import { NatsWatch } from './nats-watch.ts';

export interface NatsKeyValueStoreOptions {
  /** Copies of each bucket that this process creates: 1, 3 or 5. Default 1. */
  readonly replicas?: number;
  /** How often a watch compares with a fresh list. Default 5,000 ms. */
  readonly relistIntervalMs?: number;
  /** Called when a watch had to open a new consumer or could not list. */
  readonly onTrouble?: (bucket: string, reason: string) => void;
}

const relistIntervalMsDefault = 5_000;

export class NatsKeyValueStore implements KeyValueStore {
  readonly #link: NatsLink;
  readonly #options: NatsKeyValueStoreOptions;
  readonly #buckets = new Map<string, Promise<KeyValue>>();

  constructor(link: NatsLink, options: NatsKeyValueStoreOptions = {}) {
    this.#link = link;
    this.#options = options;
  }

  bucket(name: string): Promise<KeyValue> {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = this.#open(name).catch((cause: unknown) => {
        this.#buckets.delete(name);
        throw cause;
      });
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }

  async #open(name: string): Promise<KeyValue> {
    await ensureBucket(this.#link.control.jsm, name, this.#options.replicas ?? 1);
    return new NatsKeyValue(this.#link, name, this.#options);
  }
}

class NatsKeyValue implements KeyValue {
  readonly #link: NatsLink;
  readonly #name: string;
  readonly #options: NatsKeyValueStoreOptions;

  constructor(link: NatsLink, name: string, options: NatsKeyValueStoreOptions) {
    this.#link = link;
    this.#name = name;
    this.#options = options;
  }

  async get(key: string): Promise<KeyValueEntry | undefined> {
    const stored = await this.#stored(key);
    if (stored === null || isDeletion(stored.header)) return undefined;
    return { key, value: stored.data, revision: stored.seq };
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
    const written = await this.#put(key, value, expectedRevision, options.ttlMs);
    if (written.outcome === 'written' || expectedRevision !== 0) return written;
    // "Must not exist" also holds for a key whose last message is a mark of deletion.
    const stored = await this.#stored(key);
    if (stored === null) return await this.#put(key, value, 0, options.ttlMs);
    if (!isDeletion(stored.header)) return written;
    return await this.#put(key, value, stored.seq, options.ttlMs);
  }

  async delete(key: string): Promise<void> {
    const { control } = this.#link;
    // The time to live is that of the mark.
    await control.whileConnected(() =>
      control.js.publish(keySubject(this.#name, key), undefined, {
        headers: deletionHeaders(),
        ttl: seconds(deleteMarkerTtlMs),
        retries: 1,
      }),
    );
  }

  list(): Promise<readonly KeyValueEntry[]> {
    return listBucket(this.#link.control, this.#name);
  }

  async watch(onChange: (change: KeyValueChange) => void): Promise<Watch> {
    const watch = new NatsWatch({
      channel: this.#link.control,
      bucket: this.#name,
      keyValue: this,
      relistIntervalMs: this.#options.relistIntervalMs ?? relistIntervalMsDefault,
      onChange,
      onTrouble: (reason) => this.#options.onTrouble?.(this.#name, reason),
    });
    await watch.caughtUp;
    return watch;
  }

  /** The key's last message as the leader knows it. */
  #stored(key: string) {
    const { control } = this.#link;
    return control.whileConnected(() =>
      control.jsm.streams.getMessage(bucketStream(this.#name), { last_by_subj: keySubject(this.#name, key) }),
    );
  }

  #put(
    key: string,
    value: Uint8Array,
    expectedRevision: number,
    ttlMs: number | undefined,
  ): Promise<WriteResult> {
    return compareAndSet(this.#link.control, keySubject(this.#name, key), value, expectedRevision, ttlMs);
  }
}
