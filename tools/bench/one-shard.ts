// One real shard over real adapters, without the process around it: what benches measure.
import {
  NatsCommandLog,
  NatsJournal,
  NatsKeyValueStore,
  type NatsLink,
  NatsMessenger,
  NatsSnapshotStore,
  NatsTrimGuard,
} from '@parley/adapters';
import { directEntityType, groupEntityType, userEntityType } from '@parley/hosting/entities';
import {
  type ShardKind,
  buckets,
  decodeQueryAddress,
  encodeUserCommand,
  placementRules,
  queryAnswer,
  shardKinds,
  subjects,
} from '@parley/protocol';
import {
  type KeyValue,
  type Log,
  Placement,
  type RuntimeLimits,
  Shard,
  type ShardId,
  type ShardObserver,
  type ShardPorts,
  defaultLimits,
} from '@parley/runtime';
import { systemClock } from '@parley/std';

/** Every bench cluster has this many shards of each kind and streams of each sort: those of `npm start`. */
export const clusterShape = { shards: 8, parts: 4 };

export const placement = new Placement(
  placementRules,
  Object.fromEntries(shardKinds.map((kind) => [kind, clusterShape.shards])),
);

const types = { user: [userEntityType, directEntityType], group: [groupEntityType] };

/** Trouble goes to stderr; stdout is for the result. */
export const benchLog: Log = {
  info: () => undefined,
  warn: (fields, message) => void process.stderr.write(`warn ${message} ${JSON.stringify(fields)}\n`),
  error: (fields, message) => void process.stderr.write(`error ${message} ${JSON.stringify(fields)}\n`),
};

export interface BenchPorts extends ShardPorts {
  readonly owners: KeyValue;
}

export async function openPorts(link: NatsLink, kind: ShardKind): Promise<BenchPorts> {
  const keyValues = new NatsKeyValueStore(link);
  const { parts } = clusterShape;
  return {
    journal: new NatsJournal(link, { parts }),
    commandLog: new NatsCommandLog(link, { parts }),
    snapshots: new NatsSnapshotStore(link, buckets.snapshots(kind)),
    checkpoints: await keyValues.bucket(buckets.checkpoints),
    messenger: new NatsMessenger(link),
    trimGuard: new NatsTrimGuard(keyValues),
    owners: await keyValues.bucket(buckets.owners),
  };
}

export interface BenchShardOptions {
  readonly shard: ShardId & { readonly kind: ShardKind };
  readonly ports: ShardPorts;
  readonly epoch: number;
  readonly limits?: Partial<RuntimeLimits>;
  readonly observer?: ShardObserver;
}

/** Not open yet; ends the bench when the shard ends by itself. */
export function createShard({ shard, ports, epoch, limits, observer }: BenchShardOptions): Shard {
  return new Shard({
    nodeId: `bench-${process.pid}`,
    shard,
    epoch,
    ports,
    types: types[shard.kind],
    ...(shard.kind === 'group' && { foreignCommands: { user: encodeUserCommand } }),
    placement,
    subjects,
    clock: systemClock,
    limits: { ...defaultLimits, ...limits },
    log: benchLog,
    ...(observer && { observer }),
    queryAddress: decodeQueryAddress,
    queryRefusal: (code) => queryAnswer.error(code),
    isLeaseValid: () => true,
    onEnded: (reason) => {
      throw new Error(`shard ${shard.kind}.${shard.index} ended: ${reason}`);
    },
  });
}
