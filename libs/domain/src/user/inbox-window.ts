// The newest entries of an inbox. Positions are dense, so an entry's place in the ring follows from its position and
// nothing is moved when the window slides. Entries are references; the bodies are in the conversations.
import type { Diffusion } from '../conversation/diffusion.ts';
import type { Membership } from './membership.ts';

export interface InboxEntry {
  readonly conversation: string;
  readonly sequence: number;
  /** What the entry is beside a plain new message. */
  readonly change: EntryChange | undefined;
}

export type EntryChange =
  | { readonly kind: 'read-moved'; readonly unread: number }
  | {
      readonly kind: 'membership';
      readonly membership: Membership;
      readonly diffusion: Diffusion;
      readonly title: string;
    };

export interface InboxWindow {
  readonly countMax: number;
  readonly ring: (InboxEntry | undefined)[];
  /** Position of the oldest entry kept; last + 1 while empty. */
  first: number;
  /** Position of the newest entry; 0 while there is none. */
  last: number;
}

export const emptyInbox = (countMax: number): InboxWindow => ({ countMax, ring: [], first: 1, last: 0 });

/** The entry takes the next position. */
export function appendToInbox(inbox: InboxWindow, entry: InboxEntry): void {
  inbox.ring[inbox.last % inbox.countMax] = entry;
  inbox.last++;
  if (inbox.last - inbox.first >= inbox.countMax) inbox.first++;
}

/** Undefined when the position has fallen out of the window or is not there yet. */
export function inboxEntryAt(inbox: InboxWindow, position: number): InboxEntry | undefined {
  if (position < inbox.first || position > inbox.last) return undefined;
  return inbox.ring[(position - 1) % inbox.countMax];
}

/** All entries kept, oldest first. */
export function inboxEntries(inbox: InboxWindow): readonly InboxEntry[] {
  const entries: InboxEntry[] = [];
  for (let position = inbox.first; position <= inbox.last; position++) {
    const entry = inboxEntryAt(inbox, position);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** `entries` end at position `last`; more than `countMax` of them lose the oldest. */
export function restoreInbox(countMax: number, last: number, entries: readonly InboxEntry[]): InboxWindow {
  const kept = entries.slice(-countMax);
  const first = last - kept.length + 1;
  const ring = Array.from<InboxEntry | undefined>({ length: Math.min(last, countMax) });
  kept.forEach((entry, index) => (ring[(first + index - 1) % countMax] = entry));
  return { countMax, ring, first, last };
}
