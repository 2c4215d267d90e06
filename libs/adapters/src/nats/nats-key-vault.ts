// The key vault on JetStream. A bucket forgets an overwritten value, but its bytes stay in the file until the block is written
// anew; so this one keeps every value until it is deleted with the server's own erasing delete, which overwrites the bytes with
// random ones at once, on all replicas.
import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { WriteResult } from '@parley/runtime';
import type { KeyVault, VaultEntry } from '../ports/key-vault.ts';
import { bucketStream, keySubject, subjectKey } from './bucket-stream.ts';
import { compareAndSet } from './compare-and-set.ts';
import { ensureStream } from './ensure-stream.ts';
import type { NatsLink } from './nats-link.ts';

export interface NatsKeyVaultOptions {
  /** Copies, when this process creates it: 1, 3 or 5. Default 1. */
  readonly replicas?: number;
}

export class NatsKeyVault implements KeyVault {
  readonly #link: NatsLink;
  readonly #bucket: string;
  readonly #stream: string;

  private constructor(link: NatsLink, bucket: string) {
    this.#link = link;
    this.#bucket = bucket;
    this.#stream = bucketStream(bucket);
  }

  /** Creates the bucket when it is missing. */
  static async open(link: NatsLink, bucket: string, { replicas = 1 }: NatsKeyVaultOptions = {}) {
    await ensureStream(link.control.jsm, {
      name: bucketStream(bucket),
      subjects: [`$KV.${bucket}.>`],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      num_replicas: replicas,
      max_msgs_per_subject: -1,
      max_msgs: -1,
      max_age: 0,
      deny_delete: false,
      // Any replica could answer then, also one that is behind.
      allow_direct: false,
    });
    return new NatsKeyVault(link, bucket);
  }

  /** The bucket as it is; undefined when nobody has created one. Changes nothing. */
  static async find(link: NatsLink, bucket: string): Promise<NatsKeyVault | undefined> {
    const names = await link.control.jsm.streams.names(`$KV.${bucket}.>`).next();
    return names.includes(bucketStream(bucket)) ? new NatsKeyVault(link, bucket) : undefined;
  }

  async get(name: string): Promise<VaultEntry | undefined> {
    const { control } = this.#link;
    const query = { last_by_subj: keySubject(this.#bucket, name) };
    const stored = await control.whileConnected(() => control.jsm.streams.getMessage(this.#stream, query));
    return stored === null ? undefined : { value: stored.data, revision: stored.seq };
  }

  write(name: string, value: Uint8Array, expectedRevision: number): Promise<WriteResult> {
    return compareAndSet(this.#link.control, keySubject(this.#bucket, name), value, expectedRevision);
  }

  async eraseOlder(name: string): Promise<number> {
    const { control } = this.#link;
    const older = await this.#older(name);
    for (const sequence of older)
      await control.whileConnected(() => control.jsm.streams.deleteMessage(this.#stream, sequence, true));
    return older.length;
  }

  async olderValues(name: string): Promise<number> {
    return (await this.#older(name)).length;
  }

  async names(prefix: string): Promise<readonly string[]> {
    const { control } = this.#link;
    const filter = { subjects_filter: `${keySubject(this.#bucket, prefix)}.>` };
    const { state } = await control.whileConnected(() => control.jsm.streams.info(this.#stream, filter));
    return Object.keys(state.subjects ?? {}).map((subject) => subjectKey(this.#bucket, subject));
  }

  /** Their sequences, rising. */
  async #older(name: string): Promise<number[]> {
    const { control } = this.#link;
    const newest = await this.get(name);
    const older: number[] = [];
    for (let sequence = 1; newest !== undefined;) {
      const query = { seq: sequence, next_by_subj: keySubject(this.#bucket, name) };
      const stored = await control.whileConnected(() => control.jsm.streams.getMessage(this.#stream, query));
      if (stored === null || stored.seq >= newest.revision) break;
      older.push(stored.seq);
      sequence = stored.seq + 1;
    }
    return older;
  }
}
