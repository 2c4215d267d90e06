// The account and the conversations of a user, as snapshots, answers and the welcome carry them.
import {
  type Account,
  type UserConversation,
  nothingMentioned,
  nothingUncounted,
  unreadOf,
} from '@parley/domain';
import type { parley } from '../messages.ts';
import { type Shape, copier, plain } from './shape.ts';

export const accountShape: Shape<Account> = {
  handle: plain,
  displayName: plain,
  passwordHash: plain,
  atMs: plain,
};

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
  uncounted: (sequences: readonly number[]) => (sequences.length === 0 ? nothingUncounted : [...sequences]),
  mentioned: (sequences: readonly number[]) => (sequences.length === 0 ? nothingMentioned : [...sequences]),
});

export const toWireConversation = (conversation: UserConversation): parley.v1.Conversation.$Properties => ({
  ...conversation,
  uncounted: conversation.uncounted as number[],
  mentioned: conversation.mentioned as number[],
  unreadMentions: conversation.mentioned.length,
  unread: unreadOf(conversation),
});

/** `unread` follows from the rest and is not read back. */
export const readConversation = (message: parley.v1.Conversation): UserConversation =>
  copyConversation(message);
