// The allocator's policy, as a pure function: who is alive and what the rows say in, rows to be written out.
import { balance } from './balance.ts';
import type { OwnerRow } from './owner-row.ts';

export interface AllocationInput {
  /** Names of all shards of the kind. */
  readonly shards: readonly string[];
  readonly rows: ReadonlyMap<string, OwnerRow>;
  /** Nodes that may own shards. */
  readonly up: readonly string[];
  /** Nodes that live, those that are leaving included: a shard is never taken from them, only asked back. */
  readonly alive: ReadonlySet<string>;
  /** Nodes that are up and do not answer: they keep what they have as long as they live, and get nothing. */
  readonly hanging: ReadonlySet<string>;
  /** Shards that may be on the move at once. */
  readonly movingMax: number;
}

/** Rows to write, by shard. Without any node that is up, nothing changes but owners that are dead. */
export function allocate(input: AllocationInput): Map<string, OwnerRow> {
  const changes = new Map<string, OwnerRow>();
  const { rows, alive, hanging } = input;
  const ownerOf = (shard: string): string | null => {
    const owner = rows.get(shard)?.owner ?? null;
    return owner !== null && alive.has(owner) ? owner : null;
  };
  const movable = input.shards.filter((shard) => !hanging.has(ownerOf(shard) ?? ''));
  const up = input.up.filter((nodeId) => !hanging.has(nodeId));
  const wanted = balance(movable, placedOf(rows, up), up);
  let moving = [...rows.values()].filter((row) => isMoving(row, alive)).length;
  for (const shard of movable) {
    const row = rows.get(shard) ?? { owner: null, target: null };
    const owner = ownerOf(shard);
    const home = wanted.get(shard) ?? null;
    let target = row.target !== null && up.includes(row.target) ? row.target : null;
    if (owner === null || home === owner) {
      target = home;
    } else if (home !== null && target !== home) {
      const isOwnerLeaving = !up.includes(owner);
      if (isOwnerLeaving || moving < input.movingMax) {
        if (target === owner || target === null) moving++;
        target = home;
      }
    }
    target ??= owner !== null && up.includes(owner) ? owner : null;
    if (owner !== row.owner || target !== row.target) changes.set(shard, { owner, target });
  }
  return changes;
}

/** Where each shard is, or is on its way to. */
function placedOf(rows: ReadonlyMap<string, OwnerRow>, up: readonly string[]): Map<string, string> {
  const placed = new Map<string, string>();
  for (const [shard, { owner, target }] of rows) {
    const place = target !== null && up.includes(target) ? target : owner;
    if (place !== null) placed.set(shard, place);
  }
  return placed;
}

const isMoving = (row: OwnerRow, alive: ReadonlySet<string>): boolean =>
  row.owner !== null && alive.has(row.owner) && row.target !== null && row.target !== row.owner;
