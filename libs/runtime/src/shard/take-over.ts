// Becoming the owner of a shard: append an epoch record with the fence, then read the journal from the checkpoint until
// that record comes back. From then on nobody of an older epoch can append, and everything that was committed is known.
import type { EntityTable } from '../entity/entity-table.ts';
import { entityKey } from '../entity/entity-key.ts';
import type { Lanes, PendingEffect } from '../lane/lanes.ts';
import { type Checkpoint, decodeCheckpoint } from '../checkpoint/checkpoint-codec.ts';
import { type KeyValue, shardName } from '../ports/index.ts';
import { type CommitRecord, decodeCommit } from '../wire/index.ts';
import { type CommitterOptions, commit } from './committer.ts';
import type { Ledger } from './ledger.ts';

export interface TakeOverOptions extends CommitterOptions {
  readonly epoch: number;
  readonly checkpoints: KeyValue;
  readonly entities: EntityTable;
  readonly lanes: Lanes;
}

export interface TakenOver {
  readonly ledger: Ledger;
  readonly checkpointRevision: number;
  readonly replayedRecords: number;
}

/** The journal does not hold together: records are missing. A person must look; serving would hide a loss. */
export class BrokenJournal extends Error {
  override readonly name = 'BrokenJournal';
}

/** Undefined when another epoch turned out to be newer, or the lease ran out. Rejects when log or store is away. */
export async function takeOver(options: TakeOverOptions): Promise<TakenOver | undefined> {
  const name = shardName(options.shard);
  const seen = await readCheckpoint(options);
  const own = await appendEpochRecord(options, seen?.checkpoint.sequence ?? 0);
  if (own === undefined) return undefined;
  // Again: the owner before us may have made a checkpoint, and trimmed, until our record fenced it off.
  const stored = await readCheckpoint(options);
  const checkpoint = stored?.checkpoint;
  const replay = new Replay(options, checkpoint);
  for await (const { sequence, bytes } of options.journal.read(options.shard, checkpoint?.replayFrom ?? 1)) {
    replay.apply(decodeCommit(bytes), sequence);
    if (sequence >= own) break;
  }
  if (replay.ledger.sequence < own)
    throw new BrokenJournal(`${name}: own epoch record ${own} was not read back`);
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

/** `checkpointed`: the journal sequence of the newest checkpoint, 0 without one. */
async function appendEpochRecord(
  options: TakeOverOptions,
  checkpointed: number,
): Promise<number | undefined> {
  for (;;) {
    const last = await options.journal.last(options.shard);
    // Looked at before anything is appended: our own record would hide it.
    if ((last?.sequence ?? 0) < checkpointed) {
      const name = shardName(options.shard);
      throw new BrokenJournal(
        `${name}: ends at ${last?.sequence ?? 0}, the checkpoint knows ${checkpointed}`,
      );
    }
    const lastRecord = last === undefined ? undefined : decodeCommit(last.bytes);
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
    if (result.outcome === 'committed') return result.sequence;
    // Fenced here only means that the owner before us committed once more: look again. Its epoch decides.
    if (result.outcome === 'lost' || !options.isLeaseValid()) return undefined;
  }
}

class Replay {
  readonly ledger: Ledger;
  records = 0;
  readonly #options: TakeOverOptions;
  readonly #checkpoint: Checkpoint | undefined;
  readonly #effects: PendingEffect[] = [];
  #lastSequence: number | undefined;
  #lastN: number | undefined;
  #highestEpoch = 0;

  constructor(options: TakeOverOptions, checkpoint: Checkpoint | undefined) {
    this.#options = options;
    this.#checkpoint = checkpoint;
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

  apply(record: CommitRecord, sequence: number): void {
    this.#checkChain(record, sequence);
    this.#lastSequence = sequence;
    // A zombie's commit that slipped in after the epoch record of a newer owner never counted (INV-1).
    if (record.epoch < this.#highestEpoch) return;
    this.#highestEpoch = record.epoch;
    this.#lastN = record.n;
    this.records++;
    this.#collect(record);
    if (record.n > (this.#checkpoint?.n ?? 0)) this.#advance(record, sequence);
  }

  /** Hands effects that were committed but perhaps not sent to the lanes, now that all cursors are known. */
  finish(): void {
    for (const effect of this.#effects) this.#options.lanes.enqueue(effect);
  }

  #checkChain(record: CommitRecord, sequence: number): void {
    const name = shardName(this.#options.shard);
    if (record.shard !== name)
      throw new BrokenJournal(`${name}: record ${sequence} belongs to ${record.shard}`);
    const isFirst = this.#lastSequence === undefined;
    if (!isFirst && record.previousSequence !== this.#lastSequence) {
      throw new BrokenJournal(`${name}: a record is missing before sequence ${sequence}`);
    }
    if (isFirst && record.previousSequence >= (this.#checkpoint?.replayFrom ?? 1))
      throw new BrokenJournal(`${name}: records before n ${record.n} are missing`);
    if (this.#lastN !== undefined && record.epoch >= this.#highestEpoch && record.n !== this.#lastN + 1) {
      throw new BrokenJournal(`${name}: n ${record.n} follows ${this.#lastN}`);
    }
  }

  #collect(record: CommitRecord): void {
    for (const event of record.events) {
      // Copied once: the payload is a view on the whole commit, which would stay in memory with it.
      const payload = Uint8Array.prototype.slice.call(event.payload) as Uint8Array;
      for (const id of event.ids) {
        const key = entityKey(event.type, event.tenant, id);
        this.#options.entities.addToTail(key, record.n, payload, record.previousSequence);
      }
    }
    for (const { type, tenant, payload, targets } of record.effects) {
      const copy = Uint8Array.prototype.slice.call(payload) as Uint8Array;
      for (const { shard, number, ids } of targets) {
        const effect = { type, tenant, ids, payload: copy };
        this.#effects.push({ target: shard, number, effect, previousSequence: record.previousSequence });
      }
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
