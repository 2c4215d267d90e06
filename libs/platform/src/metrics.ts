// Every metric of Parley, with the question it answers. Names are forever: add, never rename. Label sets are small and
// closed (no user, no conversation). Seconds and bytes.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from '@prometheus-io/client';
import { readdir } from 'node:fs/promises';

export type Metrics = ReturnType<typeof createMetrics>;

const latencyBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const sizeBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000];

/** One set for a process. `app` marks all its metrics. Bind labels once (`.labels(...)`), outside the hot path. */
export function createMetrics(app: string) {
  const registry = new Registry();
  registry.setDefaultLabels({ app });
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name: `parley_${name}`, help, labelNames: [...labelNames], registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name: `parley_${name}`, help, labelNames: [...labelNames], registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[] = [],
  ) => new Histogram<L>({ name: `parley_${name}`, help, buckets, labelNames: [...labelNames], registers });

  return {
    registry,
    gateway: {
      connections: gauge('gateway_connections', 'How many sockets are open?', ['transport']),
      framesIn: counter('gateway_frames_in_total', 'How many frames do clients send, by operation?', [
        'operation',
      ]),
      framesOut: counter('gateway_frames_out_total', 'How many frames do clients get?'),
      bytesIn: counter('gateway_bytes_in_total', 'How many bytes do clients send?'),
      bytesOut: counter('gateway_bytes_out_total', 'How many bytes do clients get?'),
      errors: counter('gateway_errors_total', 'Which errors do clients get?', ['code']),
      closed: counter('gateway_closed_total', 'Why are sockets closed?', ['reason']),
      replySeconds: histogram(
        'gateway_reply_seconds',
        'How long does a client wait for its reply?',
        latencyBuckets,
        ['operation'],
      ),
      pushesDropped: counter(
        'gateway_pushes_dropped_total',
        'How many pushes were dropped for slow sockets?',
      ),
      httpSeconds: histogram('gateway_http_seconds', 'How long do HTTP requests take?', latencyBuckets, [
        'method',
        'route',
        'status',
      ]),
      commandBatchRecords: histogram(
        'gateway_command_batch_records',
        'How many commands travel to a shard together?',
        sizeBuckets,
      ),
      outboundBatchItems: histogram(
        'gateway_outbound_batch_items',
        'How many replies and pushes come from a shard together?',
        sizeBuckets,
      ),
      pendingRequests: gauge('gateway_pending_requests', 'How many requests wait for an actor?'),
    },
    shard: {
      owned: gauge('shard_owned', 'How many shards does this process own?', ['kind']),
      commits: counter('shard_commits_total', 'How many commits are written?', ['kind']),
      commitEvents: histogram('shard_commit_events', 'How many events share a commit?', sizeBuckets, [
        'kind',
      ]),
      commitBytes: counter('shard_commit_bytes_total', 'How many bytes of journal are written?', ['kind']),
      commitSeconds: histogram('shard_commit_seconds', 'How long does the journal take?', latencyBuckets, [
        'kind',
      ]),
      commands: counter('shard_commands_total', 'How many commands are decided, and how?', [
        'kind',
        'outcome',
      ]),
      fenced: counter('shard_fenced_total', 'How often was this process fenced off a shard?', ['kind']),
      takeovers: counter('shard_takeovers_total', 'How often did shards change hands, and why?', [
        'kind',
        'cause',
      ]),
      entities: gauge('shard_entities', 'How many entities are in memory?', ['kind']),
      laneBacklog: gauge('shard_lane_backlog', 'How many effects wait for other shards?', ['kind']),
      checkpointSeconds: histogram(
        'shard_checkpoint_seconds',
        'How long does a checkpoint take?',
        latencyBuckets,
        ['kind'],
      ),
    },
    history: {
      rows: counter('history_rows_total', 'How many rows go to ClickHouse?', ['table']),
      insertSeconds: histogram(
        'history_insert_seconds',
        'How long does ClickHouse take for a batch?',
        latencyBuckets,
      ),
      insertFailures: counter('history_insert_failures_total', 'How often did ClickHouse refuse a batch?'),
      lag: gauge('history_lag_commits', 'How far is history behind the journals?', ['kind']),
      querySeconds: histogram('history_query_seconds', 'How long do queries take?', latencyBuckets, [
        'query',
      ]),
      exports: counter('history_exports_total', 'How many exports end, and how?', ['outcome']),
      exportBytes: counter('history_export_bytes_total', 'How much do exports carry?'),
    },
  };
}

/** How long the event loop's utilization is measured for one observation of it. */
const utilizationMs = 1_000;

/**
 * Adds Node's own (event loop delay, memory, collections); one process-wide set, so only an app calls it. Whoever reads the
 * metrics stops the process for as long as they take to collect, so two of them are taken otherwise than by default: at ten
 * observations a second the quantiles of utilization cost 4 to 14 ms, at one 1 ms.
 */
export function collectProcessMetrics({ registry }: Metrics): void {
  collectDefaultMetrics({ register: registry, eventLoopUtilizationTimeout: utilizationMs });
  collectOpenFiles(registry);
}

/** By default the folder of open files is read on the spot: 15 ms with 5,000 sockets. Here another thread does it. */
function collectOpenFiles(registry: Registry): void {
  const name = 'process_open_fds';
  // Not on every system.
  if (registry.getSingleMetric(name) === undefined) return;
  registry.removeSingleMetric(name);
  const openFiles = new Gauge({
    name,
    help: 'Number of open file descriptors.',
    registers: [],
    async collect() {
      // At the limit no file is left to read the folder with: then the last number stays.
      const names = await readdir('/proc/self/fd').catch(() => undefined);
      // One of them is the folder itself.
      if (names !== undefined) this.set(names.length - 1);
    },
  });
  registry.registerMetric(openFiles);
}
