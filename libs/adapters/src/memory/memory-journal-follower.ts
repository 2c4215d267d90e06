// Follows a journal by asking it again and again: the follower for journals in memory, where asking costs nothing.
import { type Clock, systemClock } from '@parley/std';
import type { Journal, JournalRecord, ShardId } from '@parley/runtime';
import type { JournalFollower, JournalReader } from '../ports/journal-follower.ts';

export class MemoryJournalFollower implements JournalFollower {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #pollMs: number;

  /** `pollMs`: how often a journal without news is asked. Default 5. */
  constructor(journal: Journal, clock: Clock = systemClock, pollMs = 5) {
    this.#journal = journal;
    this.#clock = clock;
    this.#pollMs = pollMs;
  }

  follow(shard: ShardId, afterSequence: number): JournalReader {
    let position = afterSequence;
    let isStopped = false;
    let wake = (): void => undefined;
    return {
      take: async (max) => {
        while (!isStopped) {
          const records = await this.#readSome(shard, position + 1, max);
          position = records.at(-1)?.sequence ?? position;
          if (records.length > 0 && !isStopped) return records;
          if (!isStopped)
            await new Promise<void>((resolve) => this.#clock.after(this.#pollMs, (wake = resolve)));
        }
        return [];
      },
      stop: () => {
        isStopped = true;
        wake();
      },
    };
  }

  async #readSome(shard: ShardId, fromSequence: number, max: number): Promise<JournalRecord[]> {
    const records: JournalRecord[] = [];
    try {
      for await (const record of this.#journal.read(shard, fromSequence)) {
        records.push(record);
        if (records.length === max) break;
      }
    } catch {
      // The journal is out of reach for a while; what was read stands, the rest is asked for at the next poll.
    }
    return records;
  }
}
