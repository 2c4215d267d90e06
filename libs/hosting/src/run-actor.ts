// An actor process: connects to NATS, joins the shards of its kind, serves, and hands everything over when it is told to
// stop. Apps say which entities they host; this is the plugging that they share.
import {
  NatsCommandLog,
  NatsJournal,
  NatsKeyValueStore,
  type NatsLink,
  NatsMessenger,
  NatsSnapshotStore,
  NatsTrimGuard,
  clusterNumbers,
  connectNats,
  natsStatusLog,
  provisionNats,
} from '@parley/adapters';
import {
  Health,
  type Lifecycle,
  type Logger,
  type Metrics,
  collectProcessMetrics,
  createLogger,
  createMetrics,
  parseConfig,
  redactedConfig,
  runApp,
  startOperationsServer,
} from '@parley/platform';
import {
  type ShardKind,
  buckets,
  decodeQueryAddress,
  placementRules,
  queryAnswer,
  subjects,
} from '@parley/protocol';
import { type EntityType, Placement, ShardNode } from '@parley/runtime';
import { systemClock } from '@parley/std';
import { type ActorConfig, actorSettings, limitsOf } from './actor-settings.ts';
import { createShardObserver, sampleShards } from './shard-metrics.ts';

export interface ActorApp {
  /** Name of the process in logs and metrics. */
  readonly app: string;
  readonly kind: ShardKind;
  /** The entities whose shards this kind is. */
  readonly types: readonly EntityType[];
  /** How commands for entities of other kinds become bytes. */
  readonly foreignCommands?: Readonly<Record<string, (command: never) => Uint8Array>>;
}

const metricsSampleMs = 5_000;

/** Runs the process until it is stopped; the last statement of main.ts. */
export function runActor(actor: ActorApp): Promise<void> {
  const logger = createLogger(actor.app, {
    level: process.env['PARLEY_LOG_LEVEL'],
    nodeId: process.env['PARLEY_NODE_ID'],
  });
  return runApp({
    logger,
    stopGraceMs: 15_000,
    async start(lifecycle) {
      const config = parseConfig(actorSettings, process.env);
      logger.info({ config: redactedConfig(actorSettings, config) }, 'starting');
      const metrics = createMetrics(actor.app);
      collectProcessMetrics(metrics);
      const nats = await openNats(config, logger);
      lifecycle.onStop('connections', () => nats.close());
      const node = await join(actor, { config, logger, metrics, nats });
      lifecycle.onStop('shards', () => node.stop());
      return observe(actor.kind, node, { config, metrics, lifecycle, nats });
    },
  });
}

interface ActorProcess {
  readonly config: ActorConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly nats: NatsLink;
}

async function join(actor: ActorApp, { config, logger, metrics, nats }: ActorProcess): Promise<ShardNode> {
  const replicas = config.natsReplicas;
  const { numbers, mismatches } = await provisionNats(nats, {
    numbers: clusterNumbers(config.clusterShards),
    replicas,
    onWaiting: (message) => logger.warn({ reason: message }, 'waiting for JetStream'),
  });
  for (const reason of mismatches)
    logger.warn({ reason }, 'the cluster keeps the numbers it was created with');
  const keyValues = new NatsKeyValueStore(nats, { replicas });
  const [members, owners, checkpoints] = await Promise.all(
    [buckets.members, buckets.owners, buckets.checkpoints].map((name) => keyValues.bucket(name)),
  );
  const node = new ShardNode({
    nodeId: config.nodeId,
    kind: actor.kind,
    members: members!,
    owners: owners!,
    ports: {
      journal: new NatsJournal(nats, { parts: numbers.journalParts }),
      commandLog: new NatsCommandLog(nats, { parts: numbers.commandParts }),
      snapshots: new NatsSnapshotStore(nats, buckets.snapshots(actor.kind), { replicas }),
      checkpoints: checkpoints!,
      messenger: new NatsMessenger(nats),
      trimGuard: new NatsTrimGuard(keyValues),
    },
    types: actor.types,
    ...(actor.foreignCommands && { foreignCommands: actor.foreignCommands }),
    placement: new Placement(placementRules, numbers.shardCounts),
    subjects,
    clock: systemClock,
    limits: limitsOf(config),
    log: logger,
    observer: createShardObserver(actor.kind, metrics),
    queryAddress: decodeQueryAddress,
    queryRefusal: (code) => queryAnswer.error(code),
  });
  await node.start();
  return node;
}

function openNats(config: ActorConfig, logger: Logger): Promise<NatsLink> {
  return connectNats(config.natsUrl, {
    name: config.nodeId,
    onStatus: natsStatusLog(logger),
  });
}

async function observe(
  kind: string,
  node: ShardNode,
  options: { config: ActorConfig; metrics: Metrics; lifecycle: Lifecycle; nats: NatsLink },
): Promise<{ operationsPort: number } | undefined> {
  const { config, metrics, lifecycle, nats } = options;
  const timer = setInterval(() => sampleShards(kind, node, metrics), metricsSampleMs);
  lifecycle.onStop('metrics', () => clearInterval(timer));
  if (config.operationsPort === 0) return undefined;
  const health = new Health();
  health.add('nats', () => {
    if (!nats.isConnected) throw new Error('not connected to NATS');
  });
  health.add('lease', () => {
    if (!node.isLeaseValid) throw new Error('the lease in the members bucket could not be renewed');
  });
  const { operationsPort: port, operationsHost: host } = config;
  const operations = await startOperationsServer({ port, host, health, metrics });
  lifecycle.onStop('operations server', () => operations.close());
  return { operationsPort: operations.port };
}
