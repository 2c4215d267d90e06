// Whether a journal is still the one that history was made of: it has the record history took in last, or has trimmed it.
// A NATS server may come back with an older copy; then new records get sequences that history has seen before.
import { type Journal, type ShardId, decodeCommit } from '@parley/runtime';
import type { ShardProgress } from './history-batch.ts';

export type JournalMatch =
  | { readonly kind: 'same' }
  /** It ends before what history has: acknowledged records are gone. `end`: its last sequence. */
  | { readonly kind: 'shorter'; readonly end: number }
  /** Under the sequence that history took in last stands another record. */
  | { readonly kind: 'another'; readonly reason: string };

/** Rejects when the journal is away. */
export async function matchJournal(
  journal: Pick<Journal, 'last' | 'at'>,
  shard: ShardId,
  position: ShardProgress,
): Promise<JournalMatch> {
  const end = (await journal.last(shard))?.sequence ?? 0;
  if (end < position.sequence) return { kind: 'shorter', end };
  const stored = await journal.at(shard, position.sequence);
  // Trimmed, which takes history's own word; or damaged, which is the owner's to find.
  if (stored === undefined) return { kind: 'same' };
  const { n, atMs } = decodeCommit(stored.bytes);
  if (n === position.n && atMs === position.atMs) return { kind: 'same' };
  const reason = `record ${position.sequence} is n ${n} of ${atMs}, history has n ${position.n} of ${position.atMs}`;
  return { kind: 'another', reason };
}
