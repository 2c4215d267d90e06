export type { CommandLog, IntakeMessage, IntakeReader } from './command-log.ts';
export { type AppendResult, type Journal, type JournalRecord, UnreadableRecord } from './journal.ts';
export type {
  KeyValue,
  KeyValueChange,
  KeyValueEntry,
  KeyValueStore,
  Watch,
  WriteOptions,
  WriteResult,
} from './key-value.ts';
export { type Log, silentLog } from './log.ts';
export type { Messenger, RequestResult, Respond, Subscription } from './messenger.ts';
export { type ShardId, parseShardName, shardName } from './shard-id.ts';
export type { SnapshotStore, StoredSnapshot } from './snapshot-store.ts';
export { type TrimGuard, nobodyReads } from './trim-guard.ts';
