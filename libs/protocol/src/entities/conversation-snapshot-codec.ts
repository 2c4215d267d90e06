// The part of snapshots that direct conversations and groups share.
import type { ConversationLogSnapshot, DedupeEntry, MessageChange } from '@parley/domain';
import type { parley } from '../messages.ts';
import { fromWireMessage, toWireMessage } from './log-message-codec.ts';
import { readChanges } from './rich-content-codec.ts';
import { listOf, plain } from './shape.ts';

export const toConversationSnapshot = (
  snapshot: ConversationLogSnapshot,
): parley.internal.v1.ConversationSnapshot.$Properties => ({
  head: snapshot.head,
  dedupe: snapshot.dedupe as DedupeEntry[],
  tail: snapshot.tail.map(toWireMessage),
  changes: snapshot.changes as MessageChange[],
});

export function readConversationSnapshot(
  message: parley.internal.v1.ConversationSnapshot.$Properties | null | undefined,
): ConversationLogSnapshot {
  if (message === null || message === undefined) throw new RangeError('snapshot: the conversation is absent');
  return {
    head: message.head ?? 0,
    dedupe: readDedupe(message.dedupe ?? []),
    tail: (message.tail ?? []).map((each) => fromWireMessage(each as parley.v1.Message)),
    changes: readChanges(message.changes ?? []),
  };
}

const readDedupe = listOf<DedupeEntry>({
  sender: plain,
  clientMessageId: plain,
  sequence: plain,
  atMs: plain,
});
