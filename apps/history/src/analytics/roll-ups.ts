// Counts roll-ups anew where they are older than what lies below them: minutes that are over, then days, then periods and
// cohorts. It takes at most a share of one core, whatever the load: after each statement it rests in proportion to the time
// that took. Killed anywhere, the next start finds in the store what is dirty and counts it again, under the same keys.
import { type Clock, systemClock } from '@parley/std';
import type { ClickHouse } from '@parley/adapters';
import type { Log } from '../log.ts';
import type { ShardProgress } from '../projection/history-batch.ts';
import { Signal } from '../projection/signal.ts';
import { AdaptiveSize } from './adaptive-size.ts';
import type { DirtyMinutes } from './dirty-minutes.ts';
import { minuteOf } from './minute-ranges.ts';
import {
  dailySqls,
  dirtyDaysSql,
  dirtyPeriodsSql,
  minuteActivitySql,
  minutesOfDay,
  newestVersionSql,
  periodSqls,
} from './roll-up-sql.ts';

export interface RollUpLimits {
  /** How often it looks whether a minute is over. */
  readonly everyMs: number;
  /**
   * At most this share of the time is spent in statements about minutes, and as much in all others; each is on one thread. 1
   * to 100.
   */
  readonly sharePercent: number;
  /** Minutes and days counted by one statement; fewer where statements take longer than `statementMs`. */
  readonly minutesMax: number;
  readonly daysMax: number;
  readonly statementMs: number;
  /** The engine gives up on a statement then, and it is tried again with half as much. */
  readonly statementMsMax: number;
  /** Memory of a statement; at half of it, it goes on with the help of the disk. */
  readonly memoryBytesMax: number;
  /** Rest after a failure. */
  readonly retryMs: number;
  /** Counts the minute that runs too, and again whenever it has more: fresher answers, for a statement every `everyMs`. */
  readonly countsRunningMinute: boolean;
}

export const rollUpLimits: RollUpLimits = {
  everyMs: 2_000,
  sharePercent: 5,
  minutesMax: 31 * minutesOfDay,
  daysMax: 31,
  statementMs: 5_000,
  statementMsMax: 300_000,
  memoryBytesMax: 512 * 1024 * 1024,
  retryMs: 5_000,
  countsRunningMinute: false,
};

export interface RollUpOptions {
  readonly clickHouse: ClickHouse;
  readonly dirty: DirtyMinutes;
  /** False until the schema is there and `dirty` knows what the store says. */
  readonly isReady: () => boolean;
  /** How far the store is, by shard: their sum grows with every batch. */
  readonly positions: () => ReadonlyMap<string, ShardProgress>;
  readonly log: Log;
  readonly limits?: Partial<RollUpLimits>;
  readonly clock?: Clock;
}

export class RollUps {
  readonly #options: RollUpOptions;
  readonly #limits: RollUpLimits;
  readonly #clock: Clock;
  readonly #stopping: Signal;
  readonly #minutes: AdaptiveSize;
  readonly #days: AdaptiveSize;
  /** Days whose minutes were counted after them. */
  readonly #dirtyDays = new Set<number>();
  /** Periods from this day on are older than their days. */
  #dirtyPeriodsFrom: number | undefined;
  /** Highest version given so far; undefined until the store was asked. */
  #version: number | undefined;
  /** Apart, so that minutes need not wait for the rest of a long statement. */
  readonly #minutesPace = { restsUntilMs: -Infinity };
  readonly #abovePace = { restsUntilMs: -Infinity };
  #hasFailed = false;
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: RollUpOptions) {
    this.#options = options;
    this.#limits = { ...rollUpLimits, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#stopping = new Signal(this.#clock);
    const { minutesMax, daysMax, statementMs } = this.#limits;
    this.#minutes = new AdaptiveSize(Math.min(minutesOfDay, minutesMax), minutesMax, statementMs);
    this.#days = new AdaptiveSize(Math.min(7, daysMax), daysMax, statementMs);
  }

  /** Call once. */
  start(): void {
    this.#running = this.#run();
  }

  /** Lets the statement under way finish. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopping.raise();
    await this.#running;
  }

  /** Minutes before are counted to the end, milliseconds since 1970; 0: not known yet. */
  get countedThroughMs(): number {
    if (this.#version === undefined) return 0;
    return Math.min(this.#options.dirty.first ?? Infinity, minuteOf(this.#clock.nowMs())) * 60_000;
  }

  /** Counts everything that is dirty and over, without a rest. Not while it is started. */
  async countAll(): Promise<void> {
    do {
      this.#minutesPace.restsUntilMs = this.#abovePace.restsUntilMs = -Infinity;
    } while (await this.#step());
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const didCount = await this.#step().then(
        (done) => {
          this.#noteSuccess();
          return done;
        },
        (error: unknown) => {
          this.#noteFailure(error);
          return false;
        },
      );
      const { everyMs, retryMs } = this.#limits;
      if (!didCount && !this.#isStopping) await this.#stopping.wait(this.#hasFailed ? retryMs : everyMs);
    }
  }

  /** One statement, or those of some days, of whatever has rested. False when there was nothing to count. */
  async #step(): Promise<boolean> {
    if (!this.#options.isReady()) return false;
    if (this.#version === undefined) await this.#resume();
    if (await this.#paced(this.#minutesPace, () => this.#countMinutes())) return true;
    return this.#paced(this.#abovePace, async () => (await this.#countDays()) || this.#countPeriods());
  }

  /** Runs `count` unless its kind still rests; afterwards it rests in proportion to the time that took. */
  async #paced(pace: { restsUntilMs: number }, count: () => Promise<boolean>): Promise<boolean> {
    const startedMs = this.#clock.monotonicMs();
    if (startedMs < pace.restsUntilMs) return false;
    const didCount = await count();
    const endedMs = this.#clock.monotonicMs();
    if (didCount) pace.restsUntilMs = endedMs + (endedMs - startedMs) * (100 / this.#limits.sharePercent - 1);
    return didCount;
  }

  /** What is dirty above minutes is not written down anywhere: the versions tell. */
  async #resume(): Promise<void> {
    const { clickHouse } = this.#options;
    for (const [day] of await clickHouse.select(dirtyDaysSql, { rowsMax: 100_000 }))
      this.#dirtyDays.add(day as number);
    const [periods] = await clickHouse.select(dirtyPeriodsSql);
    if (periods !== undefined && (periods[1] as number) > 0) this.#dirtyPeriodsFrom = periods[0] as number;
    const [newest] = await clickHouse.select(newestVersionSql);
    this.#version = (newest?.[0] as number | undefined) ?? 0;
  }

  async #countMinutes(): Promise<boolean> {
    const { dirty } = this.#options;
    const running = minuteOf(this.#clock.nowMs());
    const before = this.#limits.countsRunningMinute ? running + 1 : running;
    const ranges = dirty.begin(this.#minutes.size, before);
    if (ranges.length === 0) return false;
    let isCounted = false;
    try {
      await this.#minutes.measure(() => this.#execute([minuteActivitySql(ranges, this.#nextVersion())]));
      isCounted = true;
    } finally {
      dirty.end(isCounted);
    }
    for (const { from, to } of ranges) {
      const last = Math.floor((to - 1) / minutesOfDay);
      for (let day = Math.floor(from / minutesOfDay); day <= last; day += 1) this.#dirtyDays.add(day);
    }
    return true;
  }

  async #countDays(): Promise<boolean> {
    const days = [...this.#dirtyDays].sort((one, other) => one - other).slice(0, this.#days.size);
    if (days.length === 0) return false;
    await this.#days.measure(() => this.#execute(dailySqls(days, this.#nextVersion())));
    for (const day of days) this.#dirtyDays.delete(day);
    this.#dirtyPeriodsFrom = Math.min(days[0]!, this.#dirtyPeriodsFrom ?? Infinity);
    return true;
  }

  async #countPeriods(): Promise<boolean> {
    if (this.#dirtyPeriodsFrom === undefined) return false;
    await this.#execute(periodSqls(this.#dirtyPeriodsFrom, this.#nextVersion()));
    this.#dirtyPeriodsFrom = undefined;
    return true;
  }

  async #execute(statements: readonly string[]): Promise<void> {
    const { statementMsMax, memoryBytesMax } = this.#limits;
    const settings = [
      `max_threads=1, max_execution_time=${statementMsMax / 1000}, max_memory_usage=${memoryBytesMax}`,
      `max_bytes_before_external_group_by=${Math.floor(memoryBytesMax / 2)}`,
      'optimize_aggregation_in_order=1',
    ];
    for (const statement of statements)
      await this.#options.clickHouse.execute(`${statement}\nSETTINGS ${settings.join(', ')}`, {
        isLong: true,
      });
  }

  /**
   * Grows with what a count can see: of two processes that count the same minute while they change over, the one that has
   * seen more wins.
   */
  #nextVersion(): number {
    const seen = [...this.#options.positions().values()].reduce((sum, { sequence }) => sum + sequence, 0);
    return (this.#version = Math.max((this.#version ?? 0) + 1, seen));
  }

  #noteSuccess(): void {
    if (this.#hasFailed) this.#options.log.info({}, 'roll-ups are counted again');
    this.#hasFailed = false;
  }

  #noteFailure(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.log.warn({ reason }, 'roll-ups cannot be counted: they get old until it works again');
  }
}
