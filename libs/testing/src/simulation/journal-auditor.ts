// Reads every journal record the moment it is stored, keeps it for ever, and rebuilds all entities from nothing but these
// records with deciders of its own. Knows nothing of the runtime's memory; whatever the runtime says is compared with it.
// INV-1 (chain, epochs), INV-2 (dense), INV-4 (once), INV-7 (nothing early on lanes), INV-8 (lanes), INV-9 (size),
// INV-11 (trimming).
import type { MemoryCluster } from '@parley/adapters';
import {
  type Deliver,
  type LogMessage,
  type UserEvent,
  type UserState,
  applyChange,
  changeIn,
  directLogMessage,
  groupLogMessage,
  takesPosition,
  withoutContent,
} from '@parley/domain';
import { parseConversation } from '@parley/protocol';
import {
  type CommitRecord,
  type CommittedEffect,
  type EntityType,
  type Placement,
  type ShardId,
  decodeCommit,
  decodeIntake,
  entityKey,
  parseEntityKey,
  shardName,
} from '@parley/runtime';
import type { EntityAddress, TellEffect } from '@parley/std';
import type { Trace } from './trace.ts';

/** One entity as the journals tell it. */
export interface AuditedEntity {
  readonly address: EntityAddress;
  readonly type: EntityType;
  state: unknown;
  /** Its facts in order, with the number of the commit that holds each. */
  readonly events: { readonly n: number; readonly payload: Uint8Array }[];
  lastN: number;
}

export interface AuditedShard {
  readonly shard: ShardId;
  readonly name: string;
  /** Every record ever stored, trimmed or not. */
  readonly sequences: number[];
  /** How many of them are trimmed. */
  trimmed: number;
  last: CommitRecord | undefined;
  lastSequence: number;
  records: number;
  /** What the simulated history has stored. */
  historySequence: number;
  /** Effects given out, by target: number n at n - 1. */
  readonly lanesOut: Map<string, { readonly effect: CommittedEffect; readonly ids: readonly string[] }[]>;
  readonly lanesIn: Map<string, number>;
  /** Highest lane number stored in this shard's command log, by source. */
  readonly lanesStored: Map<string, number>;
}

export class JournalAuditor {
  readonly shards = new Map<string, AuditedShard>();
  readonly entities = new Map<string, AuditedEntity>();
  /** Logs of conversations, by conversation id; sequence n at n - 1. */
  readonly logs = new Map<string, LogMessage[]>();
  /** A user's facts in order, and those that took an inbox position. */
  readonly userEvents = new Map<string, UserEvent[]>();
  readonly inboxes = new Map<string, UserEvent[]>();
  /** What conversations told users, by user and conversation, in order. */
  readonly delivered = new Map<string, Map<string, Deliver[]>>();
  /** `conversation sender clientMessageId` → sequence. */
  readonly posted = new Map<string, number>();
  commits = 0;
  takeovers = 0;
  readonly #memory: MemoryCluster;
  readonly #placement: Placement;
  readonly #types: ReadonlyMap<string, EntityType>;
  readonly #trace: Trace;
  readonly #recordBytesMax: number;

  constructor(options: {
    readonly memory: MemoryCluster;
    readonly placement: Placement;
    readonly types: readonly EntityType[];
    readonly shards: readonly ShardId[];
    readonly trace: Trace;
    /** What one record may be large. */
    readonly recordBytesMax: number;
  }) {
    this.#memory = options.memory;
    this.#placement = options.placement;
    this.#types = new Map(options.types.map((type) => [type.name, type]));
    this.#trace = options.trace;
    this.#recordBytesMax = options.recordBytesMax;
    for (const shard of options.shards) this.#follow(shard);
  }

  entity(type: string, tenant: string, id: string): AuditedEntity {
    const key = entityKey(type, tenant, id);
    let entity = this.entities.get(key);
    if (entity === undefined) {
      const entityType = this.#types.get(type)!;
      const address = { type, tenant, id };
      const state: unknown = entityType.decider.initialState(address);
      entity = { address, type: entityType, state, events: [], lastN: 0 };
      this.entities.set(key, entity);
    }
    return entity;
  }

  user(tenant: string, id: string): UserState {
    return this.entity('user', tenant, id).state as UserState;
  }

  /** The shard that holds a conversation. */
  shardOf(tenant: string, conversation: string): AuditedShard {
    const { type, id } = parseConversation(conversation)!;
    return this.shards.get(shardName(this.#placement.shardOf({ type, tenant, id })))!;
  }

  /** History has stored everything up to `sequence`. Trimming is judged by what it had before. */
  historyStored(name: string, sequence: number): void {
    const audited = this.shards.get(name)!;
    this.checkTrimming(audited);
    audited.historySequence = Math.max(audited.historySequence, sequence);
  }

  checkTrimming(audited: AuditedShard): void {
    const { stream, subject } = this.#memory.journal(audited.shard);
    const first = stream.from(subject, 1, 1)[0];
    if (first === undefined) {
      if (audited.records > 0)
        this.#violate('INV-11', `${audited.name}: the journal is empty, its fence is gone`);
      return;
    }
    while ((audited.sequences[audited.trimmed] ?? Infinity) < first.sequence) audited.trimmed++;
    const before = audited.sequences[audited.trimmed - 1] ?? 0;
    if (before > audited.historySequence) {
      this.#violate(
        'INV-11',
        `${audited.name}: ${before} is trimmed, history has ${audited.historySequence}`,
      );
    }
  }

  #follow(shard: ShardId): void {
    const name = shardName(shard);
    const audited: AuditedShard = {
      shard,
      name,
      sequences: [],
      trimmed: 0,
      last: undefined,
      lastSequence: 0,
      records: 0,
      historySequence: 0,
      lanesOut: new Map(),
      lanesIn: new Map(),
      lanesStored: new Map(),
    };
    this.shards.set(name, audited);
    const journal = this.#memory.journal(shard);
    journal.stream.listen(journal.subject, () => {
      const { sequence, bytes } = journal.stream.last(journal.subject)!;
      this.#record(audited, sequence, bytes);
    });
    const commands = this.#memory.commands(shard);
    commands.stream.listen(commands.subject, () =>
      this.#command(audited, commands.stream.last(commands.subject)!.bytes),
    );
  }

  #record(audited: AuditedShard, sequence: number, bytes: Uint8Array): void {
    const record = decodeCommit(bytes);
    this.commits++;
    if (record.kind === 'epoch') this.takeovers++;
    this.#trace.note(
      audited.name,
      `${record.kind} e${record.epoch} n${record.n} seq ${sequence} input ${record.inputOffset} events ${record.events.length}`,
    );
    this.#checkChain(audited, record);
    if (bytes.length > this.#recordBytesMax)
      this.#violate('INV-9', `${audited.name} n${record.n}: a record of ${bytes.length} bytes`);
    this.checkTrimming(audited);
    audited.sequences.push(sequence);
    audited.last = record;
    audited.lastSequence = sequence;
    audited.records++;
    this.#lanesIn(audited, record);
    const tells: TellEffect[] = [];
    const tenants: string[] = [];
    for (const event of record.events) {
      for (const id of event.ids) {
        const told = this.#event(audited, record, this.entity(event.type, event.tenant, id), event.payload);
        for (const tell of told) {
          tells.push(tell);
          tenants.push(event.tenant);
        }
      }
    }
    this.#lanesOut(audited, record, tells, tenants);
  }

  #checkChain(audited: AuditedShard, record: CommitRecord): void {
    const { last, name } = audited;
    const wrong = (what: string): void =>
      this.#violate('INV-1', `${name} e${record.epoch} n${record.n}: ${what}`);
    if (record.shard !== name) wrong(`belongs to ${record.shard}`);
    if (record.previousSequence !== audited.lastSequence)
      wrong(`follows ${record.previousSequence}, stored after ${audited.lastSequence}`);
    if (record.n !== (last?.n ?? 0) + 1) wrong(`follows n ${last?.n}`);
    const lastEpoch = last?.epoch ?? 0;
    if (record.epoch < lastEpoch) wrong(`stored after epoch ${lastEpoch}`);
    if (record.epoch > lastEpoch && record.kind !== 'epoch') wrong('a new epoch begins without its record');
    if (record.epoch === lastEpoch && record.kind === 'epoch') wrong('a second epoch record');
    if (record.epoch === lastEpoch && last?.kind === 'hand-off') wrong('written after the hand-off');
    if (record.inputOffset < (last?.inputOffset ?? 0)) wrong(`input goes back from ${last?.inputOffset}`);
    if (record.atMs < (last?.atMs ?? 0)) wrong('time goes back');
  }

  #event(
    audited: AuditedShard,
    record: CommitRecord,
    entity: AuditedEntity,
    bytes: Uint8Array,
  ): TellEffect[] {
    const { decider, codec } = entity.type;
    const payload = bytes.slice();
    const home = shardName(this.#placement.shardOf(entity.address));
    if (home !== audited.name)
      this.#violate('INV-1', `${entityKey(...keyOf(entity))} has an event in ${audited.name}`);
    const event: unknown = codec.decodeEvent(payload);
    try {
      entity.state = decider.evolve(entity.state, event);
    } catch (cause) {
      this.#violate('INV-2', `${entityKey(...keyOf(entity))} n${record.n}: ${String(cause)}`);
      return [];
    }
    entity.events.push({ n: record.n, payload });
    entity.lastN = record.n;
    this.#note(entity, event as { readonly type: string });
    const tells = decider.effectsOf(event, entity.state).filter((effect) => effect.kind === 'tell');
    for (const tell of tells) this.#expect(entity.address.tenant, tell);
    return tells;
  }

  #note(entity: AuditedEntity, event: { readonly type: string }): void {
    const { type, tenant, id } = entity.address;
    if (type === 'user') {
      const userEvent = event as UserEvent;
      push(this.userEvents, `${tenant}.${id}`, userEvent);
      if (takesPosition(userEvent)) push(this.inboxes, `${tenant}.${id}`, userEvent);
      return;
    }
    const conversation = `${type === 'group' ? 'g' : 'd'}.${id}`;
    const message =
      type === 'group'
        ? groupLogMessage(event as never, conversation)
        : directLogMessage(event as never, conversation);
    if (message === undefined) return;
    const log = push(this.logs, `${tenant}.${conversation}`, message);
    if (message.sequence !== log.length)
      this.#violate('INV-2', `${conversation}: sequence ${message.sequence} at place ${log.length}`);
    if (message.clientMessageId === '') return;
    const key = postKey(tenant, conversation, message.sender, message.clientMessageId);
    if (this.posted.has(key))
      this.#violate('INV-4', `${key} is posted twice: ${this.posted.get(key)}, ${message.sequence}`);
    this.posted.set(key, message.sequence);
  }

  /** What members must come to see. */
  #expect(tenant: string, tell: TellEffect): void {
    const command = tell.command as { readonly type: string };
    if (command.type !== 'Deliver') return;
    const deliver = command as Deliver;
    for (const id of tell.ids) {
      let byConversation = this.delivered.get(`${tenant}.${id}`);
      if (byConversation === undefined) this.delivered.set(`${tenant}.${id}`, (byConversation = new Map()));
      push(byConversation, deliver.message.conversation, deliver);
    }
  }

  /** The effects of a record are those its events cause in other shards, and their numbers go on without gaps. */
  #lanesOut(
    audited: AuditedShard,
    record: CommitRecord,
    tells: readonly TellEffect[],
    tenants: readonly string[],
  ): void {
    const found: string[] = [];
    for (const effect of record.effects) {
      for (const target of effect.targets) {
        const lane = audited.lanesOut.get(target.shard) ?? [];
        audited.lanesOut.set(target.shard, lane);
        if (target.number !== lane.length + 1)
          this.#violate(
            'INV-8',
            `${audited.name}>${target.shard}: number ${target.number} follows ${lane.length}`,
          );
        lane.push({ effect: { ...effect, payload: effect.payload.slice() }, ids: target.ids });
        found.push(`${target.shard} ${effect.type} ${target.ids.join()} ${digest(effect.payload)}`);
      }
    }
    const expected: string[] = [];
    for (const [index, tell] of tells.entries()) {
      const byShard = new Map<string, string[]>();
      const tenant = tenants[index]!;
      for (const id of tell.ids)
        push(byShard, shardName(this.#placement.shardOf({ type: tell.type, tenant, id })), id);
      const payload = this.#types.get(tell.type)!.codec.encodeCommand(tell.command);
      for (const [shard, ids] of byShard) {
        if (shard !== audited.name) expected.push(`${shard} ${tell.type} ${ids.join()} ${digest(payload)}`);
      }
    }
    // Per lane the order counts; which lane a record names first does not.
    if (found.sort().join('\n') !== expected.sort().join('\n')) {
      this.#violate(
        'INV-8',
        `${audited.name} n${record.n}: effects ${found.length}, its events cause ${expected.length}`,
      );
    }
    for (const { shard, number } of record.laneCursors) {
      const stored = this.shards.get(shard)?.lanesStored.get(audited.name) ?? 0;
      if (number > stored)
        this.#violate('INV-8', `${audited.name}>${shard}: cursor ${number}, the target's log has ${stored}`);
    }
  }

  #lanesIn(audited: AuditedShard, record: CommitRecord): void {
    for (const { shard, number } of record.lanesIn) {
      const seen = audited.lanesIn.get(shard) ?? 0;
      const given = this.shards.get(shard)?.lanesOut.get(audited.name)?.length ?? 0;
      if (number <= seen)
        this.#violate('INV-8', `${shard}>${audited.name}: ${number} taken again after ${seen}`);
      if (number > given)
        this.#violate('INV-7', `${shard}>${audited.name}: ${number} taken, ${given} committed`);
      audited.lanesIn.set(shard, number);
    }
  }

  /** A lane batch on the command log: only what its source has committed, as committed. */
  #command(audited: AuditedShard, bytes: Uint8Array): void {
    const intake = decodeIntake(bytes);
    if (intake.kind !== 'lane') return;
    const committed = this.shards.get(intake.source)?.lanesOut.get(audited.name) ?? [];
    for (const [index, effect] of intake.effects.entries()) {
      const number = intake.firstNumber + index;
      const known = committed[number - 1];
      if (known === undefined)
        this.#violate('INV-7', `${intake.source}>${audited.name}: effect ${number} left before its commit`);
      else if (
        digest(known.effect.payload) !== digest(effect.payload) ||
        known.ids.join() !== effect.ids.join()
      )
        this.#violate('INV-8', `${intake.source}>${audited.name}: effect ${number} is not the one committed`);
      const stored = audited.lanesStored.get(intake.source) ?? 0;
      audited.lanesStored.set(intake.source, Math.max(stored, number));
    }
  }

  #violate(rule: string, what: string): void {
    this.#trace.violate(rule, what);
  }
}

/** A log with its edits and recalls applied, as whoever has read all of it shows it. */
export function currentLog(log: readonly LogMessage[]): readonly LogMessage[] {
  const current = [...log];
  for (const element of log) {
    const change = changeIn(element);
    if (change === undefined) continue;
    current[change.target - 1] = applyChange(current[change.target - 1]!, element);
    if (!change.isRecall) continue;
    for (const [index, each] of current.entries())
      if (each.edited?.sequence === change.target) current[index] = withoutContent(each);
  }
  return current;
}

export const postKey = (
  tenant: string,
  conversation: string,
  sender: string,
  clientMessageId: string,
): string => `${tenant} ${conversation} ${sender} ${clientMessageId}`;

export const digest = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** The state of an entity after the facts up to commit `n`. */
export function replay(entity: AuditedEntity, n = Number.MAX_SAFE_INTEGER): unknown {
  const { decider, codec } = entity.type;
  let state: unknown = decider.initialState(entity.address);
  for (const event of entity.events)
    if (event.n <= n) state = decider.evolve(state, codec.decodeEvent(event.payload));
  return state;
}

export const auditedEntityOf = (auditor: JournalAuditor, key: string): AuditedEntity => {
  const { type, tenant, id } = parseEntityKey(key);
  return auditor.entity(type, tenant, id);
};

const keyOf = ({ address }: AuditedEntity): [string, string, string] => [
  address.type,
  address.tenant,
  address.id,
];

function push<T>(lists: Map<string, T[]>, key: string, value: T): T[] {
  const list = lists.get(key);
  if (list !== undefined) {
    list.push(value);
    return list;
  }
  const created = [value];
  lists.set(key, created);
  return created;
}
