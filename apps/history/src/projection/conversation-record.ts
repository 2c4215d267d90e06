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

const decoded = new WeakMap<JournalRecord, ConversationRecord>();

/** Throws BadCommitRecord on bytes no program of this version wrote. */
export function conversationRecord(journaled: JournalRecord): ConversationRecord {
  const known = decoded.get(journaled);
  if (known !== undefined) return known;
  const { events, ...head } = decodeCommitExcerpt(journaled.bytes, conversationEventTypes);
  let elements: readonly LogElement[] | undefined;
  const record = { ...head, elements: () => (elements ??= events.flatMap(logElementsOf)) };
  decoded.set(journaled, record);
  return record;
}
