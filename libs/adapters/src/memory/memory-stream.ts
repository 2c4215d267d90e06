// The twin of a JetStream stream: several subjects share one sequence. Journals and command logs are made of these.

export interface MemoryRecord {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

const noRecords: readonly MemoryRecord[] = [];

export class MemoryStream {
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
