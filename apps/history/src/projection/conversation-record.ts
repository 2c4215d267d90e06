// A journal record as far as it is about conversations. Decoded once, however many projections take it.
import { type JournalRecord, decodeCommitExcerpt } from '@parley/runtime';
import { type LogElement, conversationEventTypes, logElementsOf } from './conversation-log.ts';

export interface ConversationRecord {
  readonly epoch: number;
  readonly n: number;
  readonly previousSequence: number;
  /** Time of the commit, by its owner's clock. */
  readonly atMs: number;
  /** Throws when it holds an event that this program does not know. */
  elements(): readonly LogElement[];
}

/** On the record itself, and gone with it: entries of a WeakMap would cost the garbage collector more than the decoding. */
interface DecodedRecord extends JournalRecord {
  conversations?: ConversationRecord;
}

/** Throws BadCommitRecord on bytes no program of this version wrote. */
export function conversationRecord(journaled: DecodedRecord): ConversationRecord {
  return (journaled.conversations ??= decode(journaled.bytes));
}

function decode(bytes: Uint8Array): ConversationRecord {
  const { events, ...head } = decodeCommitExcerpt(bytes, conversationEventTypes);
  let elements: readonly LogElement[] | undefined;
  return { ...head, elements: () => (elements ??= events.flatMap(logElementsOf)) };
}
