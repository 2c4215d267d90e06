// The account and the conversations of a user, as snapshots, answers and the welcome carry them.
import {
  type Account,
  type ConversationSettings,
  type OwnConversation,
  type UserConversation,
  nothingMentioned,
} from '@parley/domain';
import { initialOwn, nothingUncounted, unreadOf } from '@parley/domain';
import type { parley } from '../messages.ts';
import { type Shape, copier, optional, plain, required } from './shape.ts';

export const accountShape: Shape<Account> = {
  handle: plain,
  displayName: plain,
  passwordHash: plain,
  atMs: plain,
};

const settingsShape: Shape<ConversationSettings> = {
  doNotDisturbUntilMs: plain,
  pinned: plain,
  hidden: plain,
  markedUnread: plain,
  hiddenThrough: plain,
};

export const readSettings = required(settingsShape);
export const readOptionalSettings = optional(settingsShape);

const copyConversation = copier<UserConversation>({
  conversation: plain,
  head: plain,
  read: plain,
  firstVisible: plain,
  left: plain,
  diffusion: plain,
  diffusionSince: plain,
  title: plain,
  peerRead: plain,
  peerDelivered: plain,
  uncounted: (sequences: readonly number[]) => (sequences.length === 0 ? nothingUncounted : [...sequences]),
  mentioned: (sequences: readonly number[]) => (sequences.length === 0 ? nothingMentioned : [...sequences]),
  own: () => undefined,
});

export const toWireConversation = (conversation: UserConversation): parley.v1.Conversation.$Properties => ({
  ...conversation,
  uncounted: conversation.uncounted as number[],
  mentioned: conversation.mentioned as number[],
  unreadMentions: conversation.mentioned.length,
  // Whoever has read it has got it.
  peerDelivered: conversation.peerDelivered > conversation.peerRead ? conversation.peerDelivered : 0,
  unread: unreadOf(conversation),
  ...(conversation.own && {
    settings: conversation.own.settings,
    clearedThrough: conversation.own.clearedThrough,
    deleted: conversation.own.deleted as number[],
  }),
});

/** `unread` follows from the rest and is not read back. */
export function readConversation(message: parley.v1.Conversation): UserConversation {
  const conversation = copyConversation(message);
  const own = readOwn(message);
  return own === undefined ? conversation : { ...conversation, own };
}

/** Undefined where nothing was ever set or deleted. */
function readOwn({ settings, clearedThrough, deleted }: parley.v1.Conversation): OwnConversation | undefined {
  if (settings == null && clearedThrough === 0 && deleted.length === 0) return undefined;
  return {
    settings: readOptionalSettings(settings) ?? initialOwn.settings,
    clearedThrough,
    deleted: [...deleted],
  };
}
