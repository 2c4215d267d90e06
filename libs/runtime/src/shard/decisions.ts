// Deciding: one record of the input becomes events, effects and answers in the open batch. Effects for entities of the same
// shard are decided right here, in the same commit; effects for other shards go on their lanes.
import { assert, type DecideContext, type Decision, type Effect, type TellEffect } from '@parley/std';
import { type Entity, type EntityTable, type ToldMembers, keyOf } from '../entity/entity-table.ts';
import { entityKey } from '../entity/entity-key.ts';
import { shardName } from '../ports/index.ts';
import type { EffectTarget } from '../wire/index.ts';
import type { Batch } from './batch.ts';
import type { ShardContext } from './shard-options.ts';
import type { Subscribers } from './subscribers.ts';

/** The same command for several entities of this shard. */
interface LocalTell {
  readonly type: string;
  readonly tenant: string;
  readonly ids: readonly string[];
  readonly command: unknown;
}

export interface DecisionsOptions extends ShardContext {
  readonly name: string;
  readonly entities: EntityTable;
  readonly subscribers: Subscribers;
  /** Loads an entity, however long it takes; undefined when it can never be read. */
  load(key: string): Promise<Entity | undefined>;
  /** Gives out the next number of the lane to a shard. */
  nextLaneNumber(target: string): number;
  /** Number of the commit being filled, and the journal sequence of the last durable one. */
  openCommit(): { readonly n: number; readonly committedSequence: number };
  openBatch(): Batch;
}

export class Decisions {
  readonly #options: DecisionsOptions;
  readonly #tells: LocalTell[] = [];
  /** Live topics that were published to since their head was last announced, with the time of the last publish. */
  readonly unannounced = new Map<string, number>();
  #lastNowMs = 0;

  constructor(options: DecisionsOptions) {
    this.#options = options;
  }

  /** Time for decisions: never goes back within a shard. */
  nowMs(): number {
    this.#lastNowMs = Math.max(this.#lastNowMs, this.#options.clock.nowMs());
    return this.#lastNowMs;
  }

  /** The last record's time: another owner's clock may have been ahead of ours. */
  startAt(nowMs: number): void {
    this.#lastNowMs = Math.max(this.#lastNowMs, nowMs);
  }

  /** Decides one command. Call `settle` before anything else is decided. */
  command(entity: Entity, command: unknown): Decision<unknown, unknown> {
    return this.#decide(entity, command, { nowMs: this.nowMs() });
  }

  /** Gives one command to several entities of this shard, as a lane effect asks. Refusals are final and silent. */
  tell(tell: LocalTell): Promise<void> | undefined {
    this.#tells.push(tell);
    return this.settle();
  }

  /**
   * Decides everything in this shard that the last command has caused. Most of the time all of it is in memory, and then
   * it is done at once: there is nothing to wait for.
   */
  settle(): Promise<void> | undefined {
    for (let tell = this.#tells.shift(); tell !== undefined; tell = this.#tells.shift()) {
      const waiting = this.#give(tell);
      if (waiting !== undefined) return waiting.then(() => this.settle());
    }
    return undefined;
  }

  #give(tell: LocalTell): Promise<void> | undefined {
    const { type, tenant, ids, command } = tell;
    const context: DecideContext = { nowMs: this.nowMs() };
    for (let index = 0; index < ids.length; index++) {
      const entity = this.#options.entities.find(type, tenant, ids[index]!);
      if (entity === undefined) return this.#loadAndGive(tell, index);
      this.#decide(entity, command, context);
    }
    this.#options.openBatch().shareIds(ids);
    return undefined;
  }

  /** The rest of a tell, from the first entity that is not in memory. They load side by side and are told in order. */
  async #loadAndGive(tell: LocalTell, from: number): Promise<void> {
    const { type, tenant, ids, command } = tell;
    const { entities, load, openBatch } = this.#options;
    for (const id of ids.slice(from + 1)) entities.anticipate(type, tenant, id);
    for (const id of ids.slice(from)) {
      const entity = entities.find(type, tenant, id) ?? (await load(entityKey(type, tenant, id)));
      if (entity === undefined) this.#undelivered(tell, entityKey(type, tenant, id));
      else this.#decide(entity, command, { nowMs: this.nowMs() });
    }
    openBatch().shareIds(ids);
  }

  /** The others must not wait for one that is damaged; what it misses is in the journals. */
  #undelivered(tell: LocalTell, key: string): void {
    const fields = { shard: this.#options.name, type: tell.type, entity: key };
    this.#options.log.error(fields, 'an effect could not be given to an entity that cannot be read');
  }

  #decide(entity: Entity, command: unknown, context: DecideContext): Decision<unknown, unknown> {
    const { decider } = entity.type;
    entity.lastUsedMs = context.nowMs;
    let decision: Decision<unknown, unknown>;
    try {
      decision = decider.decide(entity.state, command, context);
    } catch (cause) {
      // decide is pure: nothing has changed, so the command can be refused and the shard goes on.
      this.#options.log.error(
        { shard: this.#options.name, type: entity.type.name, cause },
        'a decision threw',
      );
      return { accepted: false, code: 'INTERNAL' };
    }
    if (!decision.accepted) {
      this.#options.observer?.refused(this.#options.name, decision.code);
      return decision;
    }
    for (const event of decision.events) this.#apply(entity, event, context.nowMs);
    return decision;
  }

  #apply(entity: Entity, event: unknown, nowMs: number): void {
    const { type } = entity;
    const batch = this.#options.openBatch();
    entity.state = type.decider.evolve(entity.state, event);
    const open = this.#options.openCommit();
    this.#options.entities.noteEvent(entity, open.n, open.committedSequence);
    batch.addEvent(entity, event);
    for (const effect of type.decider.effectsOf(event, entity.state))
      this.#cause(batch, entity, effect, nowMs);
  }

  #cause(batch: Batch, entity: Entity, effect: Effect, nowMs: number): void {
    if (effect.kind === 'push') this.push(batch, entity, effect.payload, effect.position, nowMs);
    else if (effect.kind === 'publish') this.#publish(batch, entity, effect.payload, nowMs);
    else this.#tell(batch, entity, effect);
  }

  /** Pushes to everyone subscribed to the entity, when the batch is released. */
  push(batch: Batch, entity: Entity, payload: unknown, position: number, nowMs: number): void {
    const { type, tenant, id } = entity.address;
    for (let each = this.#options.subscribers.first(type, tenant, id); each !== undefined; each = each.next) {
      batch.addPush(each, entity.type, payload, position);
      if (position === 0) continue;
      each.pushedPosition = position;
      each.pushedAtMs = nowMs;
      each.nudges = 0;
    }
  }

  #publish(batch: Batch, entity: Entity, payload: unknown, nowMs: number): void {
    assert(entity.type.topic !== undefined, `entity type ${entity.type.name} publishes but has no topic`);
    batch.publishes.push({
      topic: entity.type.topic(entity.address),
      payload: batch.encodedPayload(entity.type, payload),
    });
    this.unannounced.set(keyOf(entity), nowMs);
  }

  #tell(batch: Batch, entity: Entity, { type, ids, command }: TellEffect): void {
    const { tenant } = entity.address;
    const { here, elsewhere } = this.#members(entity, type, ids);
    if (here !== undefined) this.#tells.push({ type, tenant, ids: here, command });
    if (elsewhere.length === 0) return;
    // An array that grows would take room for many, and all of them live until their lane has sent them.
    const targets: EffectTarget[] = elsewhere.map(({ shard, ids: there }) => ({
      shard,
      number: this.#options.nextLaneNumber(shard),
      ids: there,
    }));
    batch.addEffect({ type, tenant, payload: this.#encodeCommand(type, command), targets });
  }

  #encodeCommand(type: string, command: unknown): Uint8Array {
    const foreign = this.#options.foreignCommands?.[type];
    if (foreign !== undefined) return foreign(command as never);
    return this.#options.entities.typeOf(type).codec.encodeCommand(command);
  }

  /** Kept for the next time: a group has one array of its members until membership changes. */
  #members(entity: Entity, type: string, ids: readonly string[]): ToldMembers {
    const { told } = entity;
    if (told?.ids === ids && told.type === type) return told;
    const { tenant } = entity.address;
    const members = new Map<string, string[]>();
    for (const id of ids) {
      const shard = this.#shardOf(tenant, type, id);
      const there = members.get(shard);
      if (there === undefined) members.set(shard, [id]);
      else there.push(id);
    }
    const here = members.get(this.#options.name);
    members.delete(this.#options.name);
    const elsewhere = [...members].map(([shard, there]) => ({ shard, ids: there }));
    const found = { type, ids, here, elsewhere };
    // Not for one alone: a receipt between two posts must not make the list of members forgotten.
    if (ids.length > 1) entity.told = found;
    return found;
  }

  #shardOf(tenant: string, type: string, id: string): string {
    return shardName(this.#options.placement.shardOf({ type, tenant, id }));
  }
}
