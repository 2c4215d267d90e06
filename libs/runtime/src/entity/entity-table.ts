// The entities of one shard that are in memory: loading (snapshot, then the journal tail kept from replay), which of them
// are dirty and since when, and passivation of the clean ones. Called from the shard loop only.
import { assert, type EntityAddress } from '@parley/std';
import type { RuntimeLimits } from '../limits.ts';
import type { SnapshotStore } from '../ports/index.ts';
import { decodeStoredState } from '../checkpoint/snapshot-codec.ts';
import { AddressMap } from './address-map.ts';
import { entityKey, parseEntityKey } from './entity-key.ts';
import type { EntityType } from './entity-type.ts';

export interface Entity {
  readonly address: EntityAddress;
  /**
   * Its id alone: every event of this entity alone names it by this list, which a commit then holds once. Made for the
   * first: most entities in memory are only looked at.
   */
  ids: readonly string[] | undefined;
  readonly type: EntityType;
  state: unknown;
  /** `n` of the commit that holds the newest event; 0 when none since it was loaded. */
  lastEventN: number;
  /** Everything up to this journal sequence is in the snapshot; undefined while the entity is clean. */
  dirtyAfter: number | undefined;
  /** Revision of the stored snapshot; 0 when there is none. */
  snapshotRevision: number;
  lastUsedMs: number;
  /** Those it told something last, by shard: a conversation tells the same members again and again. */
  told: ToldMembers | undefined;
}

/** A list of entities of one type and tenant, and where they live: in this shard, and in each of the others. */
export interface ToldMembers {
  readonly type: string;
  readonly ids: readonly string[];
  readonly here: readonly string[] | undefined;
  readonly elsewhere: readonly { readonly shard: string; readonly ids: readonly string[] }[];
}

export interface ReplayedEvent {
  readonly n: number;
  /** Rises with each event of the shard. */
  readonly order: number;
  /** May be a view on its commit. */
  readonly payload: Uint8Array;
}

/** Events replayed from the journal for an entity that nobody has asked for yet. */
interface Tail {
  readonly strands: (readonly ReplayedEvent[])[];
  readonly dirtyAfter: number;
}

/** A snapshot by an earlier owner holds commits that the journal does not have: the journal has lost them. */
export class SnapshotAhead extends Error {
  override readonly name = 'SnapshotAhead';

  constructor(key: string, n: number, ownN: number) {
    super(
      `the snapshot of ${key} holds commit ${n}, the journal had only ${ownN - 1} when it was taken over`,
    );
  }
}

export class EntityTable {
  readonly #types: ReadonlyMap<string, EntityType>;
  readonly #snapshots: SnapshotStore;
  readonly #limits: RuntimeLimits;
  readonly #entities = new AddressMap<Entity>();
  readonly #loading = new Map<string, Promise<Entity>>();
  readonly #tails = new Map<string, Tail>();
  readonly #waitingLoads: (() => void)[] = [];
  #loadsRunning = 0;
  #own = { epoch: Number.POSITIVE_INFINITY, n: Number.POSITIVE_INFINITY };

  constructor(types: readonly EntityType[], snapshots: SnapshotStore, limits: RuntimeLimits) {
    this.#types = new Map(types.map((type) => [type.name, type]));
    this.#snapshots = snapshots;
    this.#limits = limits;
  }

  get size(): number {
    return this.#entities.size;
  }

  knowsType(type: string): boolean {
    return this.#types.has(type);
  }

  typeOf(type: string): EntityType {
    const found = this.#types.get(type);
    assert(found !== undefined, `entity type ${type} is not hosted here`);
    return found;
  }

  /** From the epoch record of this owner on: nobody before it can have committed, or stored, anything as new. */
  expectSnapshotsBefore(epoch: number, n: number): void {
    this.#own = { epoch, n };
  }

  inMemory(key: string): Entity | undefined {
    const { type, tenant, id } = parseEntityKey(key);
    return this.find(type, tenant, id);
  }

  /** The same without a key. */
  find(type: string, tenant: string, id: string): Entity | undefined {
    return this.#entities.get(type, tenant, id);
  }

  /** Begins to load what is not in memory. A failure shows again, and is handled, when the entity's turn comes. */
  anticipate(type: string, tenant: string, id: string): void {
    if (!this.knowsType(type) || this.find(type, tenant, id) !== undefined) return;
    this.load(entityKey(type, tenant, id)).catch(() => undefined);
  }

  /**
   * Remembers replayed events until the entity is loaded. The strand goes on being filled while the journal is read, and
   * entities to which the same things happened share it. `previousSequence`: of the record with its first event.
   */
  addStrand(key: string, strand: readonly ReplayedEvent[], previousSequence: number): void {
    const tail = this.#tails.get(key);
    if (tail === undefined) this.#tails.set(key, { strands: [strand], dirtyAfter: previousSequence });
    else tail.strands.push(strand);
  }

  /** Loads the entity unless it is in memory or on its way. Rejects when the snapshot store cannot be read. */
  load(key: string): Promise<Entity> {
    const present = this.inMemory(key);
    if (present !== undefined) return Promise.resolve(present);
    const running = this.#loading.get(key);
    if (running !== undefined) return running;
    const started = this.#loadNow(key).finally(() => this.#loading.delete(key));
    this.#loading.set(key, started);
    return started;
  }

  /** Marks an entity dirty from the first event that its snapshot does not hold. */
  noteEvent(entity: Entity, n: number, committedSequence: number): void {
    entity.lastEventN = n;
    entity.dirtyAfter ??= committedSequence;
  }

  /** Keys of dirty entities, the longest dirty first. */
  dirtyKeys(): string[] {
    const dirty: { key: string; after: number }[] = [];
    for (const [key, tail] of this.#tails) dirty.push({ key, after: tail.dirtyAfter });
    this.#entities.forEach((entity) => {
      if (entity.dirtyAfter !== undefined) dirty.push({ key: keyOf(entity), after: entity.dirtyAfter });
    });
    return dirty.sort((a, b) => a.after - b.after).map(({ key }) => key);
  }

  /** Journal sequence up to which every entity's events are in snapshots; undefined when nothing is dirty. */
  coveredUpTo(): number | undefined {
    let covered: number | undefined;
    const note = (after: number) => (covered = covered === undefined ? after : Math.min(covered, after));
    for (const tail of this.#tails.values()) note(tail.dirtyAfter);
    this.#entities.forEach(({ dirtyAfter }) => {
      if (dirtyAfter !== undefined) note(dirtyAfter);
    });
    return covered;
  }

  /** Lets clean entities go: the idle ones, and the longest unused ones while there are too many. */
  passivate(nowMs: number, committedN: number): number {
    const before = this.#entities.size;
    this.#entities.forEach((entity) => {
      // Loaded for somebody whose turn is still to come.
      if (entity.lastUsedMs === 0) entity.lastUsedMs = nowMs;
      const isIdle = nowMs - entity.lastUsedMs >= this.#limits.entityIdleMs;
      if (isIdle && isClean(entity, committedN)) this.#entities.delete(entity.address);
    });
    if (this.#entities.size > this.#limits.entitiesMax) this.#passivateSurplus(committedN);
    return before - this.#entities.size;
  }

  #passivateSurplus(committedN: number): void {
    const clean: Entity[] = [];
    this.#entities.forEach((entity) => {
      if (isClean(entity, committedN)) clean.push(entity);
    });
    clean.sort((a, b) => a.lastUsedMs - b.lastUsedMs);
    const surplus = this.#entities.size - this.#limits.entitiesMax;
    for (const { address } of clean.slice(0, surplus)) this.#entities.delete(address);
  }

  async #loadNow(key: string): Promise<Entity> {
    if (this.#loadsRunning >= this.#limits.loadsMax) {
      await new Promise<void>((resolve) => this.#waitingLoads.push(resolve));
    }
    this.#loadsRunning++;
    try {
      const stored = await this.#snapshots.load(key);
      return this.#admit(key, stored);
    } finally {
      this.#loadsRunning--;
      this.#waitingLoads.shift()?.();
    }
  }

  #admit(key: string, stored: Awaited<ReturnType<SnapshotStore['load']>>): Entity {
    const parsed = parseEntityKey(key);
    const type = this.typeOf(parsed.type);
    // Names of type and tenant are there once, and not once for each entity.
    const tenant = this.#entities.someOf(type.name, parsed.tenant)?.address.tenant ?? parsed.tenant;
    const address = { type: type.name, tenant, id: parsed.id };
    const snapshot = stored === undefined ? undefined : decodeStoredState(stored.bytes);
    if (snapshot !== undefined && snapshot.epoch < this.#own.epoch && snapshot.n >= this.#own.n)
      throw new SnapshotAhead(key, snapshot.n, this.#own.n);
    let state: unknown =
      snapshot === undefined
        ? type.decider.initialState(address)
        : type.codec.decodeSnapshot(snapshot.state, address);
    const tail = this.#tails.get(key);
    const asOfN = snapshot?.n ?? 0;
    let isDirty = false;
    let lastEventN = asOfN;
    for (const event of inOrder(tail?.strands ?? [])) {
      if (event.n <= asOfN) continue;
      state = type.decider.evolve(state, type.codec.decodeEvent(event.payload));
      isDirty = true;
      lastEventN = event.n;
    }
    this.#tails.delete(key);
    const entity: Entity = {
      address,
      ids: undefined,
      type,
      state,
      lastEventN,
      dirtyAfter: isDirty ? tail?.dirtyAfter : undefined,
      snapshotRevision: stored?.revision ?? 0,
      lastUsedMs: 0,
      told: undefined,
    };
    this.#entities.set(address, entity);
    return entity;
  }
}

/** Its key in the snapshot store. */
export const keyOf = ({ address }: Pick<Entity, 'address'>): string =>
  entityKey(address.type, address.tenant, address.id);

function inOrder(strands: Tail['strands']): readonly ReplayedEvent[] {
  const [first = []] = strands;
  return strands.length < 2 ? first : strands.flat().sort((a, b) => a.order - b.order);
}

const isClean = (entity: Entity, committedN: number): boolean =>
  entity.dirtyAfter === undefined && entity.lastEventN <= committedN;
