// Deciding: one record of the input becomes events, effects and answers in the open batch. Effects for entities of the same
// shard are decided right here, in the same commit; effects for other shards go on their lanes.
import { assert, type DecideContext, type Decision, type Effect } from '@parley/std';
import type { Entity, EntityTable } from '../entity/entity-table.ts';
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

/** Those of a list of ids that live in one shard. */
interface ShardGroup {
  readonly shard: string;
  readonly ids: readonly string[];
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
  readonly #groupings = new WeakMap<readonly string[], Map<string, readonly ShardGroup[]>>();
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

  /** Decides one command; everything it causes in this shard is decided before the promise resolves. */
  async command(entity: Entity, command: unknown): Promise<Decision<unknown, unknown>> {
    const decision = this.#decide(entity, command);
    if (this.#tells.length > 0) await this.#drainTells();
    return decision;
  }

  /** Gives one command to several entities of this shard, as a lane effect asks. Refusals are final and silent. */
  async tell(tell: LocalTell): Promise<void> {
    this.#tells.push(tell);
    await this.#drainTells();
  }

  async #drainTells(): Promise<void> {
    const { entities } = this.#options;
    for (let tell = this.#tells.shift(); tell !== undefined; tell = this.#tells.shift()) {
      const batch = this.#options.openBatch();
      for (const id of tell.ids) {
        const key = entityKey(tell.type, tell.tenant, id);
        const entity = entities.inMemory(key) ?? (await this.#options.load(key));
        if (entity === undefined) this.#undelivered(tell, key);
        else this.#decide(entity, tell.command);
      }
      batch.shareIds(tell.ids);
    }
  }

  /** The others must not wait for one that is damaged; what it misses is in the journals. */
  #undelivered(tell: LocalTell, key: string): void {
    const fields = { shard: this.#options.name, type: tell.type, entity: key };
    this.#options.log.error(fields, 'an effect could not be given to an entity that cannot be read');
  }

  #decide(entity: Entity, command: unknown): Decision<unknown, unknown> {
    const { decider } = entity.type;
    const context: DecideContext = { nowMs: this.nowMs() };
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
    const { type, address } = entity;
    const batch = this.#options.openBatch();
    entity.state = type.decider.evolve(entity.state, event);
    const open = this.#options.openCommit();
    this.#options.entities.noteEvent(entity, open.n, open.committedSequence);
    batch.addEvent(type, address.tenant, address.id, event);
    for (const effect of type.decider.effectsOf(event, entity.state))
      this.#cause(batch, entity, effect, nowMs);
  }

  #cause(batch: Batch, entity: Entity, effect: Effect, nowMs: number): void {
    if (effect.kind === 'push') this.push(batch, entity, effect.payload, effect.position, nowMs);
    else if (effect.kind === 'publish') this.#publish(batch, entity, effect.payload, nowMs);
    else this.#tell(batch, entity.address.tenant, effect.type, effect.ids, effect.command);
  }

  /** Pushes to everyone subscribed to the entity, when the batch is released. */
  push(batch: Batch, entity: Entity, payload: unknown, position: number, nowMs: number): void {
    for (const subscriber of this.#options.subscribers.of(entity.key)) {
      const target = { connection: subscriber.connection, position };
      batch.addPush(subscriber.gatewayId, entity.type, payload, target);
      if (position === 0) continue;
      subscriber.pushedPosition = position;
      subscriber.pushedAtMs = nowMs;
      subscriber.nudges = 0;
    }
  }

  #publish(batch: Batch, entity: Entity, payload: unknown, nowMs: number): void {
    assert(entity.type.topic !== undefined, `entity type ${entity.type.name} publishes but has no topic`);
    batch.publishes.push({
      topic: entity.type.topic(entity.address),
      payload: batch.encodedPayload(entity.type, payload),
    });
    this.unannounced.set(entity.key, nowMs);
  }

  #tell(batch: Batch, tenant: string, type: string, ids: readonly string[], command: unknown): void {
    const targets: EffectTarget[] = [];
    for (const part of this.#groupByShard(tenant, type, ids)) {
      if (part.shard === this.#options.name) this.#tells.push({ type, tenant, ids: part.ids, command });
      else
        targets.push({ shard: part.shard, number: this.#options.nextLaneNumber(part.shard), ids: part.ids });
    }
    if (targets.length === 0) return;
    const payload = batch.encodedCommand(command, () => this.#encodeCommand(type, command));
    batch.addEffect({ type, tenant, payload, targets });
  }

  #encodeCommand(type: string, command: unknown): Uint8Array {
    const foreign = this.#options.foreignCommands?.[type];
    if (foreign !== undefined) return foreign(command as never);
    return this.#options.entities.typeOf(type).codec.encodeCommand(command);
  }

  /** Cached on the identity of `ids`: a group keeps one array of its members until membership changes. */
  #groupByShard(tenant: string, type: string, ids: readonly string[]): readonly ShardGroup[] {
    const [only] = ids;
    if (ids.length === 1 && only !== undefined) return [{ shard: this.#shardOf(tenant, type, only), ids }];
    const cacheKey = `${type}.${tenant}`;
    let byPlace = this.#groupings.get(ids);
    if (byPlace === undefined) {
      byPlace = new Map();
      this.#groupings.set(ids, byPlace);
    }
    let parts = byPlace.get(cacheKey);
    if (parts === undefined) {
      const byShard = new Map<string, string[]>();
      for (const id of ids) {
        const shard = this.#shardOf(tenant, type, id);
        const members = byShard.get(shard);
        if (members === undefined) byShard.set(shard, [id]);
        else members.push(id);
      }
      parts = [...byShard].map(([shard, members]) => ({ shard, ids: members }));
      byPlace.set(cacheKey, parts);
    }
    return parts;
  }

  #shardOf(tenant: string, type: string, id: string): string {
    return shardName(this.#options.placement.shardOf({ type, tenant, id }));
  }
}
