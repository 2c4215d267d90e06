// Rendezvous (highest random weight) hashing: which node a shard belongs to, given who is there. When a node comes or
// goes, only its own share of the shards moves. Thaler and Ravishankar, 1998.
import { stableHash } from '@parley/std';

/** Undefined when there is no node. */
export function rendezvous(shard: string, nodeIds: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestWeight = -1;
  for (const nodeId of nodeIds) {
    const weight = stableHash(`${nodeId}\0${shard}`);
    if (weight > bestWeight || (weight === bestWeight && best !== undefined && nodeId < best)) {
      best = nodeId;
      bestWeight = weight;
    }
  }
  return best;
}
