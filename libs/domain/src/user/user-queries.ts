// Reads of a user entity: pure functions of committed state.
import { type Result, err, ok } from '@parley/std';
import { type InboxEntry, inboxEntryAt } from './inbox-window.ts';
import type { Account, UserConversation, UserState } from './user-state.ts';

export interface InboxPage {
  readonly entries: readonly PositionedEntry[];
  /** The user's newest position. */
  readonly position: number;
  /** Entries after the wanted position have fallen out of the window: page the conversations instead. */
  readonly limited: boolean;
}

export interface PositionedEntry {
  readonly position: number;
  readonly entry: InboxEntry;
}

/** Entries after `after`, oldest first; `limit` 0 means the largest page. */
export function inboxPage(
  state: UserState,
  query: { readonly after: number; readonly limit: number },
): Result<InboxPage, 'SEQUENCE_FROM_FUTURE'> {
  const { inbox, limits } = state;
  if (query.after > inbox.last) return err('SEQUENCE_FROM_FUTURE');
  const position = inbox.last;
  if (isLimited(state, query.after)) return ok({ entries: [], position, limited: true });
  const count = query.limit === 0 ? limits.inboxPageMax : Math.min(query.limit, limits.inboxPageMax);
  const entries: PositionedEntry[] = [];
  for (let at = query.after + 1; at <= inbox.last && entries.length < count; at++) {
    const entry = inboxEntryAt(inbox, at);
    if (entry !== undefined) entries.push({ position: at, entry });
  }
  return ok({ entries, position, limited: false });
}

/** Whether something after `after` has fallen out of the inbox window. */
export const isLimited = (state: UserState, after: number): boolean => after < state.inbox.first - 1;

export const userConversations = (state: UserState): readonly UserConversation[] => [
  ...state.conversations.values(),
];

export const accountOf = (state: UserState): Account | undefined => state.account;
