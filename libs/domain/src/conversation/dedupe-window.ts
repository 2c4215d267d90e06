// Remembers the newest posted messages by (sender, client message id), so that a retry gets the first answer again.
// Bounded by count and by age; both are applied while evolving, so replay forgets exactly what the live shard forgot.
// An entry beyond its age that no later post has pushed out still answers: a second message would be worse.
import type { ConversationLimits } from './conversation-limits.ts';

export interface DedupeEntry {
  readonly sender: string;
  readonly clientMessageId: string;
  readonly sequence: number;
  readonly atMs: number;
}

export interface DedupeWindow {
  readonly byKey: Map<string, DedupeEntry>;
  /** The same entries in order of sequence. (Asking the Map for its oldest would walk over the deleted ones.) */
  readonly order: DedupeEntry[];
}

type DedupeLimits = Pick<ConversationLimits, 'dedupeCountMax' | 'dedupeAgeMaxMs'>;

export const emptyDedupe = (): DedupeWindow => ({ byKey: new Map(), order: [] });

export const findPosted = (
  window: DedupeWindow,
  sender: string,
  clientMessageId: string,
): DedupeEntry | undefined => window.byKey.get(keyOf(sender, clientMessageId));

export function rememberPosted(window: DedupeWindow, entry: DedupeEntry, limits: DedupeLimits): void {
  window.byKey.set(keyOf(entry.sender, entry.clientMessageId), entry);
  window.order.push(entry);
  for (let oldest = window.order[0]; oldest !== undefined; oldest = window.order[0]) {
    const isYoung = entry.atMs - oldest.atMs <= limits.dedupeAgeMaxMs;
    if (isYoung && window.order.length <= limits.dedupeCountMax) break;
    window.order.shift();
    window.byKey.delete(keyOf(oldest.sender, oldest.clientMessageId));
  }
}

export const restoreDedupe = (entries: readonly DedupeEntry[]): DedupeWindow => ({
  byKey: new Map(entries.map((entry) => [keyOf(entry.sender, entry.clientMessageId), entry])),
  order: entries.slice(),
});

// Neither part can contain a space (protocol/ids.ts), so the key is unambiguous.
const keyOf = (sender: string, clientMessageId: string): string => `${sender} ${clientMessageId}`;
