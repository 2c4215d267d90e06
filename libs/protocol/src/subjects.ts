// Every NATS subject, stream, bucket and Redis key, with the zone that may use it and the direction.
// Zones: EDGE (gateways, facing strangers), CORE (actors), READ (history). Names are added, never renamed.

/** Kinds of shards. `user` hosts user and direct entities, `group` hosts groups. */
export const shardKinds = ['user', 'group'] as const;
export type ShardKind = (typeof shardKinds)[number];

/** Where entities live: kind of shard and placement key by entity type. A direct lives with its smaller id. */
export const placementRules = {
  user: { kind: 'user', placementKey: (id: string) => id },
  direct: { kind: 'user', placementKey: (id: string) => id.slice(0, id.indexOf('.')) },
  group: { kind: 'group', placementKey: (id: string) => id },
} as const;

export const subjects = {
  /** Commands and lane batches for a shard. EDGE and CORE publish, CORE reads (stream). */
  command: (kind: string, shard: number) => `cmd.${kind}.${shard}`,
  /** Commits of a shard. CORE publishes, CORE and READ read (stream). */
  journal: (kind: string, shard: number) => `jrn.${kind}.${shard}`,
  /** Queries to the owner of a shard, request/reply. EDGE and CORE request, CORE answers. */
  query: (kind: string, shard: number) => `ask.${kind}.${shard}`,
  /** Volatile hints to the owner of a shard: acknowledgements, typing. EDGE publishes, CORE subscribes. */
  signal: (kind: string, shard: number) => `sig.${kind}.${shard}`,
  /** An owner says every few seconds: I serve this shard, in this epoch. CORE publishes, EDGE subscribes `own.*.*`. */
  ownerBeat: (kind: string, shard: number) => `own.${kind}.${shard}`,
  /** The beats of all owners. EDGE subscribes. */
  ownerBeats: () => 'own.*.*',
  /** Replies and pushes to one incarnation of a gateway. CORE publishes, EDGE subscribes. */
  gateway: (gatewayId: string) => `gw.${gatewayId}`,
  /** Messages of one super-large group as they are posted. CORE publishes, EDGE subscribes. */
  live: (tenant: string, conversation: string) => `live.${tenant}.${conversation}`,
  /** A user's presence changed. EDGE publishes and subscribes. */
  presence: (tenant: string, user: string) => `prs.${tenant}.${user}`,
  /** Liveness of one process, request/reply. CORE requests and answers. */
  node: (nodeId: string) => `node.${nodeId}`,
  /** History and search questions, request/reply with a queue group. EDGE requests, READ answers. */
  history: (verb: string) => `hst.${verb}`,
  /** Keys of a tenant were destroyed: forget those you hold. EDGE publishes and subscribes. */
  keysDestroyed: (tenant: string) => `key.${tenant}`,
  /** Chunks of one export, request/reply. EDGE requests, READ answers: the process that makes it. */
  export: (id: string) => `exp.${id}`,
} as const;

/** Streams. Several shards share a stream; each has a subject of its own in it. `part` = shard modulo stream count. */
export const streams = {
  command: (kind: string, part: number) => `CMD_${kind.toUpperCase()}_${part}`,
  journal: (kind: string, part: number) => `JRN_${kind.toUpperCase()}_${part}`,
} as const;

/** Key-value buckets. */
export const buckets = {
  /** One key, `cluster`: the numbers fixed when the cluster was created. */
  config: 'parley_config',
  /** One key per process, with a time to live. */
  members: 'parley_members',
  /** One row per shard; its revision is the epoch. */
  owners: 'parley_owners',
  checkpoints: 'parley_checkpoints',
  /** History's watermark per shard: what may be trimmed. */
  watermarks: 'parley_watermarks',
  /** One key per tenant that deletes: through what time, milliseconds in decimal. READ writes, EDGE watches. */
  deletions:
    'parley_deletions' /** What messages of tenants that seal are read with. Backed up apart from everything else, or erasure is none. */,
  sealingKeys: 'parley_sealing_keys',
  snapshots: (kind: string) => `parley_snapshots_${kind}`,
  /** What tenants have settled for themselves, one small row per tenant and thing; gateways watch it. */
  tenants: 'parley_tenants',
  /** The word lists of tenants, whole; `tenants` says which version is the newest. */
  words: 'parley_words',
} as const;

export const redisKeys = {
  /** Sorted set by sequence: the newest messages of a conversation. */
  tail: (tenant: string, conversation: string) => `parley:tail:${tenant}:${conversation}`,
  /** Hash device → gateway id: where a user is connected. */
  routes: (tenant: string, user: string) => `parley:routes:${tenant}:${user}`,
  /** Last time a user was seen, milliseconds. */
  lastSeen: (tenant: string, user: string) => `parley:seen:${tenant}:${user}`,
  /** Hash device → class and last time it was seen: the devices of a user. */
  devices: (tenant: string, user: string) => `parley:devices:${tenant}:${user}`,
  /** Sorted set: the users of a tenant by handle, for finding them by its beginning. */
  directory: (tenant: string) => `parley:users:${tenant}`,
  /** Shared rate limit counters. */
  rate: (name: string) => `parley:rate:${name}`,
} as const;
