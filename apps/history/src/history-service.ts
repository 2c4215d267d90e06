// The parts of the history process, and the order in which they start and stop: readers first and last, the
// projections between.
import type { Journal, KeyValue, Messenger, ShardId } from '@parley/runtime';
import type { Health, Logger, Metrics } from '@parley/platform';
import type { ClickHouse, JournalFollower, Layout, MessageTail } from '@parley/adapters';
import { RollUps } from './analytics/roll-ups.ts';
import { AdminDesk } from './admin/admin-desk.ts';
import { AdminEndpoint } from './admin/admin-endpoint.ts';
import type { KeptEvents } from './projection/event-rows.ts';
import { ExportEndpoints, type ExportSettings } from './export/export-endpoints.ts';
import { HistoryProjection } from './projection/history-projection.ts';
import { LagMeter } from './projection/lag-meter.ts';
import { readPositions } from './projection/positions.ts';
import { ProjectionLease } from './projection/projection-lease.ts';
import { SharedFollower } from './projection/shared-follower.ts';
import { TailProjection } from './projection/tail-projection.ts';
import { Completeness } from './reading/completeness.ts';
import { HistoryEndpoints } from './reading/history-endpoints.ts';
import { RebuildEndpoint } from './rebuild/rebuild-endpoint.ts';
import { RetentionJob } from './retention/retention-job.ts';

export interface HistoryParts {
  readonly clickHouse: ClickHouse;
  readonly tail: MessageTail;
  readonly journal: Pick<Journal, 'last' | 'at'>;
  readonly follower: JournalFollower;
  readonly messenger: Messenger;
  readonly watermarks: KeyValue;
  /** Through what time tenants have deleted, for gateways. */
  readonly deletions: KeyValue;
  /** Every shard of the cluster. */
  readonly shards: readonly ShardId[];
  readonly nodeId: string;
  /** Several processes may project into this store: they take turns by a lease. The embedded engine has one owner. */
  readonly isShared: boolean;
  readonly layout: Layout;
  readonly keptEvents: KeptEvents;
  readonly batchAgeMs: number;
  readonly batchPauseMs: number;
  readonly exports: ExportSettings;
  /** Of the time, for counting minutes, and as much for the roll-ups above. 1 to 100; 5 unless given. */
  readonly rollUpSharePercent?: number;
  /** Default false: a minute is counted when it is over. */
  readonly countsRunningMinute?: boolean;
  /** From the end of one run of retention to the start of the next. */
  readonly retentionEveryMs: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const lagEveryMs = 5_000;

export class HistoryService {
  readonly #parts: HistoryParts;
  readonly #endpoints: HistoryEndpoints;
  readonly #exports: ExportEndpoints;
  readonly #admin: AdminEndpoint;
  readonly #completeThroughMs: () => Promise<number>;
  readonly #lag: LagMeter;
  #projection: HistoryProjection | undefined;
  #tail: TailProjection | undefined;
  #rollUps: RollUps | undefined;
  #rebuild: RebuildEndpoint | undefined;
  #retention: RetentionJob | undefined;
  #lease: ProjectionLease | undefined;
  #lagTimer: NodeJS.Timeout | undefined;

  constructor(parts: HistoryParts) {
    const { clickHouse, journal, shards, logger, metrics } = parts;
    this.#parts = parts;
    this.#lag = new LagMeter(journal, shards, logger);
    const completeness = new Completeness({
      journal,
      shards,
      positions: () =>
        parts.isShared
          ? readPositions(clickHouse)
          : Promise.resolve(this.#projection?.positions ?? new Map()),
    });
    this.#completeThroughMs = () => completeness.throughMs();
    const completeThroughMs = this.#completeThroughMs;
    const shared = { messenger: parts.messenger, log: logger, metrics: metrics.history };
    const reading = { ...shared, clickHouse, completeThroughMs };
    const countedThroughMs = () => this.#rollUps?.countedThroughMs ?? 0;
    this.#endpoints = new HistoryEndpoints({ ...reading, countedThroughMs });
    this.#exports = new ExportEndpoints({ ...reading, settings: parts.exports });
    const keepsInboxes = parts.keptEvents === 'all';
    this.#admin = new AdminEndpoint({
      ...shared,
      desk: new AdminDesk({ clickHouse, completeThroughMs, keepsInboxes }),
    });
  }

  async start(): Promise<void> {
    this.#endpoints.start();
    this.#exports.start();
    this.#admin.start();
    await this.#parts.messenger.flush();
    if (this.#parts.isShared) this.#takeTurns();
    else this.#project();
    this.#lagTimer = setInterval(() => void this.#measureLag(), lagEveryMs);
  }

  /** Questions are answered and batches written to the end; exports are broken off. */
  async stop(): Promise<void> {
    clearInterval(this.#lagTimer);
    await Promise.all([this.#endpoints.stop(), this.#exports.stop(), this.#admin.stop()]);
    await this.#stopProjecting();
    await this.#lease?.stop();
  }

  addChecks(health: Health): void {
    health.add('clickhouse', async () => {
      await this.#parts.clickHouse.select('SELECT 1', { timeoutMs: 2_000 });
    });
    health.add('nats', () => {
      if (!this.#parts.messenger.isConnected) throw new Error('not connected to NATS');
    });
    health.add('projection', () => {
      const halted = this.#projection?.status.haltedShards ?? [];
      if (halted.length > 0) throw new Error(`history of shard ${halted.join(', ')} stands still`);
    });
  }

  #takeTurns(): void {
    this.#lease = new ProjectionLease({
      bucket: this.#parts.watermarks,
      holder: this.#parts.nodeId,
      log: this.#parts.logger,
      onTaken: () => this.#project(),
      onLost: () => this.#stopProjecting(),
    });
    this.#lease.start();
  }

  #project(): void {
    const { clickHouse, layout, keptEvents, journal, shards, watermarks, tail, logger: log } = this.#parts;
    const follower = new SharedFollower(this.#parts.follower);
    const { metrics, batchAgeMs, batchPauseMs, messenger } = this.#parts;
    const limits = { batchAgeMs, batchPauseMs };
    const common = { clickHouse, layout, keptEvents, journal, shards, log, limits };
    const projectNow = (): void => {
      const projection = new HistoryProjection({
        ...common,
        follower,
        watermarks,
        metrics: metrics.history,
      });
      this.#projection = projection;
      this.#rollUps = this.#rollUpsOf(projection);
      projection.start();
      this.#rollUps.start();
    };
    projectNow();
    this.#tail = new TailProjection({ tail, follower, shards, watermarks, log });
    this.#tail.start();
    const { retentionEveryMs: everyMs, deletions } = this.#parts;
    const completeThroughMs = this.#completeThroughMs;
    this.#retention = new RetentionJob({
      clickHouse,
      layout,
      deletions,
      log,
      everyMs,
      completeThroughMs,
    });
    this.#retention.start();
    this.#rebuild = new RebuildEndpoint(messenger, {
      ...common,
      follower: this.#parts.follower,
      positions: () => this.#projection?.positions ?? new Map(),
      pause: async () => {
        await Promise.all([this.#projection?.stop(), this.#rollUps?.stop()]);
      },
      resume: projectNow,
    });
  }

  #rollUpsOf(projection: HistoryProjection): RollUps {
    const { clickHouse, rollUpSharePercent: sharePercent, countsRunningMinute, logger: log } = this.#parts;
    return new RollUps({
      clickHouse,
      dirty: projection.dirty,
      isReady: () => projection.isReady,
      positions: () => projection.positions,
      log,
      limits: {
        ...(sharePercent === undefined ? {} : { sharePercent }),
        ...(countsRunningMinute === undefined ? {} : { countsRunningMinute }),
      },
    });
  }

  async #stopProjecting(): Promise<void> {
    // First: it may have paused the projection, and starts it again.
    await this.#rebuild?.stop();
    this.#rebuild = undefined;
    const running = [this.#projection, this.#tail, this.#rollUps, this.#retention];
    await Promise.all(running.flatMap((one) => (one === undefined ? [] : [one.stop()])));
    this.#projection = undefined;
    this.#retention = undefined;
    this.#tail = undefined;
    this.#rollUps = undefined;
  }

  async #measureLag(): Promise<void> {
    if (this.#projection === undefined) return;
    try {
      const lags = await this.#lag.measure(this.#projection.positions);
      for (const [kind, commits] of lags) this.#parts.metrics.history.lag.labels(kind).set(commits);
    } catch {
      // NATS is away, which its own log lines say; the gauge keeps its last value until the next measure.
    }
  }
}
