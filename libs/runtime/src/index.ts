// The actor engine: shards of entities on a journal, and who owns which.
export * from './ports/index.ts';
export * from './wire/index.ts';
export { type StoredState, decodeStoredState } from './checkpoint/snapshot-codec.ts';
export type { EntityCodec, EntityType } from './entity/entity-type.ts';
export { entityKey, parseEntityKey } from './entity/entity-key.ts';
export { Placement, type PlacementRule } from './entity/placement.ts';
export { type RuntimeLimits, defaultLimits } from './limits.ts';
export { type AllocationInput, allocate } from './ownership/allocation.ts';
export { ShardNode, type ShardNodeOptions } from './ownership/shard-node.ts';
export type { RuntimeSubjects, ShardContext, ShardObserver, ShardPorts } from './shard/shard-options.ts';
export { askOwner } from './shard/ask-owner.ts';
export { Shard } from './shard/shard.ts';
export { BrokenJournal, type JournalDamage } from './shard/broken-journal.ts';
export { type Checkpoint, decodeCheckpoint } from './checkpoint/checkpoint-codec.ts';
