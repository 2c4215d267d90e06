// The twin of a JetStream key-value bucket: revisions are the sequence of the whole bucket (deletes and expiries take
// one too), entries expire by the clock, watchers hear each change.
import type { Clock, Timer } from '@parley/std';
import type { KeyValueChange, KeyValueEntry, WriteResult } from '@parley/runtime';

interface Slot {
  readonly entry: KeyValueEntry;
  readonly expiry: Timer | undefined;
}

export class MemoryBucket {
  readonly #clock: Clock;
  readonly #slots = new Map<string, Slot>();
  readonly #watchers = new Set<(change: KeyValueChange) => void>();
  #lastRevision = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): KeyValueEntry | undefined {
    return this.#slots.get(key)?.entry;
  }

  list(): readonly KeyValueEntry[] {
    return [...this.#slots.values()].map((slot) => slot.entry);
  }

  write(key: string, value: Uint8Array, expectedRevision: number, ttlMs: number | undefined): WriteResult {
    const slot = this.#slots.get(key);
    if ((slot?.entry.revision ?? 0) !== expectedRevision) return { outcome: 'conflict' };
    slot?.expiry?.cancel();
    const revision = ++this.#lastRevision;
    const entry = { key, value: value.slice(), revision };
    // Like the server: a write without a time to live makes the entry permanent.
    const expiry =
      ttlMs === undefined ? undefined : this.#clock.after(wholeSeconds(ttlMs), () => this.delete(key));
    this.#slots.set(key, { entry, expiry });
    this.#tell({ key, entry });
    return { outcome: 'written', revision };
  }

  delete(key: string): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    slot.expiry?.cancel();
    this.#lastRevision++;
    this.#slots.delete(key);
    this.#tell({ key, entry: undefined });
  }

  /** Calls back with each change from now on; the answer stops it. */
  watch(watcher: (change: KeyValueChange) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #tell(change: KeyValueChange): void {
    for (const watcher of [...this.#watchers]) watcher(change);
  }
}

const wholeSeconds = (ttlMs: number): number => Math.ceil(ttlMs / 1000) * 1000;
