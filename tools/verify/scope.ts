// Which entities are verified: everything, or some conversations and users.
import { parseConversation, placementRules } from '@parley/protocol';
import { Placement, type ShardId, parseEntityKey, shardName } from '@parley/runtime';
import type { EntityAddress } from '@parley/std';

export class Scope {
  readonly #placement: Placement;
  /** Undefined: all. */
  readonly tenant: string | undefined;
  readonly #addresses: ReadonlyMap<string, EntityAddress> | undefined;

  private constructor(
    placement: Placement,
    tenant: string | undefined,
    addresses: readonly EntityAddress[] | undefined,
  ) {
    this.#placement = placement;
    this.tenant = tenant;
    this.#addresses = addresses && new Map(addresses.map((one) => [keyOf(one), one]));
  }

  /** Everything of a tenant, or of all. */
  static all(shardCounts: Readonly<Record<string, number>>, tenant?: string): Scope {
    return new Scope(new Placement(placementRules, shardCounts), tenant, undefined);
  }

  static of(
    shardCounts: Readonly<Record<string, number>>,
    tenant: string,
    names: { readonly conversations: readonly string[]; readonly users: readonly string[] },
  ): Scope {
    const users = names.users.map((id) => ({ type: 'user', tenant, id }));
    const conversations = names.conversations.map((one) => addressOf(tenant, one));
    return new Scope(new Placement(placementRules, shardCounts), tenant, [...users, ...conversations]);
  }

  has(type: string, tenant: string, id: string): boolean {
    if (this.tenant !== undefined && tenant !== this.tenant) return false;
    return this.#addresses === undefined || this.#addresses.has(keyOf({ type, tenant, id }));
  }

  shardOf(address: EntityAddress): ShardId {
    return this.#placement.shardOf(address);
  }

  /** Groups before users, so that what groups tell inboxes has had time to arrive. */
  shards(): readonly ShardId[] {
    const all = ['group', 'user'].flatMap((kind) =>
      Array.from({ length: this.#placement.shardCount(kind) }, (_, index) => ({ kind, index })),
    );
    const { addresses } = this;
    if (addresses === undefined) return all;
    const wanted = new Set(addresses.map((address) => shardName(this.shardOf(address))));
    return all.filter((shard) => wanted.has(shardName(shard)));
  }

  /** Undefined when it is everything. */
  get addresses(): readonly EntityAddress[] | undefined {
    return this.#addresses && [...this.#addresses.values()];
  }

  /** Does this snapshot belong to an entity of the shard that is verified? */
  hasKey(key: string, shard: ShardId): boolean {
    const address = parseEntityKey(key);
    return (
      this.has(address.type, address.tenant, address.id) &&
      shardName(this.shardOf(address)) === shardName(shard)
    );
  }
}

const keyOf = ({ type, tenant, id }: EntityAddress): string => `${type}.${tenant}.${id}`;

/** Throws on what is no conversation id. */
function addressOf(tenant: string, conversation: string): EntityAddress {
  const parsed = parseConversation(conversation);
  if (parsed === undefined) throw new RangeError(`${conversation} is no conversation`);
  return { type: parsed.type, tenant, id: parsed.id };
}
