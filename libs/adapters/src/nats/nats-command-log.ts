// The command log on JetStream: a few streams per kind, one subject per shard. Offers are core messages that the
// stream captures; readers keep their own place (the offset is in the journal), so nothing is acknowledged here.
import { streams, subjects } from '@parley/protocol';
import type { CommandLog, IntakeReader, ShardId } from '@parley/runtime';
import { assert } from '@parley/std';
import type { NatsLink } from './nats-link.ts';
import { RecordReader } from './record-reader.ts';

export interface NatsCommandLogOptions {
  /** Command streams per kind, fixed when the cluster was created (see provisionNats). */
  readonly parts: number;
  /** How long a publish waits for its PubAck, then rejects. Default 2,000 ms. */
  readonly publishTimeoutMs?: number;
  /** A reader stops asking for more while this many messages wait to be taken. Default 1,024. */
  readonly readAheadMessagesMax?: number;
  /** A reader stops asking for more while this many bytes wait to be taken. Default 8 MiB. */
  readonly readAheadBytesMax?: number;
  /** Called when a reader had to open a new consumer. */
  readonly onReaderRestart?: (shard: ShardId, reason: string) => void;
}

const publishTimeoutMsDefault = 2_000;

export class NatsCommandLog implements CommandLog {
  readonly #link: NatsLink;
  readonly #options: NatsCommandLogOptions;

  constructor(link: NatsLink, options: NatsCommandLogOptions) {
    assert(options.parts > 0, 'NatsCommandLog: parts must be positive');
    this.#link = link;
    this.#options = options;
  }

  offer(shard: ShardId, bytes: Uint8Array): void {
    const { bulk } = this.#link;
    // Dropped rather than kept while NATS is away: the sender's timeout is the answer, and memory stays bounded.
    if (bulk.isConnected) bulk.connection.publish(this.#subject(shard), bytes);
  }

  async publish(shard: ShardId, bytes: Uint8Array): Promise<void> {
    await this.#link.bulk.publish(this.#subject(shard), bytes, {
      stream: this.#stream(shard),
      timeoutMs: this.#options.publishTimeoutMs ?? publishTimeoutMsDefault,
    });
  }

  read(shard: ShardId, afterSequence: number): IntakeReader {
    const { readAheadMessagesMax, readAheadBytesMax, onReaderRestart } = this.#options;
    return new RecordReader({
      channel: this.#link.bulk,
      stream: this.#stream(shard),
      subject: this.#subject(shard),
      afterSequence,
      readAheadMessagesMax,
      readAheadBytesMax,
      onRestart: (reason) => onReaderRestart?.(shard, reason),
    });
  }

  async lastSequence(shard: ShardId): Promise<number> {
    const { bulk } = this.#link;
    const info = await bulk.whileConnected(() => bulk.jsm.streams.info(this.#stream(shard)));
    return info.state.last_seq;
  }

  async trim(shard: ShardId, upToSequence: number): Promise<void> {
    if (upToSequence <= 0) return;
    await this.#link.bulk.jsm.streams.purge(this.#stream(shard), {
      filter: this.#subject(shard),
      seq: upToSequence + 1,
    });
  }

  #stream(shard: ShardId): string {
    return streams.command(shard.kind, shard.index % this.#options.parts);
  }

  #subject(shard: ShardId): string {
    return subjects.command(shard.kind, shard.index);
  }
}
