// One shard's journal, read record by record, with the snapshots where the journal has been trimmed: every entity's state
// as of the record read last, and the conversations and inboxes as rules of our own understand the facts.
//
// Memory: the entities of this shard that are verified, as its owner would hold them if all were loaded, and some forty
// bytes for each message that is still in its journal. A shard's reading is let go before the next one's begins.
import { inParallel } from '@parley/std';
import type { DirectState, GroupState, UserEvent, UserState } from '@parley/domain';
import type { DirectEvent, GroupEvent } from '@parley/domain';
import { directEntityType, groupEntityType, userEntityType } from '@parley/hosting/entities';
import {
  type CommitRecord,
  type EntityType,
  type JournalRecord,
  type ShardId,
  type StoredState,
  decodeCommit,
  decodeStoredState,
  entityKey,
  parseEntityKey,
  shardName,
} from '@parley/runtime';
import type { EntityAddress } from '@parley/std';
import { directFact, groupFact, userFact } from '../journals/facts.ts';
import { ShardTrail } from '../journals/shard-trail.ts';
import { ConversationTruth } from './conversation-truth.ts';
import type { Findings } from './findings.ts';
import { InboxTruth } from './inbox-truth.ts';
import type { Scope } from './scope.ts';
import type { Sources } from './sources.ts';

export interface Rebuilt {
  readonly key: string;
  readonly address: EntityAddress;
  readonly type: EntityType;
  state: unknown;
  /** The commit its snapshot is of; 0 without one. */
  readonly snapshotN: number;
  /** The snapshot, until it has been held against the journal. */
  snapshotState: Uint8Array | undefined;
  /** Facts that do not fit on the state before them: it is not compared as a whole any more. */
  isBroken: boolean;
  readonly conversation: ConversationTruth | undefined;
  readonly inbox: InboxTruth | undefined;
}

/** Records were trimmed before they could be read: begin this shard again. */
export class Trimmed extends Error {
  override readonly name = 'Trimmed';
}

/** Snapshots loaded at the same time. */
const loadsMax = 16;

const types = new Map<string, EntityType>(
  [userEntityType, directEntityType, groupEntityType].map((type) => [type.name, type as EntityType]),
);

export interface ReadingOptions {
  readonly sources: Sources;
  readonly scope: Scope;
  readonly findings: Findings;
  readonly shard: ShardId;
  /** Last journal sequence when the verification began. */
  readonly startSequence: number;
}

export class ShardReading {
  readonly name: string;
  readonly shard: ShardId;
  readonly entities = new Map<string, Rebuilt>();
  /** The journal begins with the shard's first record: nothing of it has been trimmed. */
  isWhole = false;
  /** Records are gone or unreadable: positions of inboxes after them are not known. */
  hasHole = false;
  readonly #options: ReadingOptions;
  readonly #trail: ShardTrail;
  #isBegun = false;
  /** Everything committed after the verification began is still in the journal. */
  #coversStart = false;

  constructor(options: ReadingOptions) {
    this.#options = options;
    this.shard = options.shard;
    this.name = shardName(options.shard);
    this.#trail = new ShardTrail(this.name);
  }

  get n(): number {
    return this.#trail.n;
  }

  /** Of the record read last. */
  get sequence(): number {
    return this.#trail.sequence;
  }

  /** Reads up to what is the journal's end now. `onTouched` gets each entity after each of its commits. */
  async readOn(onTouched?: (entity: Rebuilt) => void): Promise<void> {
    const { sources, findings } = this.#options;
    const from = this.#trail.sequence + 1;
    for await (const record of sources.journal.read(this.shard, from)) {
      findings.compared.records++;
      const commit = this.#decode(record);
      if (commit === undefined) continue;
      if (!this.#isBegun) {
        this.isWhole = commit.n === 1 && !this.hasHole;
        this.#coversStart = commit.previousSequence <= this.#options.startSequence;
      }
      this.#isBegun = true;
      if (!(await this.#follow(record.sequence, commit))) continue;
      const touched = await this.#apply(commit, record.sequence);
      if (onTouched !== undefined) for (const entity of touched) onTouched(entity);
    }
  }

  /** Snapshots of entities the journal does not mention any more, and what is left to compare of all snapshots. */
  async readSnapshots(): Promise<void> {
    const { sources, scope } = this.#options;
    const keys = await sources.snapshotKeys(this.shard.kind);
    await inParallel(
      keys.filter((key) => scope.hasKey(key, this.shard)),
      loadsMax,
      (key) => this.#entity(key),
    );
    for (const { id, type, tenant } of scope.addresses ?? []) {
      const key = entityKey(type, tenant, id);
      if (shardName(scope.shardOf({ type, tenant, id })) === this.name) await this.#entity(key);
    }
    const newest = Math.max(0, ...[...this.entities.values()].map((one) => one.snapshotN));
    if (newest > this.n) await this.readOn();
    for (const entity of this.entities.values()) this.#finishSnapshot(entity);
  }

  #decode({ sequence, bytes }: JournalRecord): CommitRecord | undefined {
    try {
      return decodeCommit(bytes);
    } catch (error) {
      this.hasHole = true;
      this.#findShard('journal-damaged', `record at ${sequence}: ${(error as Error).message}`);
      return undefined;
    }
  }

  async #follow(sequence: number, commit: CommitRecord): Promise<boolean> {
    const before = { n: this.#trail.n, sequence: this.#trail.sequence };
    const { counts, flaws } = this.#trail.follow(sequence, commit);
    for (const { kind, what } of flaws) {
      if (kind === 'epoch') continue; // what a deposed owner wrote late: replay ignores it, and so do we
      if (kind !== 'gap') this.#findShard('journal-damaged', `record at ${sequence}: ${what}`);
      else if ((await this.#options.sources.firstSequence(this.shard)) > before.sequence)
        throw new Trimmed(`${this.name} was trimmed while it was read`);
      else {
        this.hasHole = true;
        this.#findShard(
          'journal-hole',
          `commits are gone before the record at ${sequence}`,
          before.n + 1,
          commit.n - 1,
        );
      }
    }
    return counts;
  }

  async #apply(commit: CommitRecord, sequence: number): Promise<ReadonlySet<Rebuilt>> {
    const { scope, startSequence } = this.#options;
    const touched = new Set<Rebuilt>();
    const wanted = commit.events.map((event) => ({
      ...event,
      ids: event.ids.filter((id) => types.has(event.type) && scope.has(event.type, event.tenant, id)),
    }));
    const keys = new Set(
      wanted.flatMap(({ type, tenant, ids }) => ids.map((id) => entityKey(type, tenant, id))),
    );
    const unknown = [...keys].filter((key) => !this.entities.has(key));
    if (unknown.length > 0) await inParallel(unknown, loadsMax, (key) => this.#entity(key));
    for (const { type, tenant, ids, payload } of wanted) {
      if (ids.length === 0) continue;
      // Copied: decoded strings and bytes must not hold the whole record.
      const event: unknown = types.get(type)!.codec.decodeEvent(payload);
      for (const id of ids) {
        const entity = this.entities.get(entityKey(type, tenant, id))!;
        this.#applyEvent(entity, event, { n: commit.n, isAtStart: sequence <= startSequence });
        touched.add(entity);
      }
    }
    return touched;
  }

  #applyEvent(
    entity: Rebuilt,
    event: unknown,
    { n, isAtStart }: { readonly n: number; readonly isAtStart: boolean },
  ): void {
    const { id, type } = entity.address;
    if (n > entity.snapshotN) this.#finishSnapshot(entity);
    if (type === 'user') {
      const fact = userFact(event as UserEvent);
      if (fact !== undefined) entity.inbox!.apply(fact, n);
    } else {
      const fact =
        type === 'direct' ? directFact(id, event as DirectEvent) : groupFact(id, event as GroupEvent);
      if (fact !== undefined) entity.conversation!.apply(fact, n, isAtStart);
    }
    if (entity.isBroken || (!this.isWhole && n <= entity.snapshotN)) return;
    try {
      entity.state = entity.type.decider.evolve(entity.state, event);
    } catch {
      // Named by the conversation's own account of its sequences.
      entity.isBroken = true;
    }
  }

  /** The journal is where the snapshot was taken: with a whole journal both must be the same. */
  #finishSnapshot(entity: Rebuilt): void {
    const { snapshotState, snapshotN, type } = entity;
    if (snapshotState === undefined) return;
    entity.snapshotState = undefined;
    this.#options.findings.compared.snapshots++;
    const place = placeOf(entity.address);
    if (snapshotN > this.#trail.n)
      this.#options.findings.add(
        'snapshot-ahead',
        place,
        `the snapshot is of a commit after the end of the journal of ${this.name}`,
        this.#trail.n + 1,
        snapshotN,
      );
    else entity.conversation?.holdAgainstSnapshot();
    if (snapshotN <= this.#trail.n && this.isWhole && !entity.isBroken && !this.hasHole) {
      const stored = type.codec.encodeSnapshot(type.codec.decodeSnapshot(snapshotState, entity.address));
      const rebuilt = type.codec.encodeSnapshot(entity.state);
      if (!Buffer.from(stored).equals(rebuilt))
        this.#options.findings.add(
          'snapshot-different',
          place,
          `the snapshot at commit ${snapshotN} of ${this.name} is not what its journal gives`,
        );
    }
  }

  async #entity(key: string): Promise<Rebuilt> {
    const known = this.entities.get(key);
    if (known !== undefined) return known;
    const { sources, findings } = this.#options;
    const address = parseEntityKey(key);
    const type = types.get(address.type)!;
    const loaded = await sources.snapshot(this.shard.kind, key);
    let stored: StoredState | undefined;
    let restored: unknown;
    let isDamaged = false;
    try {
      stored = loaded === undefined ? undefined : decodeStoredState(loaded.bytes);
      restored = stored && (type.codec.decodeSnapshot(stored.state, address) as unknown);
    } catch (error) {
      isDamaged = true;
      stored = undefined;
      findings.add('snapshot-damaged', placeOf(address), (error as Error).message);
    }
    const place = { tenant: address.tenant, id: address.id, shard: this.name };
    const isUser = address.type === 'user';
    const { isWhole } = this;
    const options = { isWhole, coversStart: this.#coversStart };
    const base = stored === undefined ? undefined : { n: stored.n, state: restored as never };
    const entity: Rebuilt = {
      key,
      address,
      type,
      state: isWhole || restored === undefined ? type.decider.initialState(address) : restored,
      snapshotN: stored?.n ?? 0,
      snapshotState: stored?.state,
      // What was trimmed from the journal is in no snapshot that can be read.
      isBroken: isDamaged && !isWhole,
      conversation: isUser
        ? undefined
        : new ConversationTruth({ ...place, id: conversationOf(address) }, findings, { base, ...options }),
      inbox: isUser ? new InboxTruth(place, findings, { base, isWhole }) : undefined,
    };
    // The truths have looked at the restored state; with a whole journal it is not used any further.
    this.entities.set(key, entity);
    return entity;
  }

  #findShard(
    code: 'journal-damaged' | 'journal-hole',
    what: string,
    from?: number,
    to: number | undefined = from,
  ): void {
    this.#options.findings.add(code, { tenant: '', subject: `shard ${this.name}` }, what, from, to);
  }
}

export const conversationOf = ({ type, id }: Pick<EntityAddress, 'type' | 'id'>): string =>
  `${type === 'group' ? 'g' : 'd'}.${id}`;

/** How findings name an entity. */
export const placeOf = (address: EntityAddress): { tenant: string; subject: string } => ({
  tenant: address.tenant,
  subject: address.type === 'user' ? `user ${address.id}` : conversationOf(address),
});

export const userStateOf = (entity: Rebuilt): UserState => entity.state as UserState;
export const conversationStateOf = (entity: Rebuilt): DirectState | GroupState =>
  entity.state as DirectState | GroupState;
