// Journals → ClickHouse, exactly once in effect. Each shard's commits are read in order and gathered into one batch of
// all shards; a batch is written messages first, memberships, commits with their events and reads next, watermarks last, and repeated until it is
// durable.
// Killed anywhere, the next start goes on from the watermarks and writes the same rows again under the same keys.
//
//   feed (per shard) → batch (all shards; full = feeds wait) → writer (one) → positions → watermark board
import { type Clock, systemClock } from '@parley/std';
import { type Journal, type KeyValue, type ShardId, shardName } from '@parley/runtime';
import {
  type ClickHouse,
  type JournalFollower,
  type Layout,
  type RowBuffer,
  migrate,
} from '@parley/adapters';
import type { Metrics } from '@parley/platform';
import { DirtyMinutes } from '../analytics/dirty-minutes.ts';
import type { Log } from '../log.ts';
import type { KeptEvents } from './event-rows.ts';
import { HistoryBatch, type ShardProgress } from './history-batch.ts';
import { Patience } from './patience.ts';
import { readPositions, readTouched } from './positions.ts';
import { type JournalMatch, matchJournal } from './same-journal.ts';
import { ShardFeed, journalStart } from './shard-feed.ts';
import { Signal } from './signal.ts';
import { WatermarkBoard } from './watermark-board.ts';

export interface ProjectionLimits {
  /** A batch with so many messages and memberships is written at once, and until it is, nothing more is read. */
  readonly batchRowsMax: number;
  /** Likewise, of all its tables: a message and its three events are 1 KB of text. */
  readonly batchBytesMax: number;
  /** A batch with rows waits this long for more. */
  readonly batchAgeMs: number;
  /**
   * From the start of one batch to that of the next, unless it is full: a lone message is there after batchAgeMs, a
   * stream of them goes in large batches. An insert and the merging of its part cost as much as 3,000 rows.
   */
  readonly batchPauseMs: number;
  /** A batch that only moves positions (commits without messages) may wait longer. */
  readonly idleBatchAgeMs: number;
  /** Records taken from a journal at a time; bounds how far a batch may overshoot. */
  readonly recordsPerTake: number;
  /** How often positions are told to the cluster. */
  readonly publishEveryMs: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export const projectionLimits: ProjectionLimits = {
  batchRowsMax: 20_000,
  batchBytesMax: 32 * 1024 * 1024,
  batchAgeMs: 200,
  batchPauseMs: 1_000,
  idleBatchAgeMs: 2_000,
  recordsPerTake: 8,
  publishEveryMs: 1_000,
  retryMinMs: 100,
  retryMaxMs: 5_000,
};

export interface ProjectionOptions {
  readonly clickHouse: ClickHouse;
  /** How tables are laid out: on one server unless given. */
  readonly layout?: Layout;
  /** Default: all. */
  readonly keptEvents?: KeptEvents;
  readonly follower: JournalFollower;
  readonly journal: Pick<Journal, 'last' | 'at'>;
  readonly shards: readonly ShardId[];
  /** The bucket that releases journals for trimming; undefined: this store releases nothing. */
  readonly watermarks: KeyValue | undefined;
  readonly log: Log;
  readonly metrics?: Metrics['history'];
  readonly limits?: Partial<ProjectionLimits>;
  readonly clock?: Clock;
}

export interface ProjectionStatus {
  readonly isStoreAway: boolean;
  readonly rowsWritten: number;
  readonly batchesWritten: number;
  /** Age of the oldest commit that was read and is not durable yet; 0 when there is none. */
  readonly lagMs: number;
  /** Shards whose journal cannot be read on: their history stands still until a person acts. */
  readonly haltedShards: readonly string[];
}

/** What history has and the journal has not: said at the start, and by the lag meter while running. */
export const journalIsShorter =
  'history is ahead of its journal: NATS has lost acknowledged records, restore the stream';

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

export class HistoryProjection {
  readonly #options: ProjectionOptions;
  readonly #limits: ProjectionLimits;
  readonly #clock: Clock;
  readonly #changed: Signal;
  readonly #stopping: Signal;
  readonly #patience: Patience;
  readonly #board: WatermarkBoard | undefined;
  readonly #dirty = new DirtyMinutes();
  readonly #feeds: ShardFeed[] = [];
  readonly #halted = new Set<string>();
  /** Shards whose position is not told: their journal was not looked at yet, or is another one. */
  readonly #unmatched = new Set<string>();
  #durable = new Map<string, ShardProgress>();
  /** One is filled while the other is written; then they change places. */
  #batch: HistoryBatch;
  #otherBatch: HistoryBatch;
  #batchSinceMs: number | undefined;
  /** When the writing of the last batch with rows began. */
  #writtenAtMs = -Infinity;
  #oldestAtMs: number | undefined;
  #writingOldestAtMs: number | undefined;
  #rowsWritten = 0;
  #batchesWritten = 0;
  #isReady = false;
  #isStopping = false;
  #isPublishing = false;
  #publishedAtMs = -Infinity;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: ProjectionOptions) {
    this.#options = options;
    this.#batch = new HistoryBatch(options.keptEvents ?? 'all');
    this.#otherBatch = new HistoryBatch(options.keptEvents ?? 'all');
    this.#limits = { ...projectionLimits, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#changed = new Signal(this.#clock);
    this.#stopping = new Signal(this.#clock);
    this.#board = options.watermarks && new WatermarkBoard(options.watermarks);
    const { retryMinMs, retryMaxMs } = this.#limits;
    const patience = { log: options.log, what: 'ClickHouse', retryMinMs, retryMaxMs };
    this.#patience = new Patience(patience, new Signal(this.#clock));
  }

  /** Begins at once; where the store is away, it waits for it. Call once. */
  start(): void {
    this.#running = this.#run();
  }

  /** Writes what was read, if the store takes it, and ends. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const feed of this.#feeds) feed.stop();
    this.#patience.stop();
    this.#stopping.raise();
    this.#changed.raise();
    await this.#running;
  }

  /** Where each shard is durable, by shard name. */
  get positions(): ReadonlyMap<string, ShardProgress> {
    return this.#durable;
  }

  get status(): ProjectionStatus {
    const oldest = this.#writingOldestAtMs ?? this.#oldestAtMs;
    return {
      isStoreAway: this.#patience.isFailing,
      rowsWritten: this.#rowsWritten,
      batchesWritten: this.#batchesWritten,
      lagMs: oldest === undefined ? 0 : Math.max(0, this.#clock.nowMs() - oldest),
      haltedShards: [...this.#halted],
    };
  }

  /** The schema is there and the positions in the store are known. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Minutes whose roll-ups are older than their messages. */
  get dirty(): DirtyMinutes {
    return this.#dirty;
  }

  /** Resolves when the durable positions have moved, or after `timeoutMs`. */
  moved(timeoutMs: number): Promise<void> {
    return this.#changed.wait(timeoutMs);
  }

  async #run(): Promise<void> {
    const { clickHouse, layout, shards, log } = this.#options;
    const isReady = await this.#patience.until(async () => {
      await migrate(clickHouse, layout);
      for (const [shard, numbers] of await readTouched(clickHouse)) this.#dirty.restore(shard, numbers);
      this.#durable = await readPositions(clickHouse);
    });
    this.#isReady = isReady;
    if (!isReady || this.#isStopping) return;
    log.info({ count: shards.length }, 'history projection starts');
    for (const name of this.#durable.keys()) this.#unmatched.add(name);
    const writing = this.#write();
    await Promise.all(shards.map((shard) => this.#feed(shard)));
    this.#isStopping = true;
    this.#changed.raise();
    await writing;
  }

  async #feed(shard: ShardId): Promise<void> {
    const { follower, journal, log } = this.#options;
    const name = shardName(shard);
    const logged = { kind: shard.kind, shard: shard.index };
    if (!(await this.#isSameJournal(shard))) return;
    const feed = new ShardFeed(follower, shard, this.#durable.get(name) ?? journalStart, {
      onHole: (expected, found) => {
        const reason = `goes on behind ${found}, history is at ${expected}`;
        log.error({ ...logged, reason }, 'journal has a hole: records are gone that history never saw');
      },
      recordAt: (sequence) => journal.at(shard, sequence),
    });
    this.#feeds.push(feed);
    if (this.#isStopping) feed.stop();
    try {
      await this.#gather(shard, feed);
    } catch (error) {
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      await this.#halt(shard, reason);
    } finally {
      feed.stop();
    }
  }

  /** The other shards go on; this one waits for a person and a restart. */
  async #halt(shard: ShardId, reason: string): Promise<void> {
    this.#halted.add(shardName(shard));
    const fields = { kind: shard.kind, shard: shard.index, reason };
    this.#options.log.error(fields, 'history of this shard stands still: its journal cannot be read on');
    while (!this.#isStopping) await this.#changed.wait();
  }

  /**
   * Before anything is read, or told to owners who trim by it. A journal that is shorter is waited for: somebody may bring
   * the rest back; meanwhile its owner learns from our position that records are gone. False: it is another one, or we stop.
   */
  async #isSameJournal(shard: ShardId): Promise<boolean> {
    const { journal, log } = this.#options;
    const name = shardName(shard);
    const position = this.#durable.get(name);
    if (position === undefined) return true;
    let said = '';
    const sayOnce = (what: string, say: () => void): void => {
      if (said !== what) say();
      said = what;
    };
    const logged = { kind: shard.kind, shard: shard.index, sequence: position.sequence };
    while (!this.#isStopping) {
      const match: JournalMatch | Error = await matchJournal(journal, shard, position).catch(asError);
      if (match instanceof Error) {
        const reason = match.message;
        sayOnce('away', () =>
          log.warn({ ...logged, reason }, 'a journal cannot be compared with history yet'),
        );
      } else if (match.kind === 'another') {
        await this.#halt(shard, match.reason);
        return false;
      } else {
        this.#unmatched.delete(name);
        if (match.kind === 'same') return true;
        sayOnce('shorter', () =>
          log.error({ ...logged, reason: `it ends at ${match.end}` }, journalIsShorter),
        );
      }
      await this.#stopping.wait(this.#limits.retryMaxMs);
    }
    return false;
  }

  async #gather(shard: ShardId, feed: ShardFeed): Promise<void> {
    for (;;) {
      const commits = await feed.take(this.#limits.recordsPerTake);
      if (commits.length === 0) return;
      while (this.#isFull && !this.#isStopping) await this.#changed.wait();
      // What was not added is read again after the next start.
      if (this.#isStopping) return;
      const hadRows = this.#batch.rows > 0;
      const wasEmpty = this.#batchSinceMs === undefined;
      for (const commit of commits) {
        this.#batch.add(shard, commit);
        this.#batchSinceMs ??= this.#clock.monotonicMs();
        if (this.#batch.rows > 0) this.#oldestAtMs ??= commit.atMs;
      }
      // Only what may change when the batch is due: the writer need not look for each commit.
      if (wasEmpty || hadRows !== this.#batch.rows > 0 || this.#isFull) this.#changed.raise();
    }
  }

  get #isFull(): boolean {
    return this.#batch.rows >= this.#limits.batchRowsMax || this.#batch.bytes >= this.#limits.batchBytesMax;
  }

  /** Milliseconds until the batch is due; undefined while there is nothing to write. */
  get #dueInMs(): number | undefined {
    if (this.#batchSinceMs === undefined) return undefined;
    if (this.#isFull || this.#isStopping) return 0;
    const { batchAgeMs, batchPauseMs, idleBatchAgeMs } = this.#limits;
    const dueAtMs =
      this.#batch.rows > 0
        ? Math.max(this.#batchSinceMs + batchAgeMs, this.#writtenAtMs + batchPauseMs)
        : this.#batchSinceMs + idleBatchAgeMs;
    return Math.max(0, dueAtMs - this.#clock.monotonicMs());
  }

  async #write(): Promise<void> {
    for (;;) {
      const dueInMs = this.#dueInMs;
      if (dueInMs === undefined && this.#isStopping) break;
      if (dueInMs === 0) {
        if (!(await this.#writeBatch(this.#takeBatch()))) return;
      } else {
        await this.#changed.wait(Math.min(dueInMs ?? Infinity, this.#limits.publishEveryMs));
      }
      void this.#publish();
    }
    await this.#publish(true);
  }

  #takeBatch(): HistoryBatch {
    const batch = this.#batch;
    this.#batch = this.#otherBatch;
    this.#batch.clear();
    this.#otherBatch = batch;
    if (batch.rows > 0) this.#writtenAtMs = this.#clock.monotonicMs();
    this.#batchSinceMs = undefined;
    this.#writingOldestAtMs = this.#oldestAtMs;
    this.#oldestAtMs = undefined;
    this.#changed.raise();
    return batch;
  }

  /** False when it was stopped before the batch was durable. */
  async #writeBatch(batch: HistoryBatch): Promise<boolean> {
    const { metrics } = this.#options;
    const isWritten = await this.#patience.until(async () => {
      const startedMs = this.#clock.monotonicMs();
      try {
        await this.#insert(batch.messages);
        await this.#insert(batch.memberships);
        await this.#insert(batch.commits);
        await this.#insert(batch.reads);
        await this.#insert(batch.watermarks(this.#dirty));
      } catch (error) {
        metrics?.insertFailures.inc();
        // What has failed may still be on its way: its bytes must not change.
        this.#otherBatch = new HistoryBatch(this.#options.keptEvents ?? 'all');
        throw error;
      }
      metrics?.insertSeconds.observe((this.#clock.monotonicMs() - startedMs) / 1000);
    });
    this.#writingOldestAtMs = undefined;
    if (!isWritten) return false;
    this.#rowsWritten += batch.rows;
    this.#batchesWritten += 1;
    metrics?.rows.labels('messages').inc(batch.messages.rows);
    metrics?.rows.labels('memberships').inc(batch.memberships.rows);
    metrics?.rows.labels('events').inc(batch.events);
    metrics?.rows.labels('reads').inc(batch.reads.rows);
    const durable = new Map(this.#durable);
    for (const [shard, progress] of batch.progress) durable.set(shard, progress);
    this.#durable = durable;
    // Not before they can be counted.
    for (const [shard, minutes] of batch.minutes) this.#dirty.add(shard, minutes);
    this.#changed.raise();
    return true;
  }

  async #insert(rows: RowBuffer): Promise<void> {
    if (rows.rows > 0) await this.#options.clickHouse.insert(rows.table, rows.columns, rows.toBytes());
  }

  /** Positions go out now and then; a failure only means that they go out later. */
  async #publish(isLast = false): Promise<void> {
    const now = this.#clock.monotonicMs();
    if (
      this.#board === undefined ||
      this.#isPublishing ||
      (!isLast && now - this.#publishedAtMs < this.#limits.publishEveryMs)
    )
      return;
    this.#isPublishing = true;
    this.#publishedAtMs = now;
    try {
      await this.#board.publish(new Map([...this.#durable].filter(([name]) => !this.#unmatched.has(name))));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.warn({ reason }, 'watermarks could not be published; journals are kept longer');
    } finally {
      this.#isPublishing = false;
    }
  }
}
