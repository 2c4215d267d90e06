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
  /** Shards that may be on the move at once. */
  readonly movingMax: number;
}

/** Rows to write, by shard. Without any node that is up, nothing changes but owners that are dead. */
export function allocate(input: AllocationInput): Map<string, OwnerRow> {
  const changes = new Map<string, OwnerRow>();
  const wanted = balance(input.shards, placedOf(input), input.up);
  let moving = [...input.rows.values()].filter((row) => isMoving(row, input.alive)).length;
  for (const shard of input.shards) {
    const row = input.rows.get(shard) ?? { owner: null, target: null };
    const owner = row.owner !== null && input.alive.has(row.owner) ? row.owner : null;
    const home = wanted.get(shard) ?? null;
    let target = row.target !== null && input.up.includes(row.target) ? row.target : null;
    if (owner === null || home === owner) {
      target = home;
    } else if (home !== null && target !== home) {
      const isOwnerLeaving = !input.up.includes(owner);
      if (isOwnerLeaving || moving < input.movingMax) {
        if (target === owner || target === null) moving++;
        target = home;
      }
    }
    target ??= owner !== null && input.up.includes(owner) ? owner : null;
    if (owner !== row.owner || target !== row.target) changes.set(shard, { owner, target });
  }
  return changes;
}

/** Where each shard is, or is on its way to. */
function placedOf({ rows, up }: AllocationInput): Map<string, string> {
  const placed = new Map<string, string>();
  for (const [shard, { owner, target }] of rows) {
    const place = target !== null && up.includes(target) ? target : owner;
    if (place !== null) placed.set(shard, place);
  }
  return placed;
}

const isMoving = (row: OwnerRow, alive: ReadonlySet<string>): boolean =>
  row.owner !== null && alive.has(row.owner) && row.target !== null && row.target !== row.owner;
