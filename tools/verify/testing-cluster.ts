// A cluster in memory for the specs: one shard of each kind, its journal, its actors' states, its snapshots and its history,
// all of which a test can damage on purpose.
import type { DirectEvent, GroupEvent, LogMessage, UserEvent } from '@parley/domain';
import { directEntityType, groupEntityType, userEntityType } from '@parley/hosting/entities';
import { decodeQueryAddress, fromWireMessage, internal, type parley, toWireMessage } from '@parley/protocol';
import {
  type EntityType,
  type JournalRecord,
  type RequestResult,
  type ShardId,
  encodeCommit,
  entityKey,
  parseEntityKey,
  shardName,
} from '@parley/runtime';
import { ByteWriter } from '@parley/std';
import { directFact, groupFact } from '../journals/facts.ts';
import type { Sources } from './sources.ts';

export const tenant = 'acme';

export interface TestEvent {
  readonly type: 'direct' | 'group' | 'user';
  readonly ids: readonly string[];
  readonly event: DirectEvent | GroupEvent | UserEvent;
}

const types = new Map<string, EntityType>(
  [userEntityType, directEntityType, groupEntityType].map((type) => [type.name, type as EntityType]),
);
const kindOf = (type: string): string => (type === 'group' ? 'group' : 'user');

export class TestingCluster implements Sources {
  readonly shardCounts = { user: 1, group: 1 };
  readonly journals = new Map<string, JournalRecord[]>([
    ['user.0', []],
    ['group.0', []],
  ]);
  /** What the actors hold. */
  readonly states = new Map<string, unknown>();
  /** Retention has deleted what stands up to here. */
  expiredThrough = 0;
  /** What ClickHouse holds. */
  readonly rows = new Map<string, LogMessage[]>();
  readonly snapshots = new Map<string, Uint8Array>();
  /** Replaces an actor's answer. */
  tamper: ((answer: Uint8Array, query: Uint8Array) => Uint8Array) | undefined;
  /** Called before each question and each page: where people go on writing meanwhile. */
  meanwhile: (() => void) | undefined;
  isHistoryAway = false;
  /** What history says it has; undefined: everything. */
  historySequence: number | undefined;
  #sequence = 0;
  #n = new Map<string, number>();

  readonly journal = {
    last: (shard: ShardId) => Promise.resolve(this.journals.get(shardName(shard))!.at(-1)),
    read: (shard: ShardId, from: number) => this.#read(shard, from),
  };

  /** Events of one kind of shard: into the journal, the actors and the history, as real ones would. */
  commit(...events: readonly TestEvent[]): void {
    const kind = kindOf(events[0]!.type);
    const name = `${kind}.0`;
    const n = (this.#n.get(name) ?? 0) + 1;
    this.#n.set(name, n);
    const journal = this.journals.get(name)!;
    const bytes = encodeCommit({
      kind: 'commit',
      shard: name,
      epoch: 1,
      n,
      previousSequence: journal.at(-1)?.sequence ?? 0,
      inputOffset: 0,
      atMs: 1,
      lanesIn: [],
      laneCursors: [],
      effects: [],
      events: events.map(({ type, ids, event }) => ({
        type,
        tenant,
        ids,
        payload: types.get(type)!.codec.encodeEvent(event),
      })),
    });
    journal.push({ sequence: ++this.#sequence, bytes });
    for (const { type, ids, event } of events) for (const id of ids) this.#apply(type, id, event);
  }

  /** A snapshot of what the actor holds now. */
  save(type: string, id: string, state: unknown = this.states.get(entityKey(type, tenant, id))): void {
    const bytes = types.get(type)!.codec.encodeSnapshot(state);
    const n = this.#n.get(`${kindOf(type)}.0`) ?? 0;
    const stored = new ByteWriter().u8(1).varint(1).varint(n).blob(bytes).finish();
    this.snapshots.set(entityKey(type, tenant, id), Uint8Array.from(stored));
  }

  /** Forgets all records but the last ones. */
  trim(name: string, kept: number): void {
    const journal = this.journals.get(name)!;
    journal.splice(0, journal.length - kept);
  }

  firstSequence(shard: ShardId): Promise<number> {
    return Promise.resolve(this.journals.get(shardName(shard))![0]?.sequence ?? 0);
  }

  snapshotKeys(kind: string): Promise<readonly string[]> {
    return Promise.resolve(
      [...this.snapshots.keys()].filter((key) => kindOf(parseEntityKey(key).type) === kind),
    );
  }

  snapshot(_kind: string, key: string) {
    const bytes = this.snapshots.get(key);
    return Promise.resolve(bytes && { bytes, revision: 1 });
  }

  watermark(shard: ShardId): Promise<number> {
    return Promise.resolve(
      this.historySequence ?? this.journals.get(shardName(shard))!.at(-1)?.sequence ?? 0,
    );
  }

  ask(_shard: ShardId, query: Uint8Array): Promise<RequestResult> {
    this.meanwhile?.();
    const address = decodeQueryAddress(query);
    const type = types.get(address.type)!;
    const state =
      this.states.get(entityKey(address.type, address.tenant, address.id)) ??
      (type.decider.initialState(address) as unknown);
    const answer = type.query(state, query, address);
    return Promise.resolve({ outcome: 'answered', bytes: this.tamper?.(answer, query) ?? answer });
  }

  historyPage(request: Uint8Array): Promise<RequestResult> {
    this.meanwhile?.();
    if (this.isHistoryAway) return Promise.resolve({ outcome: 'no-responders' });
    const { conversation, from, to } = internal.HistoryPageRequest.decode(request);
    const all = this.rows.get(conversation) ?? [];
    const wanted = all.filter(({ sequence }) => sequence >= from && sequence <= to);
    const run = wanted.filter(({ sequence }, index) => sequence === from + index);
    const isCut = run.length < wanted.length;
    const answer = {
      messages: run.map((message) => {
        const { sequence } = message;
        if (sequence <= this.expiredThrough) return { conversation, sequence, system: { expired: {} } };
        return toWireMessage(message) as parley.v1.Message.$Properties;
      }),
      completeThrough: isCut ? from + run.length - 1 : (all.at(-1)?.sequence ?? 0),
    };
    return Promise.resolve({
      outcome: 'answered',
      bytes: internal.HistoryPageAnswer.encode(answer).finish(),
    });
  }

  async *#read(shard: ShardId, from: number): AsyncIterable<JournalRecord> {
    for (const record of this.journals.get(shardName(shard))!.slice()) {
      await Promise.resolve();
      if (record.sequence >= from) yield record;
    }
  }

  #apply(type: TestEvent['type'], id: string, event: TestEvent['event']): void {
    const key = entityKey(type, tenant, id);
    const { decider } = types.get(type)!;
    const state = this.states.get(key) ?? (decider.initialState({ type, tenant, id }) as unknown);
    this.states.set(key, decider.evolve(state, event));
    if (type === 'user') return;
    const fact =
      type === 'direct' ? directFact(id, event as DirectEvent) : groupFact(id, event as GroupEvent);
    if (fact === undefined) return;
    const { message } = fact;
    const rows = this.rows.get(message.conversation) ?? [];
    this.rows.set(message.conversation, rows);
    // As it comes back from bytes.
    rows.push(fromWireMessage(toWireMessage(message) as parley.v1.Message));
    const { changed } = fact;
    const at = rows.findIndex(({ sequence }) => sequence === changed?.sequence);
    if (changed !== undefined && at >= 0) rows[at] = changed;
  }
}
