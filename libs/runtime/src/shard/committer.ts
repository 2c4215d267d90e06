// Appends one record and finds out for certain whether it is in the journal. The only place where the fence is handled.
// A lost or ambiguous answer is resolved by reading the shard's last record from the log's leader: replicated and single
// logs answer a repeated append differently, the record itself does not lie.
import { type Clock, assert } from '@parley/std';
import type { RuntimeLimits } from '../limits.ts';
import { type Journal, type Log, type ShardId, UnreadableRecord, shardName } from '../ports/index.ts';
import { type CommitRecord, decodeCommit, encodeCommit } from '../wire/index.ts';

export type CommitOutcome =
  | { readonly outcome: 'committed'; readonly sequence: number; readonly bytes: number }
  /** Another epoch has written: this owner is history. */
  | { readonly outcome: 'fenced' }
  /** The journal ends at `found`, before the record this one was to follow: acknowledged records are gone. */
  | { readonly outcome: 'shortened'; readonly found: number }
  /** The lease ran out before the log answered; whether it is stored is for the next owner to find. */
  | { readonly outcome: 'lost' };

export interface CommitterOptions {
  readonly shard: ShardId;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly log: Log;
  /** Whether the owner may still act; past the lease an ambiguous append is given up. */
  readonly isLeaseValid: () => boolean;
}

/** What every log takes as one message: NATS' default maximum payload of 1 MiB, with room for headers. */
export const recordBytesMax = 1024 * 1024 - 4096;

export async function commit(options: CommitterOptions, record: CommitRecord): Promise<CommitOutcome> {
  const { shard, journal, clock, limits, log } = options;
  const bytes = encodeCommit(record);
  // The log would refuse it for ever: better the shard breaks down, loudly, than that it asks again and again.
  assert(bytes.length <= recordBytesMax, `${shardName(shard)}: a commit of ${bytes.length} bytes`);
  const commitId = `${shardName(shard)}:${record.epoch}:${record.n}`;
  let isShortened = false;
  for (let isFirst = true; ; isFirst = false) {
    const result = await journal.append(shard, record.previousSequence, commitId, bytes);
    if (result.outcome === 'committed') {
      return { outcome: 'committed', sequence: result.sequence, bytes: bytes.length };
    }
    if (result.outcome === 'conflict') {
      const found = await findOwn(options, record);
      if (found === 'fenced') return { outcome: 'fenced' };
      if (typeof found === 'object') {
        // Once may be a leader that was deposed a moment ago.
        if (isShortened) return { outcome: 'shortened', found: found.end };
        isShortened = true;
        await new Promise<void>((resolve) => clock.after(limits.laneRetryMsMax, resolve));
      } else if (found !== 'unreachable')
        return { outcome: 'committed', sequence: found, bytes: bytes.length };
    }
    if (!options.isLeaseValid()) return { outcome: 'lost' };
    // One line for each commit that waits, however often it is tried.
    if (result.outcome === 'unknown' && isFirst) {
      log.warn(
        { shard: shardName(shard), n: record.n, cause: result.cause.message },
        'append unanswered, asking again',
      );
    }
    await new Promise<void>((resolve) => clock.after(limits.appendRetryMs, resolve));
  }
}

/** The sequence of our record when it is the last one, after all. */
async function findOwn(
  options: CommitterOptions,
  record: CommitRecord,
): Promise<number | 'fenced' | 'unreachable' | { readonly end: number }> {
  let last;
  try {
    last = await options.journal.last(options.shard);
  } catch (cause) {
    if (cause instanceof UnreadableRecord) throw cause;
    options.log.warn(
      { shard: shardName(options.shard), cause: String(cause) },
      'journal leader not reachable',
    );
    return 'unreachable';
  }
  if (last === undefined || last.sequence < record.previousSequence) return { end: last?.sequence ?? 0 };
  const found = decodeCommit(last.bytes);
  return found.epoch === record.epoch && found.n === record.n ? last.sequence : 'fenced';
}
