// Snapshots in a bucket. Small ones are the value itself; larger ones are chunks under keys of their own and a manifest
// as the value, written last: whoever reads the manifest finds a whole generation, or a newer manifest.
import type { SnapshotStore, StoredSnapshot, WriteResult } from '@parley/runtime';
import { assert } from '@parley/std';
import { nuid } from '@nats-io/nats-core';
import { crc32 } from 'node:zlib';
import { bucketStream, ensureBucket, isDeletion, keySubject } from './bucket-stream.ts';
import { compareAndSet } from './compare-and-set.ts';
import type { NatsLink } from './nats-link.ts';
import { type Manifest, decodeValue, encodeInline, encodeManifest } from './snapshot-value.ts';

export interface NatsSnapshotStoreOptions {
  /** Copies of the bucket if this process creates it: 1, 3 or 5. Default 1. */
  readonly replicas?: number;
  /** Snapshots up to this size are one value, larger ones are cut into chunks of it. Default 512 KiB. */
  readonly chunkBytes?: number;
}

/** Half of NATS' default maximum payload, with room for headers. */
const chunkBytesDefault = 512 * 1024;
/** Chunks written or read at the same time. */
const chunksInFlightMax = 4;
/** A load that meets a replaced generation starts again, this often at most. */
const loadTriesMax = 5;
/** Keys remembered as chunked, so that their generation is removed when a small snapshot replaces it. */
const chunkedKeysMax = 10_000;

/** It does not get better by waiting: the stream must be restored, or another replica become its leader. */
export class DamagedSnapshot extends RangeError {
  override readonly name = 'DamagedSnapshot';
}

export class NatsSnapshotStore implements SnapshotStore {
  readonly #link: NatsLink;
  readonly #bucket: string;
  readonly #chunkBytes: number;
  readonly #replicas: number;
  readonly #chunkedKeys = new Set<string>();
  /** The last key looked up had no snapshot: most likely the next has none either, and is counted before it is asked for. */
  #expectsNone = false;
  #ready: Promise<void> | undefined;

  constructor(link: NatsLink, bucket: string, options: NatsSnapshotStoreOptions = {}) {
    this.#link = link;
    this.#bucket = bucket;
    this.#chunkBytes = options.chunkBytes ?? chunkBytesDefault;
    this.#replicas = options.replicas ?? 1;
    assert(this.#chunkBytes > 0, 'NatsSnapshotStore: chunkBytes must be positive');
  }

  async load(key: string): Promise<StoredSnapshot | undefined> {
    await this.#ensureBucket();
    if (this.#expectsNone && !(await this.#isCounted(key))) return undefined;
    for (let tries = 1; ; tries++) {
      const stored = await this.#stored(key);
      this.#expectsNone = stored === undefined;
      if (stored === undefined) return this.#surelyNone(key);
      const value = decodeValue(stored.bytes);
      if (value instanceof Uint8Array) return { bytes: value, revision: stored.revision };
      this.#rememberChunked(key);
      const bytes = await this.#loadChunks(key, value);
      if (bytes !== undefined) return { bytes, revision: stored.revision };
      // Replaced while we were reading: the manifest is a newer one now, or the snapshot is damaged.
      if (tries === loadTriesMax) throw new Error(`snapshot ${this.#bucket}/${key} is incomplete`);
    }
  }

  /**
   * "Not found" is also what NATS says of a value whose bytes fail its checksum: an entity would begin anew, and its next
   * snapshot would make that final. So only the count decides that there is none.
   */
  async #surelyNone(key: string): Promise<undefined> {
    if (!(await this.#isCounted(key))) return undefined;
    throw new DamagedSnapshot(
      `stream ${bucketStream(this.#bucket)}, subject ${keySubject(this.#bucket, key)}: NATS has a snapshot and cannot read it`,
    );
  }

  /** Whether NATS counts a snapshot under the key, readable or not. */
  async #isCounted(key: string): Promise<boolean> {
    const { bulk } = this.#link;
    const subject = keySubject(this.#bucket, key);
    const info = await bulk.whileConnected(() =>
      bulk.jsm.streams.info(bucketStream(this.#bucket), { subjects_filter: subject }),
    );
    return (info.state.subjects?.[subject] ?? 0) > 0;
  }

  async save(key: string, bytes: Uint8Array, expectedRevision: number): Promise<WriteResult> {
    await this.#ensureBucket();
    const isChunked = bytes.length > this.#chunkBytes;
    if (!isChunked && !this.#chunkedKeys.has(key)) {
      return await this.#writeValue(key, encodeInline(bytes), expectedRevision);
    }
    // Generations that start with a revision up to ours lose their manifest when ours is written: see #removeOthers.
    const generation = `${expectedRevision}-${nuid.next()}`;
    const value = isChunked
      ? encodeManifest(await this.#saveChunks(key, generation, bytes))
      : encodeInline(bytes);
    const result = await this.#writeValue(key, value, expectedRevision);
    if (result.outcome === 'written') {
      await this.#removeOthers(key, generation, expectedRevision);
      if (isChunked) this.#rememberChunked(key);
      else this.#chunkedKeys.delete(key);
    } else if (isChunked) {
      await this.#purge(this.#chunkSubject(key, generation, '*'));
    }
    return result;
  }

  #writeValue(key: string, value: Uint8Array, expectedRevision: number): Promise<WriteResult> {
    return compareAndSet(this.#link.bulk, keySubject(this.#bucket, key), value, expectedRevision);
  }

  async #saveChunks(key: string, generation: string, bytes: Uint8Array): Promise<Manifest> {
    const { bulk } = this.#link;
    const chunkCount = Math.ceil(bytes.length / this.#chunkBytes);
    await forEachIndex(chunkCount, async (index) => {
      const start = index * this.#chunkBytes;
      const chunk = bytes.subarray(start, start + this.#chunkBytes);
      await bulk.whileConnected(() =>
        bulk.js.publish(this.#chunkSubject(key, generation, index), chunk, { retries: 1 }),
      );
    });
    return { generation, chunkCount, sizeBytes: bytes.length, crc: crc32(bytes) };
  }

  /** undefined when the generation is not whole. */
  async #loadChunks(key: string, manifest: Manifest): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(manifest.sizeBytes);
    const chunks = new Array<Uint8Array | undefined>(manifest.chunkCount);
    await forEachIndex(manifest.chunkCount, async (index) => {
      const subject = this.#chunkSubject(key, manifest.generation, index);
      chunks[index] = (await this.#lastOf(subject))?.bytes;
    });
    let end = 0;
    for (const chunk of chunks) {
      if (chunk === undefined || end + chunk.length > bytes.length) return undefined;
      bytes.set(chunk, end);
      end += chunk.length;
    }
    return end === bytes.length && crc32(bytes) === manifest.crc ? bytes : undefined;
  }

  /**
   * Removes the chunks of every generation that can no longer get a manifest: those begun at the revision we replaced
   * or before. One begun at ours (by the next owner) is left alone.
   */
  async #removeOthers(key: string, ownGeneration: string, replacedRevision: number): Promise<void> {
    const info = await this.#link.bulk.jsm.streams.info(bucketStream(this.#bucket), {
      subjects_filter: this.#chunkSubject(key, '*', '*'),
    });
    const generations = new Set(Object.keys(info.state.subjects ?? {}).map(generationOf));
    for (const generation of generations) {
      const startedAt = Number(generation.slice(0, generation.indexOf('-')));
      if (generation !== ownGeneration && startedAt <= replacedRevision) {
        await this.#purge(this.#chunkSubject(key, generation, '*'));
      }
    }
  }

  async #purge(filter: string): Promise<void> {
    await this.#link.bulk.jsm.streams.purge(bucketStream(this.#bucket), { filter });
  }

  /** The manifest or small value under a key, as the leader knows it. */
  async #stored(key: string) {
    return await this.#lastOf(keySubject(this.#bucket, key));
  }

  async #lastOf(subject: string): Promise<StoredSnapshot | undefined> {
    const { bulk } = this.#link;
    const stored = await bulk.whileConnected(() =>
      bulk.jsm.streams.getMessage(bucketStream(this.#bucket), { last_by_subj: subject }),
    );
    if (stored === null || isDeletion(stored.header)) return undefined;
    return { bytes: stored.data, revision: stored.seq };
  }

  /** `~` is no character of keys, so chunks and keys cannot meet. Generation first: keys may have dots. */
  #chunkSubject(key: string, generation: string, index: number | '*'): string {
    return `$KV.${this.#bucket}.~.${generation}.${key}.${index}`;
  }

  #rememberChunked(key: string): void {
    if (this.#chunkedKeys.size >= chunkedKeysMax) {
      // The forgotten key's chunks stay until its next large snapshot.
      const [oldest] = this.#chunkedKeys;
      if (oldest !== undefined) this.#chunkedKeys.delete(oldest);
    }
    this.#chunkedKeys.add(key);
  }

  #ensureBucket(): Promise<void> {
    this.#ready ??= ensureBucket(this.#link.bulk.jsm, this.#bucket, this.#replicas).catch(
      (cause: unknown) => {
        this.#ready = undefined;
        throw cause;
      },
    );
    return this.#ready;
  }
}

const generationOf = (chunkSubject: string): string => chunkSubject.split('.')[3] ?? '';

/** Runs `task` for 0 … count - 1, a few at a time. */
async function forEachIndex(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) await task(index);
  };
  await Promise.all(Array.from({ length: Math.min(chunksInFlightMax, count) }, worker));
}
