// The journal on JetStream: a few streams per kind, one subject per shard, fenced by the subject's last sequence.
// Not a retry protocol: the owner resolves conflicts and unknown outcomes by reading the last record.
import type { StoredMsg } from '@nats-io/jetstream';
import { streams, subjects } from '@parley/protocol';
import {
  type AppendResult,
  type Journal,
  type JournalRecord,
  type ShardId,
  UnreadableRecord,
} from '@parley/runtime';
import { assert } from '@parley/std';
import { asError, natsApiCode, natsApiCodes } from './nats-errors.ts';
import type { NatsLink } from './nats-link.ts';
import { RecordReader } from './record-reader.ts';

export interface NatsJournalOptions {
  /** Journal streams per kind, fixed when the cluster was created (see provisionNats). */
  readonly parts: number;
  /** How long an append waits for its PubAck, then answers 'unknown'. Default 2,000 ms. */
  readonly appendTimeoutMs?: number;
  /** How long a read waits for the next record, then rejects. Default 10,000 ms. */
  readonly readSilenceMsMax?: number;
  /** Called when a read had to open a new consumer. */
  readonly onReaderRestart?: (shard: ShardId, reason: string) => void;
}

const appendTimeoutMsDefault = 2_000;
const readSilenceMsMaxDefault = 10_000;
const takeRecordsMax = 256;
/** Direct gets for a record that the leader does not have: enough to meet each of three replicas almost surely. */
const replicaTriesMax = 12;

export class NatsJournal implements Journal {
  readonly #link: NatsLink;
  readonly #options: NatsJournalOptions;
  readonly #appendTimeoutMs: number;
  readonly #readSilenceMsMax: number;

  constructor(link: NatsLink, options: NatsJournalOptions) {
    assert(options.parts > 0, 'NatsJournal: parts must be positive');
    this.#link = link;
    this.#options = options;
    this.#appendTimeoutMs = options.appendTimeoutMs ?? appendTimeoutMsDefault;
    this.#readSilenceMsMax = options.readSilenceMsMax ?? readSilenceMsMaxDefault;
  }

  async append(
    shard: ShardId,
    expectedLast: number,
    commitId: string,
    bytes: Uint8Array,
  ): Promise<AppendResult> {
    try {
      const sequence = await this.#link.control.publish(this.#subject(shard), bytes, {
        stream: this.#stream(shard),
        messageId: commitId,
        lastSubjectSequence: expectedLast,
        timeoutMs: this.#appendTimeoutMs,
      });
      return { outcome: 'committed', sequence };
    } catch (cause) {
      const code = natsApiCode(cause);
      if (code === natsApiCodes.wrongLastSequence) return { outcome: 'conflict' };
      if (code === natsApiCodes.writeInFlight) return { outcome: 'busy' };
      return { outcome: 'unknown', cause: asError(cause) };
    }
  }

  async last(shard: ShardId): Promise<JournalRecord | undefined> {
    // Not a direct get: that one is answered by any replica, and need not see the newest record.
    const { control } = this.#link;
    const found = await control.whileConnected(() =>
      control.jsm.streams.getMessage(this.#stream(shard), { last_by_subj: this.#subject(shard) }),
    );
    if (found !== null) return { sequence: found.seq, bytes: bytesOf(found) };
    // "Not found" is also what the server says of a record whose bytes fail its checksum, and then it takes an append
    // that expects nothing: an owner must not mistake that for a new shard.
    const count = await this.#count(shard);
    if (count === 0) return undefined;
    throw new UnreadableRecord(
      `${this.place(shard)}: NATS counts ${count} records and cannot read the last one`,
    );
  }

  async at(shard: ShardId, sequence: number): Promise<JournalRecord | undefined> {
    const { control } = this.#link;
    const stream = this.#stream(shard);
    const ask = async (): Promise<StoredMsg | null> =>
      control.whileConnected(() => control.jsm.streams.getMessage(stream, { seq: sequence }));
    let found = await ask();
    // The leader's file may be the damaged one. A record never changes, so any replica that has it will do; which one
    // answers a direct get is chance.
    for (let tries = 0; found === null && tries < replicaTriesMax; tries++) {
      found = await control.whileConnected(() => control.jsm.direct.getMessage(stream, { seq: sequence }));
    }
    if (found === null || found.subject !== this.#subject(shard)) return undefined;
    return { sequence: found.seq, bytes: bytesOf(found) };
  }

  place(shard: ShardId): string {
    return `stream ${this.#stream(shard)}, subject ${this.#subject(shard)}`;
  }

  async *read(shard: ShardId, fromSequence: number): AsyncIterable<JournalRecord> {
    const lastSequence = (await this.last(shard))?.sequence ?? 0;
    if (lastSequence < fromSequence) return;
    const reader = new RecordReader({
      channel: this.#link.bulk,
      stream: this.#stream(shard),
      subject: this.#subject(shard),
      afterSequence: fromSequence - 1,
      onRestart: (reason) => this.#options.onReaderRestart?.(shard, reason),
    });
    try {
      for (;;) {
        for (const record of await this.#takeSoon(reader, shard)) {
          if (record.sequence > lastSequence) return;
          yield record;
          if (record.sequence === lastSequence) return;
        }
      }
    } finally {
      reader.stop();
    }
  }

  async trim(shard: ShardId, upToSequence: number): Promise<void> {
    // Without its last record the subject's fence would fall back to 0 and let a zombie in.
    const lastSequence = (await this.last(shard))?.sequence ?? 0;
    const keepFrom = Math.min(upToSequence + 1, lastSequence);
    if (keepFrom <= 1) return;
    await this.#link.bulk.jsm.streams.purge(this.#stream(shard), {
      filter: this.#subject(shard),
      seq: keepFrom,
    });
  }

  async #takeSoon(reader: RecordReader, shard: ShardId): Promise<readonly JournalRecord[]> {
    const silence = setTimeout(() => reader.stop(), this.#readSilenceMsMax);
    const records = await reader.take(takeRecordsMax);
    clearTimeout(silence);
    if (records.length > 0) return records;
    throw new Error(`journal ${this.#subject(shard)}: nothing arrived for ${this.#readSilenceMsMax} ms`);
  }

  async #count(shard: ShardId): Promise<number> {
    const { control } = this.#link;
    const subject = this.#subject(shard);
    const info = await control.whileConnected(() =>
      control.jsm.streams.info(this.#stream(shard), { subjects_filter: subject }),
    );
    return info.state.subjects?.[subject] ?? 0;
  }

  #stream(shard: ShardId): string {
    return streams.journal(shard.kind, shard.index % this.#options.parts);
  }

  #subject(shard: ShardId): string {
    return subjects.journal(shard.kind, shard.index);
  }
}

/** What the leader answers is base64, which the client library reads one character at a time: 10 ms for a large commit. */
function bytesOf(found: StoredMsg): Uint8Array {
  const { smr } = found as { readonly smr?: { readonly message?: { readonly data?: unknown } } };
  const text = smr?.message?.data;
  return typeof text === 'string' ? Buffer.from(text, 'base64') : found.data;
}
