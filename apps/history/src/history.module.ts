// Plugs the adapters into the history service: NATS, Redis, and the ClickHouse that the configuration names.
import path from 'node:path';
import { type DynamicModule, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { ShardId } from '@parley/runtime';
import { buckets } from '@parley/protocol';
import type { Logger, Metrics } from '@parley/platform';
import {
  type ClickHouse,
  NatsJournal,
  NatsJournalFollower,
  NatsKeyValueStore,
  NatsLink,
  NatsMessenger,
  RedisLink,
  RedisTail,
  clusterNumbers,
  connectNats,
  natsStatusLog,
  openEmbeddedClickHouse,
  clusterOf,
  oneServer,
  openHttpClickHouse,
  provisionNats,
} from '@parley/adapters';
import { exportDefaults } from './export/export-endpoints.ts';
import type { HistoryConfig } from './history-config.ts';
import { HistoryService } from './history-service.ts';

export interface HistoryEnvironment {
  readonly config: HistoryConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const environmentToken = Symbol('environment');
const clickHouseToken = Symbol('clickhouse');

/** Closes the connections when the application context closes. */
@Injectable()
class Connections implements OnApplicationShutdown {
  readonly #clickHouse: ClickHouse;
  readonly #nats: NatsLink;
  readonly #redis: RedisLink;

  constructor(@Inject(clickHouseToken) clickHouse: ClickHouse, nats: NatsLink, redis: RedisLink) {
    this.#clickHouse = clickHouse;
    this.#nats = nats;
    this.#redis = redis;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#redis.stop();
    await this.#clickHouse.close();
    await this.#nats.close();
  }
}

@Module({})
export class HistoryModule {
  static with(environment: HistoryEnvironment): DynamicModule {
    return {
      module: HistoryModule,
      providers: [
        { provide: environmentToken, useValue: environment },
        { provide: clickHouseToken, useFactory: () => openClickHouse(environment.config) },
        { provide: NatsLink, useFactory: () => openNats(environment) },
        { provide: RedisLink, useFactory: () => openRedis(environment) },
        {
          provide: HistoryService,
          useFactory: createService,
          inject: [environmentToken, clickHouseToken, NatsLink, RedisLink],
        },
        Connections,
      ],
    };
  }
}

async function createService(
  { config, logger, metrics }: HistoryEnvironment,
  clickHouse: ClickHouse,
  nats: NatsLink,
  redis: RedisLink,
): Promise<HistoryService> {
  const replicas = config.natsReplicas;
  const { numbers, mismatches } = await provisionNats(nats, {
    numbers: clusterNumbers(config.clusterShards),
    replicas,
  });
  for (const reason of mismatches)
    logger.warn({ reason }, 'the cluster keeps the numbers it was created with');
  const parts = numbers.journalParts;
  const keyValues = new NatsKeyValueStore(nats, { replicas });
  return new HistoryService({
    clickHouse,
    tail: new RedisTail(redis),
    journal: new NatsJournal(nats, { parts }),
    follower: new NatsJournalFollower(nats, {
      parts,
      pauseMs: config.historyReadPauseMs,
      onReaderRestart: (shard, reason) =>
        logger.warn(
          { kind: shard.kind, shard: shard.index, reason },
          'journal reader began again where it was',
        ),
    }),
    messenger: new NatsMessenger(nats),
    watermarks: await keyValues.bucket(buckets.watermarks),
    deletions: await keyValues.bucket(buckets.deletions),
    shards: shardsOf(numbers.shardCounts),
    nodeId: config.nodeId,
    layout: config.clickhouseCluster === undefined ? oneServer : clusterOf(config.clickhouseCluster),
    isShared: config.clickhouseUrl !== undefined,
    keptEvents: config.historyEvents,
    batchAgeMs: config.historyBatchAgeMs,
    batchPauseMs: config.historyBatchPauseMs,
    exports: {
      ...exportDefaults,
      exportsMax: config.historyExportsMax,
      deadlineMs: config.historyExportMs,
      bytesMax: config.historyExportBytesMax,
      idleMs: config.historyExportIdleMs,
    },
    rollUpSharePercent: config.historyRollUpSharePercent,
    countsRunningMinute: config.historyRollUpRunning,
    retentionEveryMs: config.historyRetentionEveryMs,
    logger,
    metrics,
  });
}

function openClickHouse({
  clickhouseUrl,
  dataFolder,
  historyMemoryBytesMax,
  historyExportsMax: streams,
}: HistoryConfig): Promise<ClickHouse> {
  if (clickhouseUrl !== undefined)
    return Promise.resolve(openHttpClickHouse({ url: clickhouseUrl, streams }));
  const folder = path.resolve(dataFolder, 'clickhouse');
  return openEmbeddedClickHouse({ folder, memoryBytesMax: historyMemoryBytesMax, streams });
}

function openNats({ config, logger }: HistoryEnvironment): Promise<NatsLink> {
  return connectNats(config.natsUrl, {
    name: config.nodeId,
    onStatus: natsStatusLog(logger),
  });
}

function openRedis({ config, logger }: HistoryEnvironment): RedisLink {
  return new RedisLink({
    url: config.redisUrl,
    onState: (state, reason) => logger[state === 'away' ? 'warn' : 'info']({ reason }, `redis ${state}`),
  });
}

const shardsOf = (counts: Readonly<Record<string, number>>): ShardId[] =>
  Object.entries(counts).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, index) => ({ kind, index })),
  );
