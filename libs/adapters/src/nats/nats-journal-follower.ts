// Follows journals on JetStream, for history and other projections. It reads on a connection of its own process, so a
// slow projection never holds up an owner.
import { streams, subjects } from '@parley/protocol';
import type { ShardId } from '@parley/runtime';
import type { JournalFollower, JournalReader } from '../ports/journal-follower.ts';
import type { NatsLink } from './nats-link.ts';
import { RecordReader } from './record-reader.ts';

export interface NatsJournalFollowerOptions {
  /** Journal streams per kind, fixed when the cluster was created (see provisionNats). */
  readonly parts: number;
  /** From one burst of records of a shard to the next, unless many are waiting. Default 0: each at once. */
  readonly pauseMs?: number;
  /** Called when a reader had to open a new consumer. */
  readonly onReaderRestart?: (shard: ShardId, reason: string) => void;
}

/**
 * Asked for in one go, and as many may wait. Whoever follows, follows all shards, and the batches made of them are bounded: a
 * large read-ahead of each would only be memory (3 GB for 16 shards with the reader's own limits, far behind).
 */
const windowRecords = 64;
const readAheadBytesMax = 1024 * 1024;

export class NatsJournalFollower implements JournalFollower {
  readonly #link: NatsLink;
  readonly #options: NatsJournalFollowerOptions;

  constructor(link: NatsLink, options: NatsJournalFollowerOptions) {
    this.#link = link;
    this.#options = options;
  }

  follow(shard: ShardId, afterSequence: number): JournalReader {
    const { parts, pauseMs, onReaderRestart } = this.#options;
    return new RecordReader({
      channel: this.#link.bulk,
      stream: streams.journal(shard.kind, shard.index % parts),
      subject: subjects.journal(shard.kind, shard.index),
      afterSequence,
      windowMessages: windowRecords,
      readAheadMessagesMax: windowRecords,
      readAheadBytesMax,
      pauseMs,
      onRestart: (reason) => onReaderRestart?.(shard, reason),
    });
  }
}
