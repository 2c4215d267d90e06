// Journals from their first commit on, though they were trimmed, before or meanwhile: what they no longer hold comes from the
// archive. Reads no further than the running projection has come, so that both stores can be compared.
import { setTimeout as delay } from 'node:timers/promises';
import type { JournalRecord, ShardId } from '@parley/runtime';
import type { JournalFollower, JournalReader } from '@parley/adapters';
import { conversationRecord } from '../projection/conversation-record.ts';
import { type EventArchive, commitBytes } from './archive.ts';

export interface ArchiveFollowerOptions {
  readonly follower: JournalFollower;
  readonly archive: EventArchive;
  /** Up to where the shard may be read now. */
  readonly through: (shard: ShardId) => number;
}

const pollMs = 20;

export class ArchiveFollower implements JournalFollower {
  readonly #options: ArchiveFollowerOptions;

  constructor(options: ArchiveFollowerOptions) {
    this.#options = options;
  }

  follow(shard: ShardId, afterSequence: number): JournalReader {
    return new ArchiveReader(this.#options, shard, afterSequence);
  }
}

class ArchiveReader implements JournalReader {
  readonly #options: ArchiveFollowerOptions;
  readonly #shard: ShardId;
  readonly #journal: JournalReader;
  /** Sequence of the last record read. */
  #at: number;
  /** Read, and not taken yet. */
  #waiting: JournalRecord[] = [];
  /** Of the journal, behind what is read from the archive now. */
  #behind: readonly JournalRecord[] = [];
  #isStopped = false;

  constructor(options: ArchiveFollowerOptions, shard: ShardId, afterSequence: number) {
    this.#options = options;
    this.#shard = shard;
    this.#at = afterSequence;
    this.#journal = options.follower.follow(shard, afterSequence);
  }

  async take(max: number): Promise<readonly JournalRecord[]> {
    while (!this.#isStopped) {
      if (this.#waiting.length === 0) this.#waiting = [...(await this.#read(max))];
      const through = this.#options.through(this.#shard);
      const end = this.#waiting.findIndex(({ sequence }) => sequence > through);
      const taken = this.#waiting.splice(0, Math.min(max, end === -1 ? this.#waiting.length : end));
      if (taken.length > 0) return taken;
      if (!this.#isStopped) await delay(pollMs);
    }
    return [];
  }

  stop(): void {
    this.#isStopped = true;
    this.#journal.stop();
  }

  async #read(max: number): Promise<readonly JournalRecord[]> {
    const { archive } = this.#options;
    if (this.#behind.length === 0) this.#behind = await this.#journal.take(max);
    const [next] = this.#behind;
    if (next === undefined) return [];
    const { previousSequence } = conversationRecord(next);
    let records = this.#behind;
    if (previousSequence > this.#at) {
      // Trimmed. Commits without events are nowhere: the last one gets a stand-in, so that the journal goes on behind it.
      const nothing = { previousSequence: this.#at, epoch: 0, atMs: 0, events: [] };
      const standIn = { sequence: previousSequence, bytes: commitBytes(this.#shard, nothing) };
      const archived = await archive.read(this.#shard, { after: this.#at, through: previousSequence });
      records = archived.length > 0 ? archived : [standIn];
    } else {
      this.#behind = [];
    }
    this.#at = records.at(-1)?.sequence ?? this.#at;
    return records;
  }
}
