// Which shard an entity lives on. Fixed when the cluster is created: a change would orphan every entity.
import { type EntityAddress, stableHash } from '@parley/std';
import type { ShardId } from '../ports/shard-id.ts';

export interface PlacementRule {
  /** Kind of shard that hosts entities of this type. */
  readonly kind: string;
  /** The part of the id that places it; entities with equal keys and tenants share a shard. */
  placementKey(id: string): string;
}

export class Placement {
  readonly #rules: Readonly<Record<string, PlacementRule>>;
  readonly #shardCounts: Readonly<Record<string, number>>;

  /** `rules` by entity type, `shardCounts` by kind. */
  constructor(rules: Readonly<Record<string, PlacementRule>>, shardCounts: Readonly<Record<string, number>>) {
    this.#rules = rules;
    this.#shardCounts = shardCounts;
  }

  /** Number of shards of a kind. */
  shardCount(kind: string): number {
    const count = this.#shardCounts[kind];
    if (count === undefined) throw new Error(`unknown shard kind ${kind}`);
    return count;
  }

  shardOf(address: EntityAddress): ShardId {
    const rule = this.#rules[address.type];
    if (rule === undefined) throw new Error(`no placement for entity type ${address.type}`);
    const key = `${address.tenant}\0${rule.placementKey(address.id)}`;
    return { kind: rule.kind, index: stableHash(key) % this.shardCount(rule.kind) };
  }
}
