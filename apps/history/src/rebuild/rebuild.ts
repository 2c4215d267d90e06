// History made anew beside the running one, from journals and, for what they no longer hold, from events; compared with it
// row for row, and put in its place when nothing differs. Readers notice nothing; what is written during the comparison is
// found a few seconds later.
//
//   archive → projection into `parley_next`, never further than the running one → pause → compare → exchange → go on
import { setTimeout as delay } from 'node:timers/promises';
import { shardName } from '@parley/runtime';
import { type JournalFollower, inDatabase, oneServer } from '@parley/adapters';
import { HistoryProjection, type ProjectionOptions } from '../projection/history-projection.ts';
import type { ShardProgress } from '../projection/history-batch.ts';
import { EventArchive } from './archive.ts';
import { ArchiveFollower } from './archive-follower.ts';
import { type StoreDifference, compareDatabases, projectedTables } from './compare.ts';

export interface RebuildOptions extends Required<
  Pick<ProjectionOptions, 'clickHouse' | 'layout' | 'journal' | 'shards' | 'keptEvents' | 'log'>
> {
  readonly follower: JournalFollower;
  readonly limits?: ProjectionOptions['limits'];
  /** Of the running projection; still there while it is paused. */
  readonly positions: () => ReadonlyMap<string, ShardProgress>;
  /** Stops the running projection once all it has read is durable. */
  readonly pause: () => Promise<void>;
  /** Starts it again, on whatever is in place then. */
  readonly resume: () => void;
}

export interface RebuildStatus {
  readonly state: 'building' | 'comparing' | 'switched' | 'different' | 'failed';
  /** Journal records the running one has and the new one has not, as sequences of all shards. */
  readonly behind: number;
  readonly rows: number;
  readonly differences: readonly StoreDifference[];
  /** Why it failed. */
  readonly reason: string;
}

/** The new one while it is built, the old one after the switch. */
export const nextDatabase = 'parley_next';
/** As near as this the new one must come before the running one is paused. */
const nearMs = 5_000;
const pollMs = 50;
/** For the rest, once the running one is paused. */
const lastBatchesMsMax = 120_000;

export class Rebuild {
  readonly #options: RebuildOptions;
  #projection: HistoryProjection | undefined;
  #status: RebuildStatus = { state: 'building', behind: 0, rows: 0, differences: [], reason: '' };
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: RebuildOptions) {
    this.#options = options;
  }

  get status(): RebuildStatus {
    return { ...this.#status, behind: this.#behind(), rows: this.#projection?.status.rowsWritten ?? 0 };
  }

  get isOver(): boolean {
    return !['building', 'comparing'].includes(this.#status.state);
  }

  /** Call once. Never rejects: `status` says what became of it. */
  start(): Promise<void> {
    this.#running = this.#run().catch(async (cause: unknown) => {
      await this.#projection?.stop();
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#tell({ state: 'failed', reason });
      this.#options.log.error({ reason }, 'history was not made anew: the running one stays');
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#projection?.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clickHouse, log, pause, resume } = this.#options;
    log.info({}, 'history is made anew beside the running one');
    await this.#build();
    await this.#untilNear();
    await pause();
    try {
      this.#tell({ state: 'comparing' });
      await this.#until(() => this.#behind() === 0, lastBatchesMsMax);
      await this.#projection?.stop();
      const differences = await compareDatabases(clickHouse, ['parley', nextDatabase]);
      if (differences.length > 0) {
        this.#tell({ state: 'different', differences });
        log.error(
          { count: differences.length },
          'history made anew differs from the running one, which stays',
        );
        return;
      }
      await this.#exchange();
      this.#tell({ state: 'switched' });
      log.info({}, 'history made anew is in place; the old one is in parley_next');
    } finally {
      resume();
    }
  }

  async #build(): Promise<void> {
    const { clickHouse, layout, follower, journal, shards, keptEvents, log, limits } = this.#options;
    // There tables have a second name for each server, and a place in the keeper.
    if (layout !== oneServer) throw new Error('tables of a cluster are not made anew by this command');
    const next = inDatabase(clickHouse, nextDatabase);
    await next.execute('DROP DATABASE IF EXISTS parley SYNC');
    for (const statement of layout.createDatabase()) await next.execute(statement);
    const archive = new EventArchive(next);
    await archive.create();
    this.#projection = new HistoryProjection({
      clickHouse: next,
      layout,
      follower: new ArchiveFollower({
        follower,
        archive,
        through: (shard) => this.#options.positions().get(shardName(shard))?.sequence ?? 0,
      }),
      journal,
      shards,
      // Nobody may trim a journal by how far this one is.
      watermarks: undefined,
      keptEvents,
      log,
      ...(limits === undefined ? {} : { limits }),
    });
    this.#projection.start();
  }

  /** The nearer it starts, the shorter the pause. */
  async #untilNear(): Promise<void> {
    for (;;) {
      const startedMs = performance.now();
      const target = this.#options.positions();
      await this.#until(() => this.#behind(target) === 0);
      if (performance.now() - startedMs < nearMs) return;
    }
  }

  #behind(target = this.#options.positions()): number {
    let behind = 0;
    for (const [shard, { sequence }] of target)
      behind += Math.max(0, sequence - (this.#projection?.positions.get(shard)?.sequence ?? 0));
    return behind;
  }

  async #until(isSo: () => boolean, limitMs = Infinity): Promise<void> {
    const startedMs = performance.now();
    while (!isSo()) {
      const halted = this.#projection?.status.haltedShards ?? [];
      if (this.#isStopping) throw new Error('this process is stopping');
      if (halted.length > 0) throw new Error(`the journal of ${halted.join(', ')} cannot be read on`);
      if (performance.now() - startedMs > limitMs) throw new Error(`not through after ${limitMs} ms`);
      await delay(pollMs);
    }
  }

  /** One table after the other: both sides are the same, so nobody can tell when. */
  async #exchange(): Promise<void> {
    for (const table of [...projectedTables, 'watermarks'])
      await this.#options.clickHouse.execute(`EXCHANGE TABLES parley.${table} AND ${nextDatabase}.${table}`);
  }

  #tell(change: Partial<RebuildStatus>): void {
    this.#status = { ...this.#status, ...change };
  }
}
