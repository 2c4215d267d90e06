// A journal record as far as it is about conversations, and the bytes of all its events. Decoded once, however many
// projections take it.
import { EventCursor, type JournalRecord, decodeCommitExcerpt } from '@parley/runtime';
import { type LogElement, conversationEventTypes, logElementsOf } from './conversation-log.ts';

export interface ConversationRecord {
  readonly epoch: number;
  readonly n: number;
  readonly previousSequence: number;
  /** Time of the commit, by its owner's clock. */
  readonly atMs: number;
  /** Throws when it holds an event that this program does not know. */
  elements(): readonly LogElement[];
  /** All that was journaled, to be read once from the start. */
  events(): EventCursor;
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
  const { events, allEvents, ...head } = decodeCommitExcerpt(bytes, conversationEventTypes);
  let elements: readonly LogElement[] | undefined;
  return {
    ...head,
    elements: () => (elements ??= events.flatMap(logElementsOf)),
    events: () => new EventCursor(allEvents),
  };
}
