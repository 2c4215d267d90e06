// Which shard belongs to which node, given where they are now: everybody keeps what they have as long as the fullest node
// has at most one shard more than the emptiest; beyond that as few as possible move. Ties go by rendezvous weight (Thaler
// and Ravishankar, 1998), so that two allocators with the same view agree. Plain rendezvous hashing left nodes without any
// shard: 12 % of the time with 8 shards on 3 nodes.
import { stableHash } from '@parley/std';

/** `placed`: the node each shard is at, or on its way to; nodes that are not `up` do not count. Empty without nodes. */
export function balance(
  shards: readonly string[],
  placed: ReadonlyMap<string, string>,
  up: readonly string[],
): Map<string, string> {
  const held = new Map(up.map((nodeId): [string, string[]] => [nodeId, []]));
  const homeless: string[] = [];
  if (up.length === 0) return new Map();
  for (const shard of shards) {
    const holder = held.get(placed.get(shard) ?? '');
    if (holder === undefined) homeless.push(shard);
    else holder.push(shard);
  }
  for (const shard of homeless) held.get(emptiest(held, shard))!.push(shard);
  for (;;) {
    const from = fullest(held);
    const least = Math.min(...[...held.values()].map(({ length }) => length));
    const mine = held.get(from)!;
    if (mine.length - least <= 1) break;
    const shard = mine.reduce((a, b) => (weight(from, b) < weight(from, a) ? b : a));
    mine.splice(mine.indexOf(shard), 1);
    held.get(emptiest(held, shard))!.push(shard);
  }
  return new Map(
    [...held].flatMap(([nodeId, list]) => list.map((shard): [string, string] => [shard, nodeId])),
  );
}

const weight = (nodeId: string, shard: string): number => stableHash(`${nodeId}\0${shard}`);

/** Among the nodes with the fewest shards the one with the greatest weight for this shard. */
function emptiest(held: ReadonlyMap<string, readonly string[]>, shard: string): string {
  return [...held.keys()].reduce((a, b) => {
    const difference = held.get(b)!.length - held.get(a)!.length;
    if (difference !== 0) return difference < 0 ? b : a;
    return weight(b, shard) > weight(a, shard) ? b : a;
  });
}

function fullest(held: ReadonlyMap<string, readonly string[]>): string {
  return [...held.keys()].reduce((a, b) => (held.get(b)!.length > held.get(a)!.length ? b : a));
}
