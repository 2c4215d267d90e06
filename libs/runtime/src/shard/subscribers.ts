// Who is subscribed to the entities of one shard (a user's connected devices), and how far each has acknowledged.
// Memory only: when a shard changes hands, gateways attach their connections again. Called from the shard loop only.

export interface SubscriberEntry {
  readonly gatewayId: string;
  readonly connection: number;
  pushedPosition: number;
  pushedAtMs: number;
  acknowledgedPosition: number;
  /** Nudges sent since the last acknowledgement or push. */
  nudges: number;
}

export class Subscribers {
  readonly #byEntity = new Map<string, SubscriberEntry[]>();
  /** Each gateway's id once, however many of its connections are here: each message brings a string of its own. */
  readonly #gatewayIds = new Map<string, string>();
  readonly #subscribersMax: number;

  constructor(subscribersMax: number) {
    this.#subscribersMax = subscribersMax;
  }

  /** Empty when nobody is subscribed. */
  of(entityKey: string): readonly SubscriberEntry[] {
    return this.#byEntity.get(entityKey) ?? none;
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
  attach(entityKey: string, entry: SubscriberEntry): void {
    const others = this.of(entityKey).filter((other) => !isSame(other, entry.gatewayId, entry.connection));
    this.#byEntity.set(entityKey, [...others, entry].slice(-this.#subscribersMax));
  }

  detach(entityKey: string, gatewayId: string, connection: number): void {
    this.#keep(entityKey, (entry) => !isSame(entry, gatewayId, connection));
  }

  acknowledge(entityKey: string, gatewayId: string, connection: number, position: number): void {
    for (const entry of this.of(entityKey)) {
      if (!isSame(entry, gatewayId, connection) || position <= entry.acknowledgedPosition) continue;
      entry.acknowledgedPosition = position;
      entry.nudges = 0;
    }
  }

  gatewayIds(): Set<string> {
    const ids = new Set<string>();
    for (const entries of this.#byEntity.values()) for (const entry of entries) ids.add(entry.gatewayId);
    for (const known of this.#gatewayIds.keys()) if (!ids.has(known)) this.#gatewayIds.delete(known);
    return ids;
  }

  /** Forgets all subscribers of a gateway that is gone. */
  dropGateway(gatewayId: string): void {
    this.#gatewayIds.delete(gatewayId);
    for (const key of [...this.#byEntity.keys()]) this.#keep(key, (entry) => entry.gatewayId !== gatewayId);
  }

  /** Subscribers with a push that has waited for its acknowledgement since before `pushedBeforeMs`. */
  *overdue(pushedBeforeMs: number, nudgesMax: number): Generator<{ key: string; entry: SubscriberEntry }> {
    for (const [key, entries] of this.#byEntity) {
      for (const entry of entries) {
        const isOverdue =
          entry.acknowledgedPosition < entry.pushedPosition && entry.pushedAtMs < pushedBeforeMs;
        if (isOverdue && entry.nudges < nudgesMax) yield { key, entry };
      }
    }
  }

  #keep(entityKey: string, isKept: (entry: SubscriberEntry) => boolean): void {
    const kept = this.of(entityKey).filter(isKept);
    if (kept.length > 0) this.#byEntity.set(entityKey, kept);
    else this.#byEntity.delete(entityKey);
  }
}

const none: readonly SubscriberEntry[] = [];

const isSame = (entry: SubscriberEntry, gatewayId: string, connection: number): boolean =>
  entry.connection === connection && entry.gatewayId === gatewayId;
