// Reads of a user entity: pure functions of committed state.
import { type Result, err, ok } from '@parley/std';
import type { OwnView } from './own-conversation.ts';
import { isDirectConversation } from '../conversation/conversation-id.ts';
import { type InboxEntry, inboxEntryAt } from './inbox-window.ts';
import type { Account, UserConversation, UserState } from './user-state.ts';

export interface InboxPage {
  readonly entries: readonly PositionedEntry[];
  /** The user's newest position. */
  readonly position: number;
  /** Entries after the wanted position have fallen out of the window: page the conversations instead. */
  readonly limited: boolean;
  /** Of the conversations in `entries`; absent: there are none. */
  readonly views?: readonly ConversationView[];
}

/** What a user has deleted of one conversation. */
export interface ConversationView extends OwnView {
  readonly conversation: string;
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
  const views = ownViews(state, new Set(entries.map(({ entry }) => entry.conversation)));
  return ok(
    views.length === 0 ? { entries, position, limited: false } : { entries, position, limited: false, views },
  );
}

/** Of the conversations named, or of all, those of which something is deleted. */
export function ownViews(state: UserState, wanted?: Iterable<string>): readonly ConversationView[] {
  const views: ConversationView[] = [];
  for (const conversation of wanted ?? state.conversations.keys()) {
    const own = state.conversations.get(conversation)?.own;
    if (own === undefined || (own.clearedThrough === 0 && own.deleted.length === 0)) continue;
    views.push({ conversation, clearedThrough: own.clearedThrough, deleted: own.deleted });
  }
  return views;
}

/** Whether something after `after` has fallen out of the inbox window. */
export const isLimited = (state: UserState, after: number): boolean => after < state.inbox.first - 1;

export const userConversations = (state: UserState): readonly UserConversation[] => [
  ...state.conversations.values(),
];

/** Groups the user is a member of. */
export function groupCountOf(state: UserState): number {
  let count = 0;
  for (const { conversation, left } of state.conversations.values())
    if (left === 0 && !isDirectConversation(conversation)) count += 1;
  return count;
}

export const accountOf = (state: UserState): Account | undefined => state.account;
