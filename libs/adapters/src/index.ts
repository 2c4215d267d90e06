// Adapters of the ports, one technology a folder; each port has a twin in memory.
export { MemoryCluster, type MemoryClusterOptions } from './memory/memory-cluster.ts';
export type { MemoryCall, MemoryFate, MemoryFaults, MemoryOperation } from './memory/memory-faults.ts';
export { MemoryDisconnected, MemoryNode, MemoryTimeout } from './memory/memory-node.ts';
export { MemoryCommandLog } from './memory/memory-command-log.ts';
export { MemoryJournal } from './memory/memory-journal.ts';
export { MemoryKeyValueStore } from './memory/memory-key-value-store.ts';
export { MemoryMessenger } from './memory/memory-messenger.ts';
export { MemorySnapshotStore } from './memory/memory-snapshot-store.ts';
export { MemoryTrimGuard } from './memory/memory-trim-guard.ts';
export type {
  ClientSocket,
  ClientTransport,
  ListenAddress,
  RouteLimits,
  SendOutcome,
  SocketHandlers,
  TlsFiles,
  UpgradeDecision,
  UpgradeRequest,
} from './uws/client-transport.ts';
export { UwsClientTransport } from './uws/uws-client-transport.ts';
export { WsClientTransport } from './ws/ws-client-transport.ts';
export {
  type ClickHouse,
  ClickHouseRefused,
  ClickHouseUnavailable,
  type DocumentFormat,
  type ExecuteOptions,
  type Row,
  type SelectLimits,
  type StreamLimits,
} from './clickhouse/clickhouse.ts';
export { type EmbeddedOptions, openEmbeddedClickHouse } from './clickhouse/embedded-clickhouse.ts';
export { type HttpOptions, openHttpClickHouse } from './clickhouse/http-clickhouse.ts';
export { inDatabase } from './clickhouse/in-database.ts';
export { sqlInteger, sqlMoment, sqlText, sqlTexts } from './clickhouse/literals.ts';
export {
  type AnalystAccess,
  analystAccess,
  analystAccessDefaults,
} from './clickhouse/schema/analyst-access.ts';
export { migrate } from './clickhouse/schema/migrate.ts';
export { type View, analyticsViews } from './clickhouse/schema/steps/0005-analytics-views.ts';
export { type Layout, clusterOf, oneServer } from './clickhouse/schema/table.ts';
export { type CellValue, RowBuffer, dateTimeText, noTimeText } from './clickhouse/row-buffer.ts';
export {
  type SearchPart,
  type SearchQuery,
  findHighlights,
  parseSearchQuery,
} from './clickhouse/search-query.ts';
export { type SearchTerm, foldText, searchTerms, searchTermsExpression } from './clickhouse/search-text.ts';
export { MemoryJournalFollower } from './memory/memory-journal-follower.ts';
export type { JournalFollower, JournalReader } from './ports/journal-follower.ts';
export { MemoryMessageTail } from './memory/memory-message-tail.ts';
export { MemoryPresenceRegistry } from './memory/memory-presence-registry.ts';
export { MemoryDeviceRegistry } from './memory/memory-device-registry.ts';
export { RedisDeviceRegistry } from './redis/redis-device-registry.ts';
export type { DeviceRegistry, DeviceRegistryError, DeviceSeen } from './ports/device-registry.ts';
export { MemoryUserDirectory } from './memory/memory-user-directory.ts';
export { RedisUserDirectory } from './redis/redis-user-directory.ts';
export type { DirectoryError, DirectoryQuery, UserDirectory } from './ports/user-directory.ts';
export { MemoryRateLimiter, rateKeysMax } from './memory/memory-rate-limiter.ts';
export {
  type MessageTail,
  type TailAppend,
  type TailLimits,
  type TailMessage,
  type TailRange,
  tailLimits,
} from './ports/message-tail.ts';
export {
  type DeviceRoute,
  type PresenceChange,
  type PresenceError,
  type PresenceLimits,
  type PresenceRegistry,
  type PresenceState,
  presenceLimits,
} from './ports/presence-registry.ts';
export type { RateLimit, RateLimiter, RateVerdict } from './ports/rate-limiter.ts';
export {
  type RedisAway,
  RedisLink,
  type RedisLinkLimits,
  type RedisLinkOptions,
  type RedisState,
  redisLinkLimits,
} from './redis/redis-link.ts';
export { RedisPresence } from './redis/redis-presence.ts';
export { RedisRateLimiter } from './redis/redis-rate-limiter.ts';
export { RedisTail } from './redis/redis-tail.ts';
export {
  type NatsLinkOptions,
  type NatsStatus,
  NatsChannel,
  NatsLink,
  NatsUnusable,
  connectNats,
  natsVersionMin,
} from './nats/nats-link.ts';
export { NatsDisconnected } from './nats/nats-errors.ts';
export { type NatsCommandLogOptions, NatsCommandLog } from './nats/nats-command-log.ts';
export { type NatsJournalFollowerOptions, NatsJournalFollower } from './nats/nats-journal-follower.ts';
export { type NatsJournalOptions, NatsJournal } from './nats/nats-journal.ts';
export { type NatsKeyValueStoreOptions, NatsKeyValueStore } from './nats/nats-key-value-store.ts';
export { NatsMessenger } from './nats/nats-messenger.ts';
export { StreamReader } from './nats/stream-reader.ts';
export { type NatsSnapshotStoreOptions, NatsSnapshotStore } from './nats/nats-snapshot-store.ts';
export { natsStatusLog } from './nats/nats-status-log.ts';
export { FollowerWatermarks, NatsTrimGuard } from './nats/nats-trim-guard.ts';
export {
  type ClusterNumbers,
  type Provisioned,
  type ProvisionOptions,
  clusterNumbers,
  provisionNats,
} from './nats/provision-nats.ts';
export { StreamMisconfigured } from './nats/ensure-stream.ts';
export { type NatsKeyVaultOptions, NatsKeyVault } from './nats/nats-key-vault.ts';
export { MemoryKeyVault } from './memory/memory-key-vault.ts';
export type { KeyVault, VaultEntry } from './ports/key-vault.ts';
export { KeyTree } from './sealing/key-tree.ts';
export { MasterKeyMissing, MasterKeys } from './sealing/master-keys.ts';
export { type SealHead, type SealPlace, seal, sealHeadOf, unseal } from './sealing/seal.ts';
export { type SealingKey, SealingKeys, TooManyErased, erasedMessagesMax } from './sealing/sealing-keys.ts';
