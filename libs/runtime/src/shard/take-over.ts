// Becoming the owner of a shard: append an epoch record with the fence, then read the journal from the checkpoint until
// that record comes back. From then on nobody of an older epoch can append, and everything that was committed is known.
import type { EntityTable } from '../entity/entity-table.ts';
import { entityKey } from '../entity/entity-key.ts';
import type { Lanes } from '../lane/lanes.ts';
import { type Checkpoint, decodeCheckpoint } from '../checkpoint/checkpoint-codec.ts';
import {
  type JournalRecord,
  type KeyValue,
  type TrimGuard,
  UnreadableRecord,
  nobodyReads,
  shardName,
} from '../ports/index.ts';
import { type CommitRecord, FamiliarIdLists, decodeCommit, guessCommit } from '../wire/index.ts';
import { BrokenJournal, type DamageFacts, alarm } from './broken-journal.ts';
import { type CommitterOptions, commit } from './committer.ts';
import type { KnownEnd } from './known-end.ts';
import type { Ledger } from './ledger.ts';
import { ReplayedTail } from './replayed-tail.ts';

export interface TakeOverOptions extends CommitterOptions {
  readonly epoch: number;
  readonly checkpoints: KeyValue;
  readonly trimGuard: TrimGuard;
  readonly knownEnd?: KnownEnd;
  readonly entities: EntityTable;
  readonly lanes: Lanes;
}

export interface TakenOver {
  readonly ledger: Ledger;
  readonly checkpointRevision: number;
  readonly replayedRecords: number;
}

/** Records that a reader passed over are asked for one by one, at most this many; more are taken for gone. */
const passedOverMax = 1_000;
/** Entities a damaged record seems to name, in the alarm. */
const guessedEntitiesMax = 20;

/**
 * Undefined when another epoch turned out to be newer, or the lease ran out. Rejects when log or store is away or trims
 * under our eyes, and with BrokenJournal, after an alarm, when the journal does not hold together.
 */
export async function takeOver(options: TakeOverOptions): Promise<TakenOver | undefined> {
  try {
    return await replayAsOwner(options);
  } catch (cause) {
    if (!(cause instanceof BrokenJournal)) throw cause;
    if (await isTrimmedMeanwhile(options, cause))
      throw new Error(`${shardName(options.shard)}: trimmed while it was read`, { cause });
    await alarm(options, cause);
    throw cause;
  }
}

/** The owner before us, fenced off but still at its last checkpoint, may write it and trim after we have looked. */
async function isTrimmedMeanwhile(
  options: TakeOverOptions,
  { damage, facts }: BrokenJournal,
): Promise<boolean> {
  if (damage !== 'JOURNAL_RECORDS_MISSING' || facts.before === undefined) return false;
  const stored = await readCheckpoint(options);
  return stored !== undefined && stored.checkpoint.replayFrom >= facts.before;
}

async function replayAsOwner(options: TakeOverOptions): Promise<TakenOver | undefined> {
  const [seen, inHistory] = await Promise.all([
    readCheckpoint(options),
    options.trimGuard.safeSequence(options.shard),
  ]);
  const witnesses: readonly Witness[] = [
    { witness: 'checkpoint', known: seen?.checkpoint.sequence ?? 0 },
    { witness: 'owner', known: options.knownEnd?.sequence ?? 0 },
    { witness: 'history', known: inHistory === nobodyReads ? 0 : inHistory },
  ];
  const own = await appendEpochRecord(
    options,
    witnesses.reduce((one, other) => (other.known > one.known ? other : one)),
  );
  if (own === undefined) return undefined;
  // Again: the owner before us may have made a checkpoint, and trimmed, until our record fenced it off.
  const stored = await readCheckpoint(options);
  const checkpoint = stored?.checkpoint;
  const replay = new Replay(options, checkpoint);
  for await (const { sequence, bytes } of options.journal.read(options.shard, checkpoint?.replayFrom ?? 1)) {
    const record = decode(options, { sequence, bytes }, replay.idLists);
    if (!replay.isNext(record)) await replayPassedOver(options, replay, record, sequence);
    replay.apply(record, sequence);
    if (sequence >= own) break;
  }
  // Readers stop where the journal ended when they were asked; the last record may be the one that was passed over.
  if (replay.ledger.sequence < own) {
    const record = await options.journal.at(options.shard, own);
    if (record === undefined) {
      const after = replay.lastSequence;
      throw new BrokenJournal(options.shard, 'JOURNAL_RECORDS_MISSING', { after, sequence: own });
    }
    const read = decode(options, record);
    if (!replay.isNext(read)) await replayPassedOver(options, replay, read, own);
    replay.apply(read, own);
  }
  replay.finish();
  return {
    ledger: replay.ledger,
    checkpointRevision: stored?.revision ?? 0,
    replayedRecords: replay.records,
  };
}

async function readCheckpoint({ checkpoints, shard }: TakeOverOptions) {
  const stored = await checkpoints.get(shardName(shard));
  return stored && { revision: stored.revision, checkpoint: decodeCheckpoint(stored.value) };
}

/** Somebody other than the journal knows a record of it. */
type Witness = Required<Pick<DamageFacts, 'witness' | 'known'>>;

async function appendEpochRecord(options: TakeOverOptions, witness: Witness): Promise<number | undefined> {
  let known = witness;
  let isDoubted = false;
  for (;;) {
    const last = await lastRecordOf(options);
    // Looked at before anything is appended: our own record would hide it.
    const end = last?.sequence ?? 0;
    if (end < known.known) {
      if (isDoubted) throw new BrokenJournal(options.shard, 'JOURNAL_SHORTENED', { ...known, after: end });
      // A leader that was deposed a moment ago may answer with what it had: only what stays is believed.
      isDoubted = true;
      await new Promise<void>((resolve) => options.clock.after(options.limits.laneRetryMsMax, resolve));
      continue;
    }
    known = { witness: 'owner', known: end };
    const lastRecord = last === undefined ? undefined : decode(options, last);
    if (lastRecord !== undefined && lastRecord.epoch >= options.epoch) {
      const fields = { shard: shardName(options.shard), epoch: options.epoch, found: lastRecord.epoch };
      options.log.warn(fields, 'the journal has an epoch that is not older than ours: not taken over');
      return undefined;
    }
    const record: CommitRecord = {
      kind: 'epoch',
      shard: shardName(options.shard),
      epoch: options.epoch,
      n: (lastRecord?.n ?? 0) + 1,
      previousSequence: last?.sequence ?? 0,
      inputOffset: lastRecord?.inputOffset ?? 0,
      ...(lastRecord?.inputPart && { inputPart: lastRecord.inputPart }),
      atMs: Math.max(lastRecord?.atMs ?? 0, options.clock.nowMs()),
      lanesIn: [],
      laneCursors: [],
      events: [],
      effects: [],
    };
    const result = await commit(options, record);
    if (result.outcome === 'committed') {
      options.knownEnd?.note(result.sequence);
      return result.sequence;
    }
    // Fenced here only means that the owner before us committed once more: look again. Its epoch decides.
    if (result.outcome === 'lost' || !options.isLeaseValid()) return undefined;
  }
}

async function lastRecordOf({ journal, shard }: TakeOverOptions): Promise<JournalRecord | undefined> {
  try {
    return await journal.last(shard);
  } catch (cause) {
    if (!(cause instanceof UnreadableRecord)) throw cause;
    throw new BrokenJournal(shard, 'JOURNAL_RECORD_UNREADABLE', {}, cause);
  }
}

function decode(
  { shard }: TakeOverOptions,
  { sequence, bytes }: JournalRecord,
  familiar?: FamiliarIdLists,
): CommitRecord {
  try {
    return decodeCommit(bytes, familiar);
  } catch (cause) {
    const guess = guessCommit(bytes);
    const keys = guess?.events.flatMap(({ type, tenant, ids }) =>
      ids.map((id) => entityKey(type, tenant, id)),
    );
    const entities = [...new Set(keys)].slice(0, guessedEntitiesMax);
    throw new BrokenJournal(shard, 'JOURNAL_RECORD_UNREADABLE', { sequence, records: 1, entities }, cause);
  }
}

/**
 * A reader went from one record to a later one. What lies between is asked for by itself: a reader that is served by
 * a replica with a damaged file passes over what that replica cannot read, and the others have it.
 */
async function replayPassedOver(
  options: TakeOverOptions,
  replay: Replay,
  next: CommitRecord,
  sequence: number,
): Promise<void> {
  const { journal, shard, log } = options;
  const passedOver: { record: CommitRecord; sequence: number }[] = [];
  let [follower, before] = [next, sequence];
  while (!replay.isNext(follower)) {
    const missing = follower.previousSequence;
    const isTurnedBack = missing <= replay.lastSequence;
    const mayAsk = !isTurnedBack && passedOver.length < passedOverMax;
    const found = mayAsk ? await journal.at(shard, missing) : undefined;
    if (found === undefined) {
      const records = replay.countMissing(follower);
      const facts = { after: replay.lastSequence, before, ...(records !== undefined && { records }) };
      throw new BrokenJournal(shard, isTurnedBack ? 'JOURNAL_REWRITTEN' : 'JOURNAL_RECORDS_MISSING', facts);
    }
    [follower, before] = [decode(options, found), found.sequence];
    passedOver.unshift({ record: follower, sequence: before });
  }
  for (const one of passedOver) replay.apply(one.record, one.sequence);
  log.warn(
    { shard: shardName(shard), place: journal.place(shard), first: before, count: passedOver.length },
    'a reader passed over records that another replica has: a NATS server has a damaged file, replace its copy of the stream',
  );
}

class Replay {
  readonly ledger: Ledger;
  /** Recipients of what was read so far. */
  readonly idLists = new FamiliarIdLists();
  records = 0;
  readonly #options: TakeOverOptions;
  readonly #checkpoint: Checkpoint | undefined;
  readonly #tail: ReplayedTail;
  #lastSequence: number | undefined;
  readonly #from: number;
  #lastN: number | undefined;
  #highestEpoch = 0;

  constructor(options: TakeOverOptions, checkpoint: Checkpoint | undefined) {
    this.#options = options;
    this.#checkpoint = checkpoint;
    this.#tail = new ReplayedTail(options.entities, options.lanes);
    this.#from = checkpoint?.replayFrom ?? 1;
    this.ledger = {
      epoch: options.epoch,
      n: checkpoint?.n ?? 0,
      sequence: checkpoint?.sequence ?? 0,
      inputOffset: checkpoint?.inputOffset ?? 0,
      inputPart: undefined,
      atMs: 0,
      lanesIn: toMap(checkpoint?.lanesIn),
      lanesOut: toMap(checkpoint?.lanesOut),
    };
    for (const { shard, number } of checkpoint?.laneCursors ?? []) options.lanes.restoreCursor(shard, number);
  }

  /** The sequence that was read last, or in front of which reading began. */
  get lastSequence(): number {
    return this.#lastSequence ?? this.#from - 1;
  }

  /** Whether the record follows what was read so far. */
  isNext({ previousSequence }: CommitRecord): boolean {
    if (this.#lastSequence === undefined) return previousSequence < this.#from;
    return previousSequence === this.#lastSequence;
  }

  /** How many records are missing in front of this one; undefined when it cannot be told. */
  countMissing({ n }: CommitRecord): number | undefined {
    if (this.#lastN !== undefined) return n - this.#lastN - 1;
    const checkpoint = this.#checkpoint;
    return checkpoint !== undefined && checkpoint.sequence < this.#from ? n - checkpoint.n - 1 : undefined;
  }

  apply(record: CommitRecord, sequence: number): void {
    this.#checkChain(record, sequence);
    this.#lastSequence = sequence;
    // A zombie's commit that slipped in after the epoch record of a newer owner never counted (INV-1).
    if (record.epoch < this.#highestEpoch) return;
    this.#highestEpoch = record.epoch;
    this.#lastN = record.n;
    this.records++;
    this.#tail.add(record);
    if (record.n > (this.#checkpoint?.n ?? 0)) this.#advance(record, sequence);
    this.#tail.dropSent();
  }

  finish(): void {
    this.#tail.finish();
  }

  #checkChain(record: CommitRecord, sequence: number): void {
    const { shard } = this.#options;
    const checkpoint = this.#checkpoint;
    const facts = { after: this.lastSequence, sequence };
    if (record.shard !== shardName(shard)) {
      const cause = `it belongs to ${record.shard}`;
      throw new BrokenJournal(shard, 'JOURNAL_RECORD_UNREADABLE', { sequence }, cause);
    }
    if (!this.isNext(record)) throw new BrokenJournal(shard, 'JOURNAL_RECORDS_MISSING', facts);
    if (this.#lastN !== undefined && record.epoch >= this.#highestEpoch && record.n !== this.#lastN + 1)
      throw new BrokenJournal(shard, 'JOURNAL_REWRITTEN', facts, `n ${record.n} follows ${this.#lastN}`);
    if (checkpoint === undefined) return;
    const isAnother = sequence === checkpoint.sequence && record.n !== checkpoint.n;
    const isPassedBy = sequence > checkpoint.sequence && record.previousSequence < checkpoint.sequence;
    if (isAnother || isPassedBy) {
      const known = { witness: 'checkpoint' as const, known: checkpoint.sequence };
      throw new BrokenJournal(shard, 'JOURNAL_REWRITTEN', { ...facts, ...known });
    }
  }

  #advance(record: CommitRecord, sequence: number): void {
    const { ledger } = this;
    ledger.n = record.n;
    ledger.sequence = sequence;
    ledger.inputOffset = record.inputOffset;
    ledger.inputPart = record.inputPart;
    ledger.atMs = record.atMs;
    for (const { shard, number } of record.lanesIn) ledger.lanesIn.set(shard, number);
    for (const { shard, number } of record.laneCursors) this.#options.lanes.restoreCursor(shard, number);
    for (const { targets } of record.effects) {
      for (const target of targets) ledger.lanesOut.set(target.shard, target.number);
    }
  }
}

const toMap = (marks: readonly { shard: string; number: number }[] = []): Map<string, number> =>
  new Map(marks.map(({ shard, number }) => [shard, number]));
