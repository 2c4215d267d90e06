// One inbox as its journal tells it: which messages of which conversations have an entry. Where the journal has been
// trimmed, the snapshot's window of newest entries is known too, and nothing older.
import { type UserState, inboxPage } from '@parley/domain';
import type { EntryFact } from '../journals/facts.ts';
import type { Findings } from './findings.ts';
import { Ranges } from './ranges.ts';

export interface InboxBase {
  readonly n: number;
  readonly state: UserState;
}

export class InboxTruth {
  readonly tenant: string;
  readonly user: string;
  /** Facts that took a position, of those that were read. */
  count = 0;
  readonly #findings: Findings;
  readonly #baseN: number;
  readonly #knowsAll: boolean;
  readonly #sequences = new Map<string, Ranges>();
  /** Heads of conversations as the snapshot lists them. */
  readonly #listed = new Map<string, number>();

  constructor(
    place: { readonly tenant: string; readonly id: string },
    findings: Findings,
    { base, isWhole }: { readonly base: InboxBase | undefined; readonly isWhole: boolean },
  ) {
    this.tenant = place.tenant;
    this.user = place.id;
    this.#findings = findings;
    const isBased = base !== undefined && !isWhole;
    this.#baseN = isBased ? base.n : 0;
    this.#knowsAll = !isBased || base.state.inbox.first === 1;
    if (isBased) this.#takeBase(base.state);
  }

  get place() {
    return { tenant: this.tenant, subject: `inbox ${this.user}` };
  }

  get conversations(): ReadonlyMap<string, Ranges> {
    return this.#sequences;
  }

  apply({ entry }: EntryFact, n: number): void {
    this.count++;
    if (entry === undefined) return;
    const { conversation, sequence } = entry;
    const sequences = this.#of(conversation);
    if (n > this.#baseN && sequences.has(sequence))
      this.#findings.add('inbox-doubled', this.place, `${conversation} twice`, sequence);
    sequences.add(sequence);
  }

  /** What of `from` … `to` is known not to have come. */
  missing(conversation: string, from: number, to: number): Ranges {
    const known = this.#sequences.get(conversation);
    const missing = new Ranges();
    let start = from;
    if (!this.#knowsAll) {
      // Older entries have fallen out of the window. The list of conversations still says how far they had come.
      const oldest = known?.first ?? Infinity;
      start = Math.max(from, Math.min(oldest, (this.#listed.get(conversation) ?? 0) + 1));
    }
    for (const [first, last] of known === undefined
      ? start <= to
        ? [[start, to] as const]
        : []
      : known.missing(start, to))
      missing.add(first, last);
    return missing;
  }

  #takeBase(state: UserState): void {
    for (const { conversation, head } of state.conversations.values()) this.#listed.set(conversation, head);
    let after = state.inbox.first - 1;
    while (after < state.inbox.last) {
      const page = inboxPage(state, { after, limit: 0 });
      if (!page.ok || page.value.entries.length === 0) return;
      for (const { position, entry } of page.value.entries) {
        after = position;
        if (isReference(entry.change?.kind)) this.#of(entry.conversation).add(entry.sequence);
      }
    }
  }

  #of(conversation: string): Ranges {
    let found = this.#sequences.get(conversation);
    if (found === undefined) this.#sequences.set(conversation, (found = new Ranges()));
    return found;
  }
}

/** The others are no references to log elements. */
const isReference = (kind: string | undefined): boolean => kind === undefined || kind === 'membership';
