// The part of snapshots that direct conversations and groups share.
import type { ConversationLogSnapshot, DedupeEntry } from '@parley/domain';
import type { parley } from '../messages.ts';
import { fromWireMessage, toWireMessage } from './log-message-codec.ts';
import { listOf, plain } from './shape.ts';

export const toConversationSnapshot = (
  snapshot: ConversationLogSnapshot,
): parley.internal.v1.ConversationSnapshot.$Properties => ({
  head: snapshot.head,
  dedupe: snapshot.dedupe as DedupeEntry[],
  tail: snapshot.tail.map(toWireMessage),
});

export function readConversationSnapshot(
  message: parley.internal.v1.ConversationSnapshot.$Properties | null | undefined,
): ConversationLogSnapshot {
  if (message === null || message === undefined) throw new RangeError('snapshot: the conversation is absent');
  return {
    head: message.head ?? 0,
    dedupe: readDedupe(message.dedupe ?? []),
    tail: (message.tail ?? []).map((each) => fromWireMessage(each as parley.v1.Message)),
  };
}

const readDedupe = listOf<DedupeEntry>({
  sender: plain,
  clientMessageId: plain,
  sequence: plain,
  atMs: plain,
});
