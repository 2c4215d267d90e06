// The commits of one shard in order, as history may believe them: a record of a deposed owner is left out, a hole in
// the journal is noticed. Decides nothing else.
import { setImmediate } from 'node:timers/promises';
import type { EventCursor, JournalRecord, ShardId } from '@parley/runtime';
import type { JournalFollower, JournalReader } from '@parley/adapters';
import type { LogElement } from './conversation-log.ts';
import { type ConversationRecord, conversationRecord } from './conversation-record.ts';

/** How far a projection is in the journal of one shard. */
export interface ShardPosition {
  /** Journal sequence of the last record taken in; 0 before the first. */
  readonly sequence: number;
  /** Highest epoch seen up to there. */
  readonly epoch: number;
  /** Number of that record: how many the shard has written. */
  readonly n: number;
}

export const journalStart: ShardPosition = { sequence: 0, epoch: 0, n: 0 };

export interface FedCommit {
  readonly position: ShardPosition;
  /** Time of the commit, by its owner's clock. */
  readonly atMs: number;
  /** What it adds to conversations. Throws when it holds an event that this program does not know. */
  elements(): readonly LogElement[];
  /** All its events, to be read once from the start; undefined of a record that does not count. */
  events(): EventCursor | undefined;
}

/** The journal goes on from a record before the one taken in last: its end was lost, and written again. */
export class RewrittenJournal extends Error {
  override readonly name = 'RewrittenJournal';
}

/** Records asked for one by one where a reader passed over them; more are taken for gone. */
const passedOverMax = 1_000;

export interface FeedReport {
  /** The journal does not go on where it was left: records are gone that nobody here has seen. */
  onHole(expected: number, found: number): void;
  /** One record by itself, from whatever replica has it: a damaged replica's reader passes over what it cannot read. */
  recordAt?(sequence: number): Promise<JournalRecord | undefined>;
}

export class ShardFeed {
  readonly #follower: JournalFollower;
  readonly #shard: ShardId;
  readonly #report: FeedReport;
  #position: ShardPosition;
  #reader: JournalReader;
  /** Sequence at which a hole has been looked at twice. */
  #acceptedHole = -1;
  #wasFull = false;
  #isStopped = false;

  constructor(follower: JournalFollower, shard: ShardId, from: ShardPosition, report: FeedReport) {
    this.#follower = follower;
    this.#shard = shard;
    this.#position = from;
    this.#report = report;
    this.#reader = follower.follow(shard, from.sequence);
  }

  /** Waits for commits. Empty once stopped. Throws BadCommitRecord on bytes no program of this version wrote. */
  async take(max: number): Promise<readonly FedCommit[]> {
    // More is waiting: it must not keep sockets and timers of everything else from their turn.
    if (this.#wasFull) await setImmediate();
    while (!this.#isStopped) {
      const commits: FedCommit[] = [];
      const records = await this.#reader.take(max);
      this.#wasFull = records.length === max;
      for (const journaled of records) {
        const { sequence } = journaled;
        const record = conversationRecord(journaled);
        for (const missed of await this.#passedOver(record))
          commits.push(this.#accept(missed.sequence, missed.record));
        if (!this.#isContinued(sequence, record)) break;
        commits.push(this.#accept(sequence, record));
      }
      if (commits.length > 0) return commits;
    }
    return [];
  }

  stop(): void {
    this.#isStopped = true;
    this.#reader.stop();
  }

  #accept(sequence: number, record: ConversationRecord): FedCommit {
    const isDeposed = record.epoch < this.#position.epoch;
    this.#position = { sequence, epoch: Math.max(record.epoch, this.#position.epoch), n: record.n };
    const { elements, events } = isDeposed ? nothing : record;
    return { position: this.#position, atMs: record.atMs, elements, events };
  }

  /** What a reader passed over though it is in the journal; empty when nothing was, or not all of it is there. */
  async #passedOver(
    next: ConversationRecord,
  ): Promise<readonly { sequence: number; record: ConversationRecord }[]> {
    const expected = this.#position.sequence;
    const { recordAt } = this.#report;
    if (expected === 0 || recordAt === undefined || next.previousSequence === expected) return [];
    const found: { sequence: number; record: ConversationRecord }[] = [];
    for (let wanted = next.previousSequence; wanted !== expected;) {
      if (wanted < expected)
        throw new RewrittenJournal(`goes on behind ${wanted}, history is at ${expected}`);
      const stored = found.length < passedOverMax ? await recordAt(wanted) : undefined;
      if (stored === undefined) return [];
      const record = conversationRecord(stored);
      found.unshift({ sequence: wanted, record });
      wanted = record.previousSequence;
    }
    return found;
  }

  /** False when the reading starts again: a reader may have skipped, and only the journal itself can tell. */
  #isContinued(sequence: number, record: ConversationRecord): boolean {
    const expected = this.#position.sequence;
    if (record.previousSequence === expected || this.#acceptedHole === sequence) return true;
    // Nothing was taken in yet: an empty store begins with whatever the journal still has.
    if (expected > 0) {
      this.#acceptedHole = sequence;
      this.#reader.stop();
      this.#reader = this.#follower.follow(this.#shard, expected);
    }
    this.#report.onHole(expected, record.previousSequence);
    return expected === 0;
  }
}

const nothing = { elements: (): readonly LogElement[] => [], events: () => undefined };
