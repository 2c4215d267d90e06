// The twin of a JetStream stream: several subjects share one sequence. Journals and command logs are made of these.

export interface MemoryRecord {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

const noRecords: readonly MemoryRecord[] = [];

/** Message ids a stream remembers for its duplicate window; the oldest are forgotten. */
const recentIdsMax = 1_000;

/** The sequences under which the newest message ids were stored. */
export class RecentIds {
  readonly #sequences = new Map<string, number>();

  has(id: string): boolean {
    return this.#sequences.has(id);
  }

  get(id: string): number | undefined {
    return this.#sequences.get(id);
  }

  note(id: string, sequence: number): void {
    this.#sequences.set(id, sequence);
    const [oldest] = this.#sequences.keys();
    if (this.#sequences.size > recentIdsMax && oldest !== undefined) this.#sequences.delete(oldest);
  }
}

export class MemoryStream {
  readonly recentIds = new RecentIds();
  readonly #records = new Map<string, MemoryRecord[]>();
  readonly #listeners = new Map<string, Set<() => void>>();
  #lastSequence = 0;

  /** Copies `bytes`, as a socket would. */
  append(subject: string, bytes: Uint8Array): number {
    const sequence = ++this.#lastSequence;
    let records = this.#records.get(subject);
    if (records === undefined) this.#records.set(subject, (records = []));
    records.push({ sequence, bytes: bytes.slice() });
    for (const listener of [...(this.#listeners.get(subject) ?? [])]) listener();
    return sequence;
  }

  /** Of all subjects. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** What a power cut does to a log that had not written everything to its disk: the end is gone, and its sequences. */
  loseAfter(sequence: number): void {
    for (const records of this.#records.values()) records.splice(firstAtOrAfter(records, sequence + 1));
    this.#lastSequence = Math.min(this.#lastSequence, sequence);
  }

  last(subject: string): MemoryRecord | undefined {
    return this.#records.get(subject)?.at(-1);
  }

  /** At most `max` records of the subject from `fromSequence` on. */
  from(subject: string, fromSequence: number, max = Number.MAX_SAFE_INTEGER): readonly MemoryRecord[] {
    const records = this.#records.get(subject) ?? noRecords;
    const start = firstAtOrAfter(records, fromSequence);
    return records.slice(start, Math.min(records.length, start + max));
  }

  /** Forgets the subject's records up to and including `upToSequence`. */
  purge(subject: string, upToSequence: number): void {
    const records = this.#records.get(subject);
    records?.splice(0, firstAtOrAfter(records, upToSequence + 1));
  }

  /** Calls back after each append to the subject; the answer stops it. */
  listen(subject: string, listener: () => void): () => void {
    let listeners = this.#listeners.get(subject);
    if (listeners === undefined) this.#listeners.set(subject, (listeners = new Set()));
    listeners.add(listener);
    return () => listeners.delete(listener);
  }
}

function firstAtOrAfter(records: readonly MemoryRecord[], sequence: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.sequence ?? 0) < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}
