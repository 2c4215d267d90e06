// The newest entries of an inbox. Positions are dense, so an entry's place in the columns follows from its position and
// nothing is moved when the window slides. Entries are references; the bodies are in the conversations.
import type { Diffusion } from '../conversation/diffusion.ts';
import type { ConversationSettings, OwnView } from './own-conversation.ts';
import type { Membership } from './membership.ts';
import type { PersonalChange } from './personal.ts';

export interface InboxEntry {
  /** Empty, as the sequence is 0, when the entry is a personal change. */
  readonly conversation: string;
  readonly sequence: number;
  /** What the entry is beside a plain new message. */
  readonly change: EntryChange | undefined;
}

export type EntryChange =
  | { readonly kind: 'read-moved'; readonly unread: number; readonly unreadMentions: number }
  | { readonly kind: 'personal'; readonly change: PersonalChange }
  | { readonly kind: 'settings'; readonly settings: ConversationSettings }
  | ({ readonly kind: 'narrowed' } & OwnView)
  | {
      readonly kind: 'membership';
      readonly membership: Membership;
      readonly diffusion: Diffusion;
      readonly title: string;
      /** With JOINED, where it lies before the entry's own sequence. */
      readonly firstVisible?: number;
    };

/** Columns rather than objects: there are thousands of entries for each user, and they live long. */
export interface InboxWindow {
  readonly countMax: number;
  /** The entry at position `p` is at `(p - 1) % countMax` in both columns, which are made for the first entry. */
  conversations: (string | undefined)[];
  sequences: number[];
  /** By position, the few that are not plain new messages. Made for the first: an empty map is 184 bytes for each user. */
  changes: Map<number, EntryChange> | undefined;
  /** Position of the oldest entry kept; last + 1 while empty. */
  first: number;
  /** Position of the newest entry; 0 while there is none. */
  last: number;
}

export const emptyInbox = (countMax: number): InboxWindow => ({
  countMax,
  conversations: noColumn,
  sequences: noColumn,
  changes: undefined,
  first: 1,
  last: 0,
});

/** Shared by all empty inboxes, and never written to. */
const noColumn: never[] = [];

/** The entry takes the next position. */
export function appendToInbox(
  inbox: InboxWindow,
  conversation: string,
  sequence: number,
  change: EntryChange | undefined,
): void {
  if (inbox.last === 0) {
    inbox.conversations = [];
    inbox.sequences = [];
  }
  const place = inbox.last % inbox.countMax;
  inbox.conversations[place] = conversation;
  inbox.sequences[place] = sequence;
  inbox.last++;
  if (change !== undefined) noteChange(inbox, inbox.last, change);
  if (inbox.last - inbox.first < inbox.countMax) return;
  inbox.changes?.delete(inbox.first);
  inbox.first++;
}

/** Undefined when the position has fallen out of the window or is not there yet. */
export function inboxEntryAt(inbox: InboxWindow, position: number): InboxEntry | undefined {
  if (position < inbox.first || position > inbox.last) return undefined;
  const place = (position - 1) % inbox.countMax;
  const conversation = inbox.conversations[place];
  if (conversation === undefined) return undefined;
  return { conversation, sequence: inbox.sequences[place]!, change: inbox.changes?.get(position) };
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
  if (last === 0) return emptyInbox(countMax);
  const kept = entries.slice(-countMax);
  const first = last - kept.length + 1;
  const length = Math.min(last, countMax);
  const inbox: InboxWindow = {
    countMax,
    conversations: Array.from<string | undefined>({ length }),
    sequences: Array.from({ length }, () => 0),
    changes: undefined,
    first,
    last,
  };
  kept.forEach(({ conversation, sequence, change }, index) => {
    const place = (first + index - 1) % countMax;
    inbox.conversations[place] = conversation;
    inbox.sequences[place] = sequence;
    if (change !== undefined) noteChange(inbox, first + index, change);
  });
  return inbox;
}

function noteChange(inbox: InboxWindow, position: number, change: EntryChange): void {
  inbox.changes ??= new Map();
  inbox.changes.set(position, change);
}
