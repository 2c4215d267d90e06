// What a snapshot keeps of a user, and the way back.
import type { EntityAddress } from '@parley/std';
import { type InboxEntry, inboxEntries, restoreInbox } from './inbox-window.ts';
import { type Personal, sharedIfEmpty } from './personal.ts';
import { type UserLimits, userLimits } from './user-limits.ts';
import { type Account, type UserConversation, type UserState, noConversations } from './user-state.ts';

export interface UserSnapshot {
  readonly account: Account | undefined;
  readonly position: number;
  /** The newest entries, ending at `position`. */
  readonly entries: readonly InboxEntry[];
  readonly conversations: readonly UserConversation[];
  readonly personal: Personal;
  readonly delivered: number;
}

export const snapshotOfUser = (state: UserState): UserSnapshot => ({
  account: state.account,
  position: state.inbox.last,
  entries: inboxEntries(state.inbox),
  conversations: [...state.conversations.values()],
  personal: state.personal,
  delivered: state.delivered,
});

/** Takes the parts of `snapshot` over; entries get the conversation strings of the conversations to share them. */
export function restoreUser(
  address: EntityAddress,
  snapshot: UserSnapshot,
  limits: UserLimits = userLimits,
): UserState {
  const conversations = new Map(snapshot.conversations.map((entry) => [entry.conversation, entry]));
  const entries = snapshot.entries.map((entry) => ({
    ...entry,
    conversation: conversations.get(entry.conversation)?.conversation ?? entry.conversation,
  }));
  return {
    tenant: address.tenant,
    user: address.id,
    limits,
    account: snapshot.account,
    inbox: restoreInbox(limits.inboxCountMax, snapshot.position, entries),
    conversations: conversations.size === 0 ? noConversations : conversations,
    personal: sharedIfEmpty(snapshot.personal),
    delivered: snapshot.delivered,
  };
}
