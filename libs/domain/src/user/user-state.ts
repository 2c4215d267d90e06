// What a user entity remembers: the account, the inbox window and the conversations. Message bodies are not here.
import type { EntityAddress } from '@parley/std';
import type { Diffusion } from '../conversation/diffusion.ts';
import { type InboxWindow, emptyInbox } from './inbox-window.ts';
import { type Personal, nothingPersonal } from './personal.ts';
import type { OwnConversation } from './own-conversation.ts';
import type { UserLimits } from './user-limits.ts';

export interface UserState {
  readonly tenant: string;
  readonly user: string;
  readonly limits: UserLimits;
  account: Account | undefined;
  inbox: InboxWindow;
  /** Changed through `ownConversations`. */
  conversations: ReadonlyMap<string, UserConversation>;
  /** Changed through `ownPersonal`. */
  personal: Personal;
  /** Newest inbox position acknowledged by a device that brought something of a direct conversation. */
  delivered: number;
}

export interface Account {
  readonly handle: string;
  readonly displayName: string;
  readonly passwordHash: string;
  readonly atMs: number;
}

/** One conversation as this user sees it. */
export interface UserConversation {
  readonly conversation: string;
  /** Newest sequence that came to the inbox. Under read-diffusion the group knows of newer ones. */
  head: number;
  /** The user's own read pointer; under read-diffusion it may be beyond `head`. */
  read: number;
  /** First sequence the user may see since joining last. */
  firstVisible: number;
  /** Sequence at which the user left; 0 while a member. */
  left: number;
  diffusion: Diffusion;
  /** Sequence from which `diffusion` holds. */
  diffusionSince: number;
  title: string;
  /** Direct conversations: how far the other one has read. */
  peerRead: number;
  /** The same: how far a device of the other one has got it, where that is further. */
  peerDelivered: number;
  /** Sequences after `read`, up to `head`, that do not count as unread: edits, recalls, recalled messages. Rising. */
  uncounted: readonly number[];
  /** Sequences after `read` that mention the user, or everybody, as edits and recalls have left them. Rising. */
  mentioned: readonly number[];
  /** What the user has set and deleted for themself; absent: nothing. */
  own?: OwnConversation;
}

export const initialUser = (address: EntityAddress, limits: UserLimits): UserState => ({
  tenant: address.tenant,
  user: address.id,
  limits,
  account: undefined,
  inbox: emptyInbox(limits.inboxCountMax),
  conversations: noConversations,
  personal: nothingPersonal,
  delivered: 0,
});

/** One for all who have none: an empty map takes more room than the rest of such a user. */
export const noConversations: ReadonlyMap<string, UserConversation> = new Map();

/** The user's own map, to be written to. */
export function ownConversations(state: UserState): Map<string, UserConversation> {
  if (state.conversations === noConversations) state.conversations = new Map();
  return state.conversations as Map<string, UserConversation>;
}

/** Messages not read yet. Under read-diffusion the gateway counts with the group's head instead. */
export const unreadOf = (conversation: UserConversation): number =>
  Math.max(0, conversation.head - conversation.read - conversation.uncounted.length);

/** One list for all conversations that have nothing of the kind, which is nearly all. */
export const nothingUncounted: readonly number[] = [];
export const nothingMentioned: readonly number[] = [];
