// The part of snapshots that direct conversations and groups share.
import type {
  ConversationLogSnapshot,
  DedupeEntry,
  MarksSnapshot,
  MessageChange,
  ReactionsSnapshot,
} from '@parley/domain';
import type { parley } from '../messages.ts';
import { fromWireMessage, toWireMessage } from './log-message-codec.ts';
import { readChanges } from './rich-content-codec.ts';
import { list, listOf, plain } from './shape.ts';

export const toConversationSnapshot = (
  snapshot: ConversationLogSnapshot,
): parley.internal.v1.ConversationSnapshot.$Properties => ({
  head: snapshot.head,
  dedupe: snapshot.dedupe as DedupeEntry[],
  tail: snapshot.tail.map(toWireMessage),
  changes: snapshot.changes as MessageChange[],
  ...(snapshot.marks as parley.internal.v1.ConversationSnapshot.$Properties | undefined),
});

export function readConversationSnapshot(
  message: parley.internal.v1.ConversationSnapshot.$Properties | null | undefined,
): ConversationLogSnapshot {
  if (message === null || message === undefined) throw new RangeError('snapshot: the conversation is absent');
  const marks = readMarks(message);
  return {
    head: message.head ?? 0,
    dedupe: readDedupe(message.dedupe ?? []),
    tail: (message.tail ?? []).map((each) => fromWireMessage(each as parley.v1.Message)),
    changes: readChanges(message.changes ?? []),
    ...(marks && { marks }),
  };
}

/** Undefined where there are none, as nearly everywhere. */
function readMarks(message: parley.internal.v1.ConversationSnapshot.$Properties): MarksSnapshot | undefined {
  const reactions = message.reactions ?? [];
  const reactionsForgotten = message.reactionsForgotten ?? 0;
  const pinned = message.pinned ?? [];
  if (reactions.length === 0 && pinned.length === 0 && reactionsForgotten === 0) return undefined;
  return { reactions: readReactions(reactions), reactionsForgotten, pinned: [...pinned] };
}

const readReactions = listOf<ReactionsSnapshot>({
  target: plain,
  revision: plain,
  announced: plain,
  emojis: listOf<ReactionsSnapshot['emojis'][number]>({ emoji: plain, users: list }),
});

const readDedupe = listOf<DedupeEntry>({
  sender: plain,
  clientMessageId: plain,
  sequence: plain,
  atMs: plain,
});
