// One reading of a journal for all projections of this process that are near each other; receiving it twice would cost
// more than projecting it. Whoever falls behind (its store is away) reads by itself until it has caught up, so nobody
// waits for another.
import { assert } from '@parley/std';
import { type JournalRecord, type ShardId, shardName } from '@parley/runtime';
import type { JournalFollower, JournalReader } from '@parley/adapters';

/** Records kept for those who have not taken them; beyond it the oldest go, and who needs them reads by itself. */
const keptBytesMaxDefault = 1024 * 1024;

export class SharedFollower implements JournalFollower {
  readonly #follower: JournalFollower;
  readonly #keptBytesMax: number;
  readonly #readings = new Map<string, SharedReading>();

  constructor(follower: JournalFollower, keptBytesMax = keptBytesMaxDefault) {
    this.#follower = follower;
    this.#keptBytesMax = keptBytesMax;
  }

  follow(shard: ShardId, afterSequence: number): JournalReader {
    const name = shardName(shard);
    return new SharedReader({
      position: afterSequence,
      readAlone: (after) => this.#follower.follow(shard, after),
      reading: () => this.#readings.get(name),
      begin: (after) => {
        const leave = (): void => void this.#readings.delete(name);
        const reading = new SharedReading(
          this.#follower.follow(shard, after),
          after,
          this.#keptBytesMax,
          leave,
        );
        this.#readings.set(name, reading);
        return reading;
      },
    });
  }
}

interface SharedReaderOptions {
  readonly position: number;
  readonly readAlone: (afterSequence: number) => JournalReader;
  readonly reading: () => SharedReading | undefined;
  readonly begin: (afterSequence: number) => SharedReading;
}

class SharedReader implements JournalReader {
  readonly #options: SharedReaderOptions;
  /** Sequence of the last record taken. */
  #position: number;
  #shared: SharedReading | undefined;
  #alone: JournalReader | undefined;
  #isStopped = false;

  constructor(options: SharedReaderOptions) {
    this.#options = options;
    this.#position = options.position;
    // Only at the end of what was read: who asks for records that others have read already wants to see the journal.
    const reading = options.reading();
    if (reading === undefined || reading.end <= this.#position) this.#join();
    else this.#alone = options.readAlone(this.#position);
  }

  async take(max: number): Promise<readonly JournalRecord[]> {
    assert(max > 0, 'SharedReader.take: max must be positive');
    while (!this.#isStopped) {
      const records =
        this.#alone === undefined ? this.#takeShared(max) : await this.#takeAlone(this.#alone, max);
      if (this.#isStopped) break;
      if (records.length > 0) return records;
      await this.#shared?.more();
    }
    return [];
  }

  stop(): void {
    this.#isStopped = true;
    this.#alone?.stop();
    this.#shared?.leave(this);
    this.#shared = undefined;
  }

  #join(): void {
    this.#alone?.stop();
    this.#alone = undefined;
    this.#shared = this.#options.reading() ?? this.#options.begin(this.#position);
    this.#shared.join(this, this.#position);
  }

  #takeShared(max: number): readonly JournalRecord[] {
    const records = this.#shared?.take(this, max);
    if (records === undefined) {
      this.#shared?.leave(this);
      this.#shared = undefined;
      this.#alone = this.#options.readAlone(this.#position);
      return [];
    }
    this.#position = records.at(-1)?.sequence ?? this.#position;
    return records;
  }

  async #takeAlone(alone: JournalReader, max: number): Promise<readonly JournalRecord[]> {
    const records = await alone.take(max);
    this.#position = records.at(-1)?.sequence ?? this.#position;
    const reading = this.#options.reading();
    if (!this.#isStopped && (reading === undefined || reading.start <= this.#position)) this.#join();
    return records;
  }
}

/** Records of one journal, kept until all who joined have taken them. Whoever is ahead has it read on. */
class SharedReading {
  readonly #reader: JournalReader;
  readonly #keptBytesMax: number;
  readonly #onLeft: () => void;
  /** By reader: the sequence it has taken up to. */
  readonly #taken = new Map<SharedReader, number>();
  #kept: JournalRecord[] = [];
  #keptBytes = 0;
  #waiting: (() => void)[] = [];
  #isReading = false;
  /** Nothing up to here is kept. */
  start: number;
  /** Sequence of the last record read. */
  end: number;

  constructor(reader: JournalReader, afterSequence: number, keptBytesMax: number, onLeft: () => void) {
    this.#reader = reader;
    this.#keptBytesMax = keptBytesMax;
    this.#onLeft = onLeft;
    this.start = afterSequence;
    this.end = afterSequence;
  }

  join(reader: SharedReader, position: number): void {
    this.#taken.set(reader, position);
  }

  /** The last one to leave ends the reading. */
  leave(reader: SharedReader): void {
    this.#taken.delete(reader);
    if (this.#taken.size === 0) {
      this.#reader.stop();
      this.#onLeft();
    }
    this.#wake();
  }

  /** Undefined when some of what it has not taken is not kept any more. */
  take(reader: SharedReader, max: number): readonly JournalRecord[] | undefined {
    const position = this.#taken.get(reader);
    if (position === undefined || position < this.start) return undefined;
    const first = this.#kept.findIndex(({ sequence }) => sequence > position);
    const records = first === -1 ? [] : this.#kept.slice(first, first + max);
    this.#taken.set(reader, records.at(-1)?.sequence ?? position);
    this.#forget(Math.min(...this.#taken.values()));
    return records;
  }

  /** Resolves when it is worth looking again. */
  more(): Promise<void> {
    if (!this.#isReading) void this.#read();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    for (const record of await this.#reader.take(recordsPerTake)) {
      this.#kept.push(record);
      this.#keptBytes += record.bytes.length;
      this.end = record.sequence;
    }
    this.#isReading = false;
    this.#limit();
    this.#wake();
  }

  /** What the one ahead has not taken stays in any case: somebody must go on reading. */
  #limit(): void {
    const ahead = Math.max(...this.#taken.values());
    while (this.#keptBytes > this.#keptBytesMax) {
      const oldest = this.#kept[0]?.sequence ?? Infinity;
      if (oldest > ahead) return;
      this.#forget(oldest);
    }
  }

  #forget(upToSequence: number): void {
    const kept = this.#kept.findIndex(({ sequence }) => sequence > upToSequence);
    const gone = this.#kept.splice(0, kept === -1 ? this.#kept.length : kept);
    for (const { bytes } of gone) this.#keptBytes -= bytes.length;
    this.start = gone.at(-1)?.sequence ?? this.start;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const look of waiting) look();
  }
}

const recordsPerTake = 16;
