// The unit of ownership and of commit: one numbered part of all entities of one kind.

export interface ShardId {
  /** 'user' (user and direct entities) or 'group'. */
  readonly kind: string;
  /** 0 … number of shards of the kind - 1. */
  readonly index: number;
}

/** `user.3`: the name of a shard in subjects, keys, logs and metrics. */
export const shardName = (shard: ShardId): string => `${shard.kind}.${shard.index}`;

export function parseShardName(name: string): ShardId {
  const dot = name.lastIndexOf('.');
  return { kind: name.slice(0, dot), index: Number(name.slice(dot + 1)) };
}
