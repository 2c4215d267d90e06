// A journal that does not hold together, and the one line that tells the operator. Serving on would hide a loss, or build
// on it; so the shard is not served until its stream is restored. Everything else goes on.
import { type Journal, type Log, type ShardId, type TrimGuard, shardName } from '../ports/index.ts';

export type JournalDamage =
  /** Records between two others are gone. */
  | 'JOURNAL_RECORDS_MISSING'
  /** The bytes of a record fail a checksum, NATS' or ours, or are of a newer version. */
  | 'JOURNAL_RECORD_UNREADABLE'
  /** It ends before a record that somebody knows to have been acknowledged. */
  | 'JOURNAL_SHORTENED'
  /** Its records are not the ones that the checkpoint was made of: an end was lost, and written again. */
  | 'JOURNAL_REWRITTEN';

export interface DamageFacts {
  /** The last sequence of the shard that is there, in front of the damage. */
  readonly after?: number;
  /** The first sequence of the shard that is there, behind the damage. */
  readonly before?: number;
  /** The damaged sequence itself. */
  readonly sequence?: number;
  /** How many records of the shard are gone, where it can be counted. */
  readonly records?: number;
  /** Who knows of a record that is gone. */
  readonly witness?: 'owner' | 'checkpoint' | 'history' | 'snapshot';
  /** The last sequence the witness knows. */
  readonly known?: number;
  /** What damaged bytes seem to say; not to be relied on. */
  readonly entities?: readonly string[];
}

/** A person must look. */
export class BrokenJournal extends Error {
  override readonly name = 'BrokenJournal';
  readonly damage: JournalDamage;
  readonly facts: DamageFacts;

  constructor(shard: ShardId, damage: JournalDamage, facts: DamageFacts, cause?: unknown) {
    super(`${shardName(shard)}: ${damage} ${JSON.stringify(facts)}`, cause === undefined ? {} : { cause });
    this.damage = damage;
    this.facts = facts;
  }
}

export interface AlarmOptions {
  readonly shard: ShardId;
  readonly journal: Journal;
  readonly trimGuard: TrimGuard;
  readonly log: Log;
}

/** One line for a person, with everything that is known. Again at each try to serve the shard, which stays closed. */
export async function alarm(options: AlarmOptions, broken: BrokenJournal): Promise<void> {
  const { shard, journal, trimGuard, log } = options;
  // Whether the messages of what is gone can still be read, from ClickHouse. Unknown while NATS is away.
  const history = await trimGuard.safeSequence(shard).catch(() => undefined);
  const { after, before, sequence, known } = broken.facts;
  const lastGone = sequence ?? known ?? (before === undefined ? undefined : before - 1);
  const fields = {
    shard: shardName(shard),
    code: broken.damage,
    place: journal.place(shard),
    ...broken.facts,
    ...(after !== undefined && lastGone !== undefined && { gone: `${after + 1}..${lastGone}` }),
    historyHasUpTo: history,
    isInHistory: history !== undefined && lastGone !== undefined && history >= lastGone,
    cause: broken.cause === undefined ? undefined : String(broken.cause),
  };
  log.error(
    fields,
    'the journal is damaged or has lost acknowledged records: the shard is not served until its NATS stream is restored',
  );
}
