// The background checkpoint of a shard: stores snapshots of the longest dirty entities within a byte budget, then writes
// where replay may start, then trims journal and command log up to what nobody needs any more. Fuzzy: the shard goes on
// meanwhile. Every write is fenced by revision; losing a race means a newer owner exists.
import type { Timer } from '@parley/std';
import { type Entity, keyOf } from '../entity/entity-table.ts';
import { nobodyReads } from '../ports/index.ts';
import type { Captured, Shard } from '../shard/shard.ts';
import type { ShardOptions } from '../shard/shard-options.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint-codec.ts';
import { decodeStoredState } from './snapshot-codec.ts';

/**
 * Entities captured at one commit boundary, and snapshots on their way at the same time: bounds the pause that encoding
 * them makes, and what commits and pushes find in front of them on the connection.
 */
const capturedAtOnce = 16;

export class Checkpointer {
  readonly #options: ShardOptions;
  readonly #shard: Shard;
  #revision = 0;
  #journalBytes = 0;
  #lastN = 0;
  #isStopped = false;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ShardOptions, shard: Shard) {
    this.#options = options;
    this.#shard = shard;
  }

  start(revision: number): void {
    this.#revision = revision;
    this.#schedule(this.#options.limits.checkpointEveryMs * firstPart(this.#options.shard.index));
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Counts towards the next checkpoint; a busy shard makes one before its time comes. */
  noteJournalBytes(bytes: number): void {
    this.#journalBytes += bytes;
    if (this.#journalBytes >= this.#options.limits.checkpointJournalBytes) void this.runOnce();
  }

  /** Makes a checkpoint now, or waits for the one that is being made. Never rejects: failures are logged and retried. */
  runOnce(): Promise<void> {
    this.#running ??= this.#checkpoint()
      .catch((cause: unknown) => {
        const fields = { shard: this.#shard.name, cause: String(cause) };
        if (!this.#isStopped)
          this.#options.log.warn(fields, 'checkpoint failed, trimming waits for the next one');
      })
      .finally(() => (this.#running = undefined));
    return this.#running;
  }

  /**
   * Writes down how far this owner knows the journal to have gone, though the journal itself does not know it any more.
   * Never rejects: then the alarm is all there is.
   */
  async remember(): Promise<void> {
    try {
      await this.#write(this.#checkpointOf(this.#coveredUpTo()));
    } catch (cause) {
      const fields = { shard: this.#shard.name, cause: String(cause) };
      this.#options.log.error(fields, 'the end of a lost journal could not be written into the checkpoint');
    }
  }

  #schedule(delayMs = this.#options.limits.checkpointEveryMs): void {
    this.#timer = this.#options.clock.after(delayMs, () => {
      void this.runOnce().then(() => {
        if (!this.#isStopped) this.#schedule();
      });
    });
  }

  async #checkpoint(): Promise<void> {
    if (this.#isStopped || this.#shard.ledger.n === this.#lastN) return;
    this.#journalBytes = 0;
    await this.#storeSnapshots();
    if (this.#isStopped) return;
    const covered = this.#coveredUpTo();
    const checkpoint = this.#checkpointOf(covered);
    await this.#write(checkpoint);
    const trimmed = await this.#trim(covered, checkpoint.inputOffset);
    // Entities beyond the byte budget, or a history that is behind: there is more to do though nothing new happens.
    this.#lastN = trimmed >= checkpoint.sequence ? checkpoint.n : 0;
  }

  #checkpointOf(covered: number): Checkpoint {
    const { ledger } = this.#shard;
    return {
      epoch: ledger.epoch,
      n: ledger.n,
      sequence: ledger.sequence,
      replayFrom: covered + 1,
      inputOffset: ledger.inputOffset,
      lanesIn: toMarks(ledger.lanesIn),
      lanesOut: toMarks(ledger.lanesOut),
      laneCursors: this.#shard.lanes.cursors(),
    };
  }

  async #write(checkpoint: Checkpoint): Promise<void> {
    const { checkpoints } = this.#options.ports;
    const { name } = this.#shard;
    const bytes = encodeCheckpoint(checkpoint);
    let result = await checkpoints.write(name, bytes, this.#revision);
    if (result.outcome === 'conflict') {
      // A deposed owner was late, or the acknowledgement of our last one got lost.
      const stored = await checkpoints.get(name);
      if (stored !== undefined && decodeCheckpoint(stored.value).epoch > checkpoint.epoch)
        throw new Error('a newer owner has written the checkpoint');
      result = await checkpoints.write(name, bytes, stored?.revision ?? 0);
      if (result.outcome === 'conflict') throw new Error('the checkpoint is written by somebody else');
    }
    this.#revision = result.revision;
  }

  /** Everything up to here is in snapshots, and its effects have left. */
  #coveredUpTo(): number {
    const { entities, lanes, ledger } = this.#shard;
    return Math.min(entities.coveredUpTo() ?? Infinity, lanes.coveredUpTo() ?? Infinity, ledger.sequence);
  }

  /** The journal sequence up to which nothing is needed any more. */
  async #trim(covered: number, inputOffset: number): Promise<number> {
    const { journal, commandLog, trimGuard } = this.#options.ports;
    const { shard } = this.#options;
    const inHistory = await trimGuard.safeSequence(shard);
    // What history has and the journal has not was lost; trimming by such a number would take what history never saw.
    if (inHistory > this.#shard.ledger.sequence && inHistory !== nobodyReads)
      await this.#shard.checkAgainstHistory(inHistory);
    if (this.#isStopped) return 0;
    const safe = Math.min(covered, inHistory);
    if (safe > 0) await journal.trim(shard, safe);
    if (inputOffset > 0) await commandLog.trim(shard, inputOffset);
    return safe;
  }

  async #storeSnapshots(): Promise<void> {
    const keys = this.#shard.entities.dirtyKeys();
    let bytes = 0;
    for (
      let at = 0;
      at < keys.length && bytes < this.#options.limits.checkpointBytesMax;
      at += capturedAtOnce
    ) {
      const entities = await Promise.all(
        keys.slice(at, at + capturedAtOnce).map((key) => this.#shard.loadIfReadable(key)),
      );
      // One that cannot be read stays dirty: its events stay in the journal for a person to look at.
      const captured = await this.#shard.capture(
        entities.filter((entity) => entity?.dirtyAfter !== undefined) as Entity[],
      );
      if (captured === undefined || this.#isStopped) return;
      await Promise.all(captured.map((one) => this.#store(one)));
      for (const one of captured) bytes += one.bytes.length;
    }
  }

  async #store(captured: Captured): Promise<void> {
    const { entity } = captured;
    const { snapshots } = this.#options.ports;
    const key = keyOf(entity);
    let result = await snapshots.save(key, captured.bytes, entity.snapshotRevision);
    if (result.outcome === 'conflict') {
      // A deposed owner was late with an older snapshot, or our own acknowledgement got lost.
      const stored = await snapshots.load(key);
      const found = stored === undefined ? undefined : decodeStoredState(stored.bytes);
      if (found !== undefined && found.epoch > this.#shard.epoch)
        throw new Error('a newer owner has written snapshots');
      result = await snapshots.save(key, captured.bytes, stored?.revision ?? 0);
      if (result.outcome === 'conflict')
        throw new Error(`the snapshot of ${entity.type.name} is written by somebody else`);
    }
    entity.snapshotRevision = result.revision;
    markStored(entity, captured);
  }
}

/**
 * A process takes over its shards at the same moment; were their checkpoints made at the same moment too, everybody would
 * wait for them. So the first comes after a part of the time, between a half and the whole: multiples of the golden ratio
 * lie evenly apart, whichever of the shards it has.
 */
const firstPart = (index: number): number => 1 - ((index * 0.618_034) % 1) / 2;

function markStored(entity: Entity, captured: Captured): void {
  entity.dirtyAfter = entity.lastEventN > captured.n ? captured.sequence : undefined;
}

const toMarks = (numbers: ReadonlyMap<string, number>): { shard: string; number: number }[] =>
  [...numbers].map(([shard, number]) => ({ shard, number }));
