// The dense list of entries of one user: applies each position once and in order, holds what came over a hole.
import type { Entry } from '../frames.ts';

export interface InboxOptions {
  readonly position: number;
  readonly heldEntriesMax: number;
  /** Called once for each entry, in order of position. */
  apply(entry: Entry): void;
}

export class Inbox {
  readonly #options: InboxOptions;
  readonly #held = new Map<number, Entry>();
  #position: number;
  #known: number;
  /** Since when a hole has been known, monotonic; 0 without one. Kept by the client. */
  holeSinceMs = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#known = options.position;
  }

  /** Everything up to here has been applied. */
  get position(): number {
    return this.#position;
  }

  /** The newest position anybody has told of. */
  get known(): number {
    return this.#known;
  }

  get hasHole(): boolean {
    return this.#known > this.#position;
  }

  notePosition(position: number): void {
    if (position > this.#known) this.#known = position;
  }

  /** Entries from a push or a page; known ones are dropped. */
  offer(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { position } = entry;
      if (position <= this.#position) continue;
      this.notePosition(position);
      if (position === this.#position + 1) {
        this.#apply(entry);
        this.#drainHeld();
      } else if (this.#held.size < this.#options.heldEntriesMax) {
        this.#held.set(position, entry);
      }
    }
  }

  /** Goes on after `position`: what lies before is fetched by conversation. */
  jumpTo(position: number): void {
    if (position <= this.#position) return;
    this.#position = position;
    this.notePosition(position);
    this.#drainHeld();
  }

  /** The server does not know our position: forget everything. */
  reset(): void {
    this.#position = 0;
    this.#known = 0;
    this.#held.clear();
  }

  #apply(entry: Entry): void {
    this.#position = entry.position;
    this.#options.apply(entry);
  }

  #drainHeld(): void {
    if (this.#held.size === 0) return;
    for (const position of this.#held.keys()) if (position <= this.#position) this.#held.delete(position);
    for (;;) {
      const entry = this.#held.get(this.#position + 1);
      if (entry === undefined) return;
      this.#held.delete(entry.position);
      this.#apply(entry);
    }
  }
}
