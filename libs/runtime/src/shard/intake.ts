// The input of a shard, message by message: client batches become decisions and answers, lane batches become decisions
// exactly once (their numbers are contiguous), anything unreadable is skipped with an error line.
import type { Refused } from '@parley/std';
import { entityKey } from '../entity/entity-key.ts';
import type { Entity } from '../entity/entity-table.ts';
import type { IntakeMessage } from '../ports/index.ts';
import {
  type ClientBatch,
  type IntakeRecord,
  type LaneBatch,
  decodeIntake,
  decodeSubscriber,
} from '../wire/index.ts';
import type { Shard } from './shard.ts';
import type { ShardOptions } from './shard-options.ts';

export class Intake {
  readonly #options: ShardOptions;
  readonly #shard: Shard;

  constructor(options: ShardOptions, shard: Shard) {
    this.#options = options;
    this.#shard = shard;
  }

  /** False when the message must not be passed: a lane has a gap, and going on would lose an effect. */
  async process(message: IntakeMessage): Promise<boolean> {
    const intake = this.#decode(message);
    if (intake === undefined) return true;
    if (intake.kind === 'lane') return this.#lane(intake);
    await this.#client(intake);
    return true;
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

  async #client(batch: ClientBatch): Promise<void> {
    const isExpired = this.#options.clock.nowMs() > batch.deadlineMs;
    this.#prefetch(batch.records);
    for (const record of batch.records) {
      if (!this.#shard.entities.knowsType(record.type)) continue;
      const key = entityKey(record.type, record.tenant, record.id);
      if (record.kind === 'detach') this.#detach(batch.gatewayId, key, record);
      else if (isExpired && record.kind === 'command')
        this.#refuse(batch, record, { accepted: false, code: 'EXPIRED' });
      else {
        const entity = this.#shard.entities.inMemory(key) ?? (await this.#shard.load(key));
        if (record.kind === 'attach') this.#attach(batch.gatewayId, entity, record);
        else await this.#command(batch, entity, record);
      }
    }
  }

  /** Loads everything the batch needs side by side; the records are still taken in order. */
  #prefetch(records: readonly IntakeRecord[]): void {
    if (records.length < 2) return;
    for (const { kind, type, tenant, id } of records) {
      const key = entityKey(type, tenant, id);
      if (kind === 'detach' || !this.#shard.entities.knowsType(type) || this.#shard.entities.inMemory(key))
        continue;
      // A failure shows again, and is handled, when the record's turn comes.
      this.#shard.entities.load(key).catch(() => undefined);
    }
  }

  async #command(batch: ClientBatch, entity: Entity, record: IntakeRecord): Promise<void> {
    let command: unknown;
    try {
      command = entity.type.codec.decodeCommand(record.payload);
    } catch {
      this.#refuse(batch, record, { accepted: false, code: 'BAD_COMMAND' });
      return;
    }
    const decision = await this.#shard.decisions.command(entity, command);
    if (record.requestId === 0) return;
    if (decision.accepted) {
      const reply = entity.type.codec.encodeReply(decision.reply);
      this.#shard.openBatch.addReply(batch.gatewayId, record.requestId, reply);
    } else {
      this.#refuse(batch, record, decision);
    }
  }

  #refuse(batch: ClientBatch, record: IntakeRecord, refusal: Refused): void {
    if (record.requestId === 0) return;
    const payload = this.#shard.entities.typeOf(record.type).codec.encodeRefusal(refusal);
    this.#shard.openBatch.addReply(batch.gatewayId, record.requestId, payload);
  }

  #attach(gatewayId: string, entity: Entity, record: IntakeRecord): void {
    const { connection, device, request } = decodeSubscriber(record.payload);
    const position = entity.type.position?.(entity.state) ?? 0;
    this.#shard.subscribers.attach(entity.key, {
      gatewayId,
      connection,
      device,
      pushedPosition: position,
      pushedAtMs: 0,
      acknowledgedPosition: position,
      nudges: 0,
    });
    entity.lastUsedMs = this.#shard.decisions.nowMs();
    if (record.requestId === 0) return;
    const welcome = entity.type.attach?.(entity.state, request, entity.address) ?? new Uint8Array();
    this.#shard.openBatch.addReply(gatewayId, record.requestId, welcome);
  }

  #detach(gatewayId: string, key: string, record: IntakeRecord): void {
    this.#shard.subscribers.detach(key, gatewayId, decodeSubscriber(record.payload).connection);
  }

  async #lane(batch: LaneBatch): Promise<boolean> {
    const { lanesSeen, name } = this.#shard;
    const seen = lanesSeen.get(batch.source) ?? 0;
    if (batch.firstNumber > seen + 1) {
      const fields = { shard: name, source: batch.source, expected: seen + 1, found: batch.firstNumber };
      this.#options.log.error(
        fields,
        'gap on a lane: effects are missing, the shard stops to be taken over again',
      );
      throw new Error(`lane gap from ${batch.source}: expected ${seen + 1}, found ${batch.firstNumber}`);
    }
    let number = batch.firstNumber;
    for (const effect of batch.effects) {
      if (number > (lanesSeen.get(batch.source) ?? 0)) {
        await this.#shard.decisions.tell({
          type: effect.type,
          tenant: effect.tenant,
          ids: effect.ids,
          command: this.#shard.entities.typeOf(effect.type).codec.decodeCommand(effect.payload),
        });
        lanesSeen.set(batch.source, number);
        this.#shard.openBatch.lanesIn.set(batch.source, number);
      }
      number++;
    }
    return true;
  }
}
