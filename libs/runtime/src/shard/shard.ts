// One shard of entities: reads its input in order, decides while the commit before is in flight, commits everything decided
// since as one record, and only then lets anything out. A short conductor; its parts have names:
// Decisions (input → batch), commit() (batch → journal), Release (batch → world), Lanes, Checkpointer, Housekeeping.
// FLOW.md beside this file numbers the steps.
import { assert, type Timer } from '@parley/std';
import { Checkpointer } from '../checkpoint/checkpointer.ts';
import { encodeStoredState } from '../checkpoint/snapshot-codec.ts';
import { EntityTable, type Entity, SnapshotAhead } from '../entity/entity-table.ts';
import { Lanes } from '../lane/lanes.ts';
import { type IntakeReader, UnreadableRecord, shardName } from '../ports/index.ts';
import { BadCommitRecord, type CommitRecord, type InputPart, decodeCommit } from '../wire/index.ts';
import { Batch } from './batch.ts';
import { commit } from './committer.ts';
import { Decisions } from './decisions.ts';
import { Housekeeping } from './housekeeping.ts';
import { foresee } from './foresight.ts';
import { Intake, LaneGap } from './intake.ts';
import type { Ledger } from './ledger.ts';
import { Queries } from './queries.ts';
import { Release } from './release.ts';
import type { ShardEnd, ShardOptions } from './shard-options.ts';
import { isTransient } from './transient.ts';
import { Subscribers } from './subscribers.ts';
import { BrokenJournal, type DamageFacts, alarm } from './broken-journal.ts';
import { takeOver } from './take-over.ts';

/** A snapshot taken at a commit boundary, to be stored now that this commit is durable. */
export interface Captured {
  readonly entity: Entity;
  /** The commit the state is up to date with. */
  readonly n: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

interface CaptureRequest {
  readonly entities: readonly Entity[];
  readonly resolve: (captured: readonly Captured[] | undefined) => void;
}

export class Shard {
  readonly name: string;
  readonly entities: EntityTable;
  readonly subscribers: Subscribers;
  readonly lanes: Lanes;
  readonly decisions: Decisions;
  readonly #options: ShardOptions;
  readonly #intake: Intake;
  readonly #release: Release;
  readonly #queries: Queries;
  readonly #housekeeping: Housekeeping;
  readonly #checkpointer: Checkpointer;
  #state: 'opening' | 'serving' | 'handing-off' | 'stopped' = 'opening';
  #ledger: Ledger | undefined;
  #batch = new Batch();
  #captures: CaptureRequest[] = [];
  #isCommitting = false;
  #isInMessage = false;
  #isHandedOff: Promise<void> | undefined;
  #processedOffset = 0;
  #processedPart: InputPart | undefined;
  #reader: IntakeReader | undefined;
  #waiting: (() => void)[] = [];
  #offsetTimer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  /** Last lane numbers given out and taken, committed or not. */
  readonly #lanesOut = new Map<string, number>();
  readonly lanesSeen = new Map<string, number>();

  constructor(options: ShardOptions) {
    this.#options = options;
    this.name = shardName(options.shard);
    this.entities = new EntityTable(options.types, options.ports.snapshots, options.limits);
    this.subscribers = new Subscribers(options.limits.subscribersMax);
    this.lanes = new Lanes({
      source: this.name,
      epoch: options.epoch,
      commandLog: options.ports.commandLog,
      clock: options.clock,
      limits: options.limits,
      log: options.log,
      onDrained: () => this.#wake(),
    });
    this.decisions = new Decisions({
      ...options,
      name: this.name,
      entities: this.entities,
      subscribers: this.subscribers,
      load: (key) => this.loadIfReadable(key),
      nextLaneNumber: (target) => this.#nextLaneNumber(target),
      openCommit: () => ({ n: this.openN, committedSequence: this.ledger.sequence }),
      openBatch: () => this.#batch,
    });
    this.#intake = new Intake(options, this);
    this.#release = new Release(options, this);
    this.#queries = new Queries(options, this);
    this.#housekeeping = new Housekeeping(options, this);
    this.#checkpointer = new Checkpointer(options, this);
  }

  get isServing(): boolean {
    return this.#state === 'serving';
  }

  /** Serving, or on its way to the next owner: what was committed is still what counts. */
  get isOpen(): boolean {
    return this.#state === 'serving' || this.#state === 'handing-off';
  }

  get isStopped(): boolean {
    return this.#state === 'stopped';
  }

  get epoch(): number {
    return this.#options.epoch;
  }

  get openBatch(): Batch {
    return this.#batch;
  }

  /** Numbers of the last durable commit. */
  get ledger(): Ledger {
    assert(this.#ledger !== undefined, `${this.name} is not open yet`);
    return this.#ledger;
  }

  /** Number the batch being filled will commit under. */
  get openN(): number {
    return this.ledger.n + (this.#isCommitting ? 2 : 1);
  }

  /** Takes the shard over and starts serving. False when a newer epoch was found or the lease ran out meanwhile. */
  async open(): Promise<boolean> {
    const startedMs = this.#options.clock.monotonicMs();
    const { journal, checkpoints, trimGuard } = this.#options.ports;
    const taken = await takeOver({
      ...this.#options,
      journal,
      checkpoints,
      trimGuard,
      entities: this.entities,
      lanes: this.lanes,
    });
    if (taken === undefined) return false;
    const inputEnd = await this.#options.ports.commandLog.lastSequence(this.#options.shard);
    if (this.isStopped) return false;
    if (inputEnd < taken.ledger.inputOffset) this.#inputLost(taken.ledger, inputEnd);
    this.#ledger = taken.ledger;
    for (const [shard, number] of taken.ledger.lanesOut) this.#lanesOut.set(shard, number);
    for (const [shard, number] of taken.ledger.lanesIn) this.lanesSeen.set(shard, number);
    this.#processedOffset = taken.ledger.inputOffset;
    this.#processedPart = taken.ledger.inputPart;
    this.decisions.startAt(taken.ledger.atMs);
    this.entities.expectSnapshotsBefore(this.epoch, taken.ledger.n);
    this.#checkpointer.start(taken.checkpointRevision);
    this.#state = 'serving';
    this.#reader = this.#options.ports.commandLog.read(this.#options.shard, taken.ledger.inputOffset);
    this.#queries.start();
    this.#housekeeping.start();
    this.#scheduleOffsetCommit();
    this.lanes.pump();
    this.#running = this.#run(this.#reader);
    const durationMs = this.#options.clock.monotonicMs() - startedMs;
    this.#options.observer?.tookOver(this.name, { durationMs, records: taken.replayedRecords });
    return true;
  }

  /**
   * The command log lost its end (a server without its disk's last writes): new messages get sequences that were given
   * out before and would never be read. What is there is read again: lanes and client retries are recognised, commands
   * that are too old are refused.
   */
  #inputLost(ledger: Ledger, inputEnd: number): void {
    this.#options.log.error(
      { shard: this.name, inputOffset: ledger.inputOffset, inputEnd },
      'the command log has lost acknowledged messages and is read again: check the durability of the NATS servers',
    );
    ledger.inputOffset = 0;
    ledger.inputPart = undefined;
  }

  /** Looks whether the command log still has what was read from it; without that the shard would wait for ever. */
  async checkInput(): Promise<void> {
    const processed = this.#processedOffset;
    const inputEnd = await this.#options.ports.commandLog.lastSequence(this.#options.shard);
    if (!this.isServing || inputEnd >= processed) return;
    // A server that came back with less has perhaps less of both; the journal is the one that must not be passed over.
    await this.checkJournal();
    if (this.isServing)
      this.#breakDown(new Error(`the command log ends at ${inputEnd}, before ${processed}`));
  }

  /** Ends quietly when a newer owner has written to the journal: then what is read here is not for us any more. */
  async endIfReplaced(): Promise<boolean> {
    const { ports, shard, clock, limits, log } = this.#options;
    while (!this.isStopped) {
      try {
        const last = await ports.journal.last(shard);
        const found = last === undefined ? 0 : decodeCommit(last.bytes).epoch;
        if (found <= this.epoch) break;
        log.info({ shard: this.name, epoch: this.epoch, found }, 'a newer owner serves the shard');
        this.#end('fenced');
      } catch (cause) {
        if (cause instanceof UnreadableRecord || cause instanceof BadCommitRecord) throw cause;
        log.warn({ shard: this.name, cause: String(cause) }, 'journal leader not reachable, asking again');
        await new Promise<void>((resolve) => clock.after(limits.laneRetryMsMax, resolve));
      }
    }
    return this.isStopped;
  }

  /**
   * Looks whether the journal still has the last record committed here. An owner with nothing to commit would not notice
   * that a server came back with less than it had acknowledged.
   */
  async checkJournal(): Promise<void> {
    const known = this.ledger.sequence;
    const end = await this.#shortenedTo(known);
    if (end !== undefined) await this.#journalLost('owner', known, end);
  }

  /** History says that it has records up to `known`, more than were committed here: are they in the journal? */
  async checkAgainstHistory(known: number): Promise<void> {
    const end = await this.#shortenedTo(known);
    if (end !== undefined) await this.#journalLost('history', known, end);
  }

  /** Where the journal ends, if that is before `known`. */
  async #shortenedTo(known: number): Promise<number | undefined> {
    for (let looks = 1; this.isServing; looks++) {
      const end = (await this.#options.ports.journal.last(this.#options.shard))?.sequence ?? 0;
      if (end >= known) return undefined;
      // A leader that was deposed a moment ago may answer with what it had: only what stays is believed.
      if (looks === 2) return this.isServing ? end : undefined;
      const { clock, limits } = this.#options;
      await new Promise<void>((resolve) => clock.after(limits.laneRetryMsMax, resolve));
    }
    return undefined;
  }

  /**
   * Acknowledged records are gone, and our memory may be all that knows: it goes into the checkpoint first, so that no
   * later owner takes the shorter journal for the whole one.
   */
  async #journalLost(
    witness: NonNullable<DamageFacts['witness']>,
    known: number,
    after: number,
  ): Promise<void> {
    const broken = new BrokenJournal(this.#options.shard, 'JOURNAL_SHORTENED', { witness, known, after });
    await this.#checkpointer.remember();
    if (this.isStopped) return;
    await alarm({ ...this.#options, ...this.#options.ports }, broken);
    this.#breakDown(broken);
  }

  async #journalBehind(cause: SnapshotAhead): Promise<void> {
    const facts = { witness: 'snapshot', after: this.ledger.sequence } as const;
    const broken = new BrokenJournal(this.#options.shard, 'JOURNAL_SHORTENED', facts, cause);
    await alarm({ ...this.#options, ...this.#options.ports }, broken);
    this.#breakDown(broken);
  }

  /** Stops at once and forgets everything; what was not committed never happened. Idempotent. */
  drop(): void {
    if (this.isStopped) return;
    this.#state = 'stopped';
    this.#reader?.stop();
    this.#offsetTimer?.cancel();
    this.lanes.stop();
    this.#queries.stop();
    this.#housekeeping.stop();
    this.#checkpointer.stop();
    for (const request of this.#captures.splice(0)) request.resolve(undefined);
    this.#wake();
  }

  /** Stores snapshots while it still serves, then stops intake, finishes what was begun, writes the hand-off record. */
  handOff(): Promise<void> {
    return (this.#isHandedOff ??= this.#handOff());
  }

  async #handOff(): Promise<void> {
    if (this.#state !== 'serving') return this.drop();
    // The long part: what comes after it is a short tail for the next owner to read, and a short wait for everybody else.
    await this.#checkpointer.runOnce();
    if (this.#state !== 'serving') return this.drop();
    this.#state = 'handing-off';
    // Intake may be waiting for room; it ends now.
    this.#wake();
    this.#reader?.stop();
    await this.#running;
    await this.#untilIdle();
    if (this.isStopped) return;
    // In flight like any other commit: nothing else may append beside it.
    this.#isCommitting = true;
    await commit(this.#committerOptions(), this.#record('hand-off', new Batch()));
    this.drop();
  }

  /** Whether the open commit has room for another decision. */
  get hasRoom(): boolean {
    return !this.#isBatchFull();
  }

  /**
   * Waits until the open commit has room for another decision, making a commit in the middle of a message if need be;
   * `part` says how far that message is dealt with. False when the shard stopped meanwhile.
   */
  async room(part: InputPart | undefined): Promise<boolean> {
    if (!this.#isBatchFull()) return true;
    while (this.#isCommitting && !this.isStopped) await this.#untilWoken();
    if (this.isStopped) return false;
    if (this.#batch.isDurable) {
      this.#processedPart = part;
      this.#seal();
    }
    return true;
  }

  /** Like `load`, but undefined for an entity whose snapshot or events cannot be read: a person must look at it. */
  async loadIfReadable(key: string): Promise<Entity | undefined> {
    try {
      return await this.load(key);
    } catch (cause) {
      if (this.isStopped) throw cause;
      this.#options.log.error({ shard: this.name, entity: key, cause }, 'an entity cannot be read');
      return undefined;
    }
  }

  /** Loads an entity however long it takes; rejects when the shard stops, or when it will never be readable. */
  async load(key: string): Promise<Entity> {
    for (;;) {
      try {
        const entity = await this.entities.load(key);
        entity.lastUsedMs = this.decisions.nowMs();
        return entity;
      } catch (cause) {
        if (this.isStopped) throw cause;
        // A snapshot of commits that the journal does not have: it is not this entity that is broken.
        if (cause instanceof SnapshotAhead) await this.#journalBehind(cause);
        if (!isTransient(cause)) throw cause;
        this.#options.log.warn(
          { shard: this.name, cause: String(cause) },
          'snapshot store not readable, trying again',
        );
        await new Promise<void>((resolve) =>
          this.#options.clock.after(this.#options.limits.laneRetryMsMax, resolve),
        );
      }
    }
  }

  /**
   * Encodes the entities' states at the next commit boundary and resolves once that commit is durable, so that a
   * snapshot never holds anything uncommitted (INV-7). Resolves to undefined when the shard stops first.
   */
  capture(entities: readonly Entity[]): Promise<readonly Captured[] | undefined> {
    if (this.isStopped) return Promise.resolve(undefined);
    if (!this.#isCommitting && !this.#isInMessage && !this.#batch.isDurable) {
      return Promise.resolve(this.#encodeStates(entities, this.ledger.n, this.ledger.sequence));
    }
    return new Promise((resolve) => {
      this.#captures.push({ entities, resolve });
      this.sealWhenIdle();
    });
  }

  /** Commits what is open if nothing is in flight. Called whenever something was added to the open batch. */
  sealWhenIdle(mayAdvanceOffset = false): void {
    if (this.#isCommitting || this.#isInMessage || this.isStopped) return;
    const batch = this.#batch;
    const mustAdvance = mayAdvanceOffset && this.#processedOffset > this.ledger.inputOffset;
    if (batch.isDurable || mustAdvance || this.#captures.length > 0) {
      this.#seal();
    } else if (!batch.isEmpty) {
      this.#batch = new Batch();
      this.#release.send(batch);
    }
  }

  #seal(): void {
    const batch = this.#batch;
    this.#batch = new Batch();
    this.#isCommitting = true;
    this.#commit(batch).catch((cause: unknown) => this.#breakDown(cause));
  }

  async #run(reader: IntakeReader): Promise<void> {
    try {
      while (this.isServing) {
        const messages = await reader.take(this.#options.limits.intakeMessagesMax);
        if (messages.length === 0) return;
        foresee(messages, this.entities);
        for (const message of messages) {
          while (this.#isFull() && this.isServing) await this.#untilWoken();
          if (!this.isServing) return;
          this.#isInMessage = true;
          const isTaken = await this.#intake.process(message);
          this.#isInMessage = false;
          if (!isTaken) return;
          this.#processedOffset = message.sequence;
          this.#processedPart = undefined;
          this.sealWhenIdle();
        }
      }
    } catch (cause) {
      const { place } = this.#intake;
      if (place !== undefined && !this.isStopped && !(cause instanceof LaneGap))
        this.#options.suspects?.note(place);
      this.#breakDown(cause);
    }
  }

  async #commit(batch: Batch): Promise<void> {
    const record = this.#record('commit', batch);
    const captures = this.#captures.splice(0).map((request) => ({
      request,
      states: this.#encodeStates(request.entities, record.n, 0),
    }));
    const startedMs = this.#options.clock.monotonicMs();
    const result = await commit(this.#committerOptions(), record);
    if (this.isStopped || result.outcome !== 'committed') {
      for (const { request } of captures) request.resolve(undefined);
      if (result.outcome === 'shortened')
        await this.#journalLost('owner', record.previousSequence, result.found);
      else if (result.outcome !== 'committed') this.#end(result.outcome);
      return;
    }
    this.#advance(record, result.sequence);
    this.#isCommitting = false;
    this.#release.send(batch);
    this.#release.effects(batch, record.previousSequence);
    for (const { request, states } of captures) {
      request.resolve(states.map((state) => ({ ...state, sequence: result.sequence })));
    }
    const durationMs = this.#options.clock.monotonicMs() - startedMs;
    this.#options.observer?.committed(this.name, {
      events: batch.eventCount,
      bytes: result.bytes,
      durationMs,
    });
    this.#checkpointer.noteJournalBytes(result.bytes);
    this.#wake();
    this.sealWhenIdle();
  }

  #record(kind: CommitRecord['kind'], batch: Batch): CommitRecord {
    return {
      kind,
      shard: this.name,
      epoch: this.#options.epoch,
      n: this.ledger.n + 1,
      previousSequence: this.ledger.sequence,
      inputOffset: this.#processedOffset,
      ...(this.#processedPart && { inputPart: this.#processedPart }),
      atMs: this.decisions.nowMs(),
      lanesIn: [...batch.lanesIn].map(([shard, number]) => ({ shard, number })),
      laneCursors: this.lanes.takeMovedCursors(),
      events: batch.events,
      effects: batch.effects,
    };
  }

  #advance(record: CommitRecord, sequence: number): void {
    const { ledger } = this;
    assert(record.n === ledger.n + 1, `${this.name}: n ${record.n} follows ${ledger.n}`);
    assert(sequence > ledger.sequence, `${this.name}: sequence ${sequence} follows ${ledger.sequence}`);
    ledger.n = record.n;
    ledger.sequence = sequence;
    this.#options.knownEnd?.note(sequence);
    ledger.inputOffset = record.inputOffset;
    ledger.inputPart = record.inputPart;
    ledger.atMs = record.atMs;
    for (const { shard, number } of record.lanesIn) ledger.lanesIn.set(shard, number);
    for (const { targets } of record.effects)
      for (const target of targets) ledger.lanesOut.set(target.shard, target.number);
  }

  #encodeStates(entities: readonly Entity[], n: number, sequence: number): Captured[] {
    return entities.map((entity) => {
      const state = entity.type.codec.encodeSnapshot(entity.state);
      return { entity, n, sequence, bytes: encodeStoredState({ epoch: this.#options.epoch, n, state }) };
    });
  }

  #committerOptions() {
    return { ...this.#options, journal: this.#options.ports.journal };
  }

  #nextLaneNumber(target: string): number {
    const number = (this.#lanesOut.get(target) ?? 0) + 1;
    this.#lanesOut.set(target, number);
    return number;
  }

  #isFull(): boolean {
    if (this.lanes.isFull) return true;
    return this.#isCommitting && (this.#isBatchFull() || this.#isOutboundFull());
  }

  #isBatchFull(): boolean {
    const { commitBytesMax, commitEventsMax } = this.#options.limits;
    return this.#batch.bytes >= commitBytesMax || this.#batch.eventCount >= commitEventsMax;
  }

  #isOutboundFull(): boolean {
    return this.#batch.outboundBytes >= this.#options.limits.outboundBytesMax;
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #untilIdle(): Promise<void> {
    this.sealWhenIdle(true);
    while (!this.isStopped && (this.#isCommitting || this.#batch.isDurable)) await this.#untilWoken();
  }

  #scheduleOffsetCommit(): void {
    this.#offsetTimer = this.#options.clock.after(this.#options.limits.offsetCommitMs, () => {
      this.sealWhenIdle(true);
      this.#scheduleOffsetCommit();
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #breakDown(cause: unknown): void {
    if (this.isStopped) return;
    this.#options.log.error({ shard: this.name, cause }, 'the shard broke down and will be taken over again');
    this.#end('broken');
  }

  #end(reason: ShardEnd): void {
    if (this.isStopped) return;
    this.drop();
    this.#options.onEnded(reason);
  }
}
