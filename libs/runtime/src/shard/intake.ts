// The input of a shard, message by message: client batches become decisions and answers, lane batches become decisions
// exactly once (their numbers are contiguous), anything unreadable is skipped with an error line. Between two records of
// a message a commit may be made, so that no message needs a commit larger than the log takes.
import { type Decision, type Refused, assert } from '@parley/std';
import { entityKey } from '../entity/entity-key.ts';
import type { Entity } from '../entity/entity-table.ts';
import { findLostEffects } from '../lane/lost-effects.ts';
import type { IntakeMessage } from '../ports/index.ts';
import {
  type ClientBatch,
  type IntakeRecord,
  type LaneBatch,
  type LaneEffect,
  type Subscriber,
  decodeIntake,
  decodeSubscriber,
} from '../wire/index.ts';
import type { Shard } from './shard.ts';
import type { ShardOptions } from './shard-options.ts';
import type { RecordPlace } from './suspects.ts';

/** A lane has a gap: going on would lose an effect. Passing over the record would too, so it is never a suspect. */
export class LaneGap extends Error {
  override readonly name = 'LaneGap';
}

export class Intake {
  readonly #options: ShardOptions;
  readonly #shard: Shard;
  /** The record being decided. */
  place: RecordPlace | undefined;

  constructor(options: ShardOptions, shard: Shard) {
    this.#options = options;
    this.#shard = shard;
  }

  /** False when the shard stopped meanwhile. Throws when the message cannot be passed. */
  async process(message: IntakeMessage): Promise<boolean> {
    const intake = this.#decode(message);
    if (intake === undefined) return true;
    const isDone =
      intake.kind === 'lane' ? await this.#lane(intake, message) : await this.#client(intake, message);
    this.place = undefined;
    return isDone;
  }

  #decode(message: IntakeMessage): ClientBatch | LaneBatch | undefined {
    try {
      return decodeIntake(message.bytes);
    } catch (cause) {
      const fields = { shard: this.#shard.name, sequence: message.sequence, cause: String(cause) };
      this.#options.log.error(fields, 'unreadable message on the command log, skipped');
      return undefined;
    }
  }

  /** Waits only for what is not in memory, or for room: most of the time there is neither a promise nor a turn. */
  async #client(batch: ClientBatch, { sequence }: IntakeMessage): Promise<boolean> {
    const isExpired = this.#options.clock.nowMs() > batch.deadlineMs;
    const { inputPart } = this.#shard.ledger;
    const { records } = batch;
    const done = inputPart?.sequence === sequence ? inputPart.records : 0;
    for (let index = done; index < records.length; index++) {
      const record = records[index]!;
      if (!this.#shard.entities.knowsType(record.type)) continue;
      if (!this.#shard.hasRoom && !(await this.#shard.room({ sequence, records: index }))) return false;
      const place = { sequence, index };
      this.place = place;
      const bytes = this.#shard.openBatch.bytes;
      if (isExpired && record.kind === 'command') this.#refuse(batch, record, 'EXPIRED');
      else if (this.#isGuilty(place)) this.#refuse(batch, record, 'INTERNAL');
      else {
        const { type, tenant, id } = record;
        let entity = this.#shard.entities.find(type, tenant, id);
        if (entity === undefined && record.kind !== 'detach') {
          this.#prefetch(records, index);
          entity = await this.#shard.loadIfReadable(entityKey(type, tenant, id));
        }
        const settling = this.#record(batch, record, entity);
        if (settling !== undefined) await settling;
      }
      this.#checkSize(this.#shard.openBatch.bytes - bytes);
    }
    return true;
  }

  #record(batch: ClientBatch, record: IntakeRecord, entity: Entity | undefined): Promise<void> | undefined {
    if (record.kind === 'command') {
      if (entity !== undefined) return this.#command(batch, entity, record);
      this.#refuse(batch, record, 'INTERNAL');
      return undefined;
    }
    const subscriber = this.#subscriberOf(record);
    if (subscriber === undefined) this.#refuse(batch, record, 'BAD_COMMAND');
    else if (record.kind === 'detach') {
      this.#shard.subscribers.detach(record, batch.gatewayId, subscriber.connection);
    } else if (entity === undefined) this.#refuse(batch, record, 'INTERNAL');
    else this.#attach(batch, entity, record, subscriber);
    return undefined;
  }

  #isGuilty(place: RecordPlace): boolean {
    return this.#options.suspects?.isGuilty(place, this.#shard.name, this.#options.log) ?? false;
  }

  /** Nothing of the record is committed yet: the shard forgets it by breaking down, and the record becomes a suspect. */
  #checkSize(bytes: number): void {
    assert(bytes <= this.#options.limits.decisionBytesMax, `a decision adds ${bytes} bytes to a commit`);
  }

  /** Loads what the rest of the batch needs, side by side; the records are still taken in order. */
  #prefetch(records: readonly IntakeRecord[], from: number): void {
    for (const { kind, type, tenant, id } of records.slice(from))
      if (kind !== 'detach') this.#shard.entities.anticipate(type, tenant, id);
  }

  #command(batch: ClientBatch, entity: Entity, record: IntakeRecord): Promise<void> | undefined {
    let command: unknown;
    try {
      command = entity.type.codec.decodeCommand(record.payload);
    } catch {
      this.#refuse(batch, record, 'BAD_COMMAND');
      return undefined;
    }
    const decision = this.#shard.decisions.command(entity, command);
    const settling = this.#shard.decisions.settle();
    if (settling !== undefined) return settling.then(() => this.#reply(batch, entity, record, decision));
    this.#reply(batch, entity, record, decision);
    return undefined;
  }

  #reply(
    batch: ClientBatch,
    entity: Entity,
    record: IntakeRecord,
    decision: Decision<unknown, unknown>,
  ): void {
    if (record.requestId === 0) return;
    if (decision.accepted) {
      const reply = entity.type.codec.encodeReply(decision.reply);
      this.#shard.openBatch.addReply(batch.gatewayId, record.requestId, reply);
    } else {
      this.#refuse(batch, record, decision);
    }
  }

  #refuse(batch: ClientBatch, record: IntakeRecord, refusal: Refused | string): void {
    if (record.requestId === 0) return;
    const { codec } = this.#shard.entities.typeOf(record.type);
    const refused = typeof refusal === 'string' ? ({ accepted: false, code: refusal } as const) : refusal;
    this.#shard.openBatch.addReply(batch.gatewayId, record.requestId, codec.encodeRefusal(refused));
  }

  #subscriberOf(record: IntakeRecord): Subscriber | undefined {
    try {
      return decodeSubscriber(record.payload);
    } catch {
      return undefined;
    }
  }

  #attach(batch: ClientBatch, entity: Entity, record: IntakeRecord, subscriber: Subscriber): void {
    const { gatewayId } = batch;
    let welcome: Uint8Array;
    try {
      welcome = entity.type.attach?.(entity.state, subscriber.request, entity.address) ?? new Uint8Array();
    } catch (cause) {
      const fields = { shard: this.#shard.name, type: entity.type.name, cause };
      this.#options.log.error(fields, 'a subscriber could not be attached');
      this.#refuse(batch, record, 'BAD_COMMAND');
      return;
    }
    const position = entity.type.position?.(entity.state) ?? 0;
    const { subscribers } = this.#shard;
    subscribers.attach(entity.address, {
      gatewayId: subscribers.nameOf(gatewayId),
      connection: subscriber.connection,
      pushedPosition: position,
      pushedAtMs: 0,
      acknowledgedPosition: position,
      nudges: 0,
      next: undefined,
    });
    entity.lastUsedMs = this.#shard.decisions.nowMs();
    if (record.requestId !== 0) this.#shard.openBatch.addReply(gatewayId, record.requestId, welcome);
  }

  async #lane(batch: LaneBatch, message: IntakeMessage): Promise<boolean> {
    const seen = this.#shard.lanesSeen.get(batch.source) ?? 0;
    if (batch.firstNumber > seen + 1) {
      const missing = await this.#missing(batch, seen + 1);
      if (missing === undefined) return false;
      if (!(await this.#effects({ ...batch, firstNumber: seen + 1, effects: missing }, message, batch)))
        return false;
    }
    return this.#effects(batch, message, batch);
  }

  /** `place`: the batch that the message holds; what it lacked has places in front of it. */
  async #effects(batch: LaneBatch, { sequence }: IntakeMessage, place: LaneBatch): Promise<boolean> {
    const { lanesSeen } = this.#shard;
    const { effects } = batch;
    for (let index = 0; index < effects.length; index++) {
      const number = batch.firstNumber + index;
      if (number <= (lanesSeen.get(batch.source) ?? 0)) continue;
      // No part of the message to remember: the lane numbers say what is dealt with.
      if (!this.#shard.hasRoom && !(await this.#shard.room(undefined))) return false;
      this.place = { sequence, index: number - place.firstNumber };
      const bytes = this.#shard.openBatch.bytes;
      if (!this.#isGuilty(this.place)) {
        const settling = this.#effect(batch, number, effects[index]!);
        if (settling !== undefined) await settling;
      }
      this.#checkSize(this.#shard.openBatch.bytes - bytes);
      lanesSeen.set(batch.source, number);
      this.#shard.openBatch.lanesIn.set(batch.source, number);
    }
    return true;
  }

  /**
   * The effects in front of a batch that does not follow. An owner that was replaced without knowing it reads on behind
   * what its successor has trimmed; for the others the command log has lost messages that it had acknowledged. Undefined
   * when the shard has ended; throws LaneGap when the effects are nowhere any more.
   */
  async #missing(batch: LaneBatch, from: number): Promise<readonly LaneEffect[] | undefined> {
    const { source, firstNumber: before } = batch;
    const { ports, shard, log } = this.#options;
    if (await this.#shard.endIfReplaced()) return undefined;
    const missing = await findLostEffects(ports.journal, { source, target: shard, from, before });
    if (this.#shard.isStopped) return undefined;
    const fields = { shard: this.#shard.name, source, expected: from, found: before };
    if (missing === undefined) {
      log.error(
        fields,
        'gap on a lane: the journal of its source does not hold what is missing, a person must look',
      );
      throw new LaneGap(`lane gap from ${source}: expected ${from}, found ${before}`);
    }
    log.error(
      fields,
      'the command log has lost effects of a lane, taken from the journal of its source: check the durability of NATS',
    );
    return missing;
  }

  #effect({ source }: LaneBatch, number: number, effect: LaneEffect): Promise<void> | undefined {
    const { type, tenant, ids } = effect;
    let command: unknown;
    try {
      command = this.#shard.entities.typeOf(type).codec.decodeCommand(effect.payload);
    } catch (cause) {
      // It would be as unreadable at the next try. It stays in the journal of its source for a person to look at.
      const fields = { shard: this.#shard.name, source, number, type, cause: String(cause) };
      this.#options.log.error(fields, 'unreadable effect on a lane, skipped: a newer or damaged sender');
      return undefined;
    }
    return this.#shard.decisions.tell({ type, tenant, ids, command });
  }
}
