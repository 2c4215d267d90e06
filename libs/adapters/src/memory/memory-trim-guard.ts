// The trim guard's twin: a test or the simulated history says how far it has come.
import { type ShardId, type TrimGuard, shardName } from '@parley/runtime';
import type { MemoryNode } from './memory-node.ts';

export class MemoryTrimGuard implements TrimGuard {
  readonly #node: MemoryNode;

  constructor(node: MemoryNode) {
    this.#node = node;
  }

  safeSequence(shard: ShardId): Promise<number> {
    const name = shardName(shard);
    return this.#node.call('trim-guard.read', name, () => this.#node.cluster.watermarks.get(name) ?? 0);
  }

  /** What history does: records up to `sequence` are durable elsewhere. Never goes back. */
  advance(shard: ShardId, sequence: number): void {
    const { watermarks } = this.#node.cluster;
    const name = shardName(shard);
    watermarks.set(name, Math.max(sequence, watermarks.get(name) ?? 0));
  }
}
