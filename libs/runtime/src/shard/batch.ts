// Everything one commit will hold, and everything that may leave the shard once it is durable. Filled while the commit
// before is in flight; values that go to many (an event told to many users, a push to many devices) are kept and encoded once.
import type { Entity } from '../entity/entity-table.ts';
import type { EntityType } from '../entity/entity-type.ts';
import {
  type CommittedEffect,
  type CommittedEvent,
  type EffectTarget,
  OutboundWriter,
} from '../wire/index.ts';

type OpenEvent = CommittedEvent & { ids: readonly string[] };

/** A connection of a gateway. */
interface PushedTo {
  readonly gatewayId: string;
  readonly connection: number;
}

export interface LivePublish {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export class Batch {
  readonly events: OpenEvent[] = [];
  readonly effects: CommittedEffect[] = [];
  readonly lanesIn = new Map<string, number>();
  readonly outbound = new Map<string, OutboundWriter>();
  readonly publishes: LivePublish[] = [];
  /** Answers to queries that saw state of this batch. */
  readonly deferred: (() => void)[] = [];
  /** Rough size of the commit. */
  bytes = 0;
  eventCount = 0;
  /** Rough size of what waits for release. */
  outboundBytes = 0;

  /** The newest event, those it happened to, and the list of them once there are several. */
  #lastEvent: unknown;
  #lastIds: string[] | undefined;
  readonly #sizedLists = new Set<readonly string[]>();
  /** Those a push goes to come one after another, so the last one is all that need be known. */
  #lastPayload: { readonly value: unknown; readonly bytes: Uint8Array } | undefined;

  /** Whether a commit must be written for it. */
  get isDurable(): boolean {
    return this.events.length > 0 || this.effects.length > 0 || this.lanesIn.size > 0;
  }

  get isEmpty(): boolean {
    return (
      !this.isDurable && this.outbound.size === 0 && this.publishes.length === 0 && this.deferred.length === 0
    );
  }

  addEvent(entity: Entity, event: unknown): void {
    const { type, address } = entity;
    const { tenant, id } = address;
    this.eventCount++;
    this.bytes += id.length + 1;
    const last = this.events.at(-1);
    if (
      last !== undefined &&
      this.#lastEvent === event &&
      last.type === type.name &&
      last.tenant === tenant
    ) {
      last.ids = this.#lastIds ??= [...last.ids];
      this.#lastIds.push(id);
      return;
    }
    const payload = type.codec.encodeEvent(event);
    this.events.push({ type: type.name, tenant, ids: (entity.ids ??= [id]), payload });
    this.#lastEvent = event;
    this.#lastIds = undefined;
    this.bytes += payload.length + 16;
  }

  /** After one command was given to all of `ids`: if they share the last event, they also share the list of ids. */
  shareIds(ids: readonly string[]): void {
    const last = this.events.at(-1);
    if (ids.length < 2 || last === undefined || last.ids.length !== ids.length) return;
    if (!ids.every((id, index) => last.ids[index] === id)) return;
    last.ids = ids;
    this.#lastEvent = undefined;
  }

  addEffect(effect: CommittedEffect): void {
    this.effects.push(effect);
    this.bytes += effect.payload.length + 24;
    for (const target of effect.targets) this.bytes += target.shard.length + 8 + this.#sizeOfNewList(target);
  }

  addReply(gatewayId: string, requestId: number, payload: Uint8Array): void {
    this.#gateway(gatewayId).reply(requestId, payload);
    this.outboundBytes += payload.length + 64;
  }

  /** `position`: the entity's number of this push; 0 for pushes without one. */
  addPush({ gatewayId, connection }: PushedTo, type: EntityType, payload: unknown, position: number): void {
    const gateway = this.#gateway(gatewayId);
    this.outboundBytes += 32;
    if (!gateway.isPushing(payload)) {
      const bytes = this.encodedPayload(type, payload);
      gateway.push(payload, bytes);
      this.outboundBytes += bytes.length;
    }
    gateway.target(connection, position);
  }

  encodedPayload(type: EntityType, payload: unknown): Uint8Array {
    if (this.#lastPayload === undefined || this.#lastPayload.value !== payload)
      this.#lastPayload = { value: payload, bytes: type.codec.encodePayload(payload) };
    return this.#lastPayload.bytes;
  }

  /** Bytes of the ids, unless the same list is in this batch already. */
  #sizeOfNewList({ ids }: EffectTarget): number {
    if (ids.length === 1) return 9 + ids[0]!.length;
    if (this.#sizedLists.has(ids)) return 8;
    this.#sizedLists.add(ids);
    return ids.reduce((sum, id) => sum + id.length + 1, 8);
  }

  #gateway(gatewayId: string): OutboundWriter {
    let gateway = this.outbound.get(gatewayId);
    if (gateway === undefined) this.outbound.set(gatewayId, (gateway = new OutboundWriter()));
    return gateway;
  }
}
