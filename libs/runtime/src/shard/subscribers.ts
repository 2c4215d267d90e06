// Who is subscribed to the entities of one shard (a user's connected devices), and how far each has acknowledged.
// Memory only: when a shard changes hands, gateways attach their connections again. Called from the shard loop only.
import type { EntityAddress } from '@parley/std';
import { AddressMap } from '../entity/address-map.ts';

export interface SubscriberEntry {
  readonly gatewayId: string;
  readonly connection: number;
  pushedPosition: number;
  pushedAtMs: number;
  acknowledgedPosition: number;
  /** Nudges sent since the last acknowledgement or push. */
  nudges: number;
  /** The next subscriber of the same entity. Nearly all have one: a list for each would be as large as the entry. */
  next: SubscriberEntry | undefined;
}

export class Subscribers {
  /** The longest attached, which leads to the others. */
  readonly #byEntity = new AddressMap<SubscriberEntry>();
  /** Each gateway's id once, however many of its connections are here: each message brings a string of its own. */
  readonly #gatewayIds = new Map<string, string>();
  readonly #subscribersMax: number;

  constructor(subscribersMax: number) {
    this.#subscribersMax = subscribersMax;
  }

  /** The longest attached; its `next` leads to the others. undefined when nobody is subscribed. */
  first(type: string, tenant: string, id: string): SubscriberEntry | undefined {
    return this.#byEntity.get(type, tenant, id);
  }

  /** All of them, the longest attached first. */
  of({ type, tenant, id }: EntityAddress): SubscriberEntry[] {
    const entries: SubscriberEntry[] = [];
    for (let each = this.first(type, tenant, id); each !== undefined; each = each.next) entries.push(each);
    return entries;
  }

  get entityCount(): number {
    return this.#byEntity.size;
  }

  /** The one copy of a gateway's id, for entries. */
  nameOf(gatewayId: string): string {
    const known = this.#gatewayIds.get(gatewayId);
    if (known === undefined) this.#gatewayIds.set(gatewayId, gatewayId);
    return known ?? gatewayId;
  }

  /**
   * Adds the subscriber, or replaces the one with the same gateway and connection. Beyond the maximum the longest
   * attached goes: most likely one whose detaching was lost.
   */
  attach(address: EntityAddress, entry: SubscriberEntry): void {
    const others = this.of(address).filter((other) => !isSame(other, entry.gatewayId, entry.connection));
    this.#keep(address, [...others, entry].slice(-this.#subscribersMax));
  }

  detach(address: EntityAddress, gatewayId: string, connection: number): void {
    const entries = this.of(address);
    const kept = entries.filter((entry) => !isSame(entry, gatewayId, connection));
    if (kept.length < entries.length) this.#keep(address, kept);
  }

  acknowledge(
    { type, tenant, id }: EntityAddress,
    { gatewayId, connection, position }: { gatewayId: string; connection: number; position: number },
  ): void {
    for (let entry = this.first(type, tenant, id); entry !== undefined; entry = entry.next) {
      if (!isSame(entry, gatewayId, connection) || position <= entry.acknowledgedPosition) continue;
      entry.acknowledgedPosition = position;
      entry.nudges = 0;
    }
  }

  gatewayIds(): Set<string> {
    const ids = new Set<string>();
    this.#forEach((entry) => ids.add(entry.gatewayId));
    for (const known of this.#gatewayIds.keys()) if (!ids.has(known)) this.#gatewayIds.delete(known);
    return ids;
  }

  /** Forgets all subscribers of a gateway that is gone. */
  dropGateway(gatewayId: string): void {
    this.#gatewayIds.delete(gatewayId);
    this.#byEntity.forEach((_first, tenant, id, type) => {
      const entries = this.of({ type, tenant, id });
      const kept = entries.filter((entry) => entry.gatewayId !== gatewayId);
      if (kept.length < entries.length) this.#keep({ type, tenant, id }, kept);
    });
  }

  /** Subscribers with a push that has waited for its acknowledgement since before `pushedBeforeMs`. */
  overdue(pushedBeforeMs: number, nudgesMax: number): { address: EntityAddress; entry: SubscriberEntry }[] {
    const overdue: { address: EntityAddress; entry: SubscriberEntry }[] = [];
    this.#forEach((entry, tenant, id, type) => {
      const isOverdue =
        entry.acknowledgedPosition < entry.pushedPosition && entry.pushedAtMs < pushedBeforeMs;
      if (isOverdue && entry.nudges < nudgesMax) overdue.push({ address: { type, tenant, id }, entry });
    });
    return overdue;
  }

  #forEach(visit: (entry: SubscriberEntry, tenant: string, id: string, type: string) => void): void {
    this.#byEntity.forEach((first, tenant, id, type) => {
      for (let each: SubscriberEntry | undefined = first; each !== undefined; each = each.next)
        visit(each, tenant, id, type);
    });
  }

  /** Chains the entries, which are all of the entity. */
  #keep(address: EntityAddress, entries: readonly SubscriberEntry[]): void {
    const [first] = entries;
    entries.forEach((entry, index) => (entry.next = entries[index + 1]));
    if (first === undefined) this.#byEntity.delete(address);
    else this.#byEntity.set(address, first);
  }
}

const isSame = (entry: SubscriberEntry, gatewayId: string, connection: number): boolean =>
  entry.connection === connection && entry.gatewayId === gatewayId;
