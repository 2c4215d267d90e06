// Now and then deletes what tenants no longer keep. Runs where the projection runs, so that one process of the cluster does
// it; what fails is done again at the next time.
import { type Clock, systemClock } from '@parley/std';
import type { ClickHouse, Layout } from '@parley/adapters';
import type { KeyValue } from '@parley/runtime';
import type { Log } from '../log.ts';
import { deleteBefore } from './deletion.ts';
import { deletedBeforeMs, noteDeletion, readPolicies, tellDeletions } from './policies.ts';
import { reclaim } from './reclaim.ts';

export interface RetentionJobOptions {
  readonly clickHouse: ClickHouse;
  readonly layout: Layout;
  /** Where gateways learn how far deletion has come. */
  readonly deletions: KeyValue;
  readonly log: Log;
  /** From the end of one run to the start of the next. */
  readonly everyMs: number;
  /** Through what time the store has everything: years are dropped only where nothing is still on its way into them. */
  readonly completeThroughMs: () => Promise<number>;
  readonly clock?: Clock;
}

const dayMs = 24 * 60 * 60 * 1_000;
/** From the start of the process to the first run, which comes sooner where `everyMs` is shorter: others need the store more. */
const firstAfterMs = 60_000;

export class RetentionJob {
  readonly #options: RetentionJobOptions;
  readonly #clock: Clock;
  #timer: { cancel(): void } | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(options: RetentionJobOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  start(): void {
    this.#runAfter(Math.min(firstAfterMs, this.#options.everyMs));
  }

  /** A statement that runs is waited for. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#timer?.cancel();
    await this.#running;
  }

  /** Every tenant once. Never rejects. */
  async run(): Promise<void> {
    const { clickHouse, deletions, log } = this.#options;
    try {
      await tellDeletions(clickHouse, deletions);
      const policies = await readPolicies(clickHouse);
      for (const { tenant, days } of policies) {
        if (this.#isStopping) return;
        await this.#deleteOf(tenant, this.#clock.nowMs() - days * dayMs);
        await tellDeletions(clickHouse, deletions);
      }
      if (policies.length > 0 && !this.#isStopping) await reclaim(this.#options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ reason }, 'retention could not delete what is too old; it tries again at the next time');
    }
  }

  #runAfter(delayMs: number): void {
    if (this.#isStopping) return;
    this.#timer = this.#clock.after(delayMs, () => {
      this.#running = this.run().then(() => this.#runAfter(this.#options.everyMs));
    });
  }

  async #deleteOf(tenant: string, beforeMs: number): Promise<void> {
    const { clickHouse, layout, log } = this.#options;
    const doneBeforeMs = await deletedBeforeMs(clickHouse, tenant);
    const conversations = await deleteBefore({ clickHouse, layout }, { tenant, beforeMs });
    // A policy that became longer brings nothing back.
    if (beforeMs > doneBeforeMs)
      await noteDeletion(clickHouse, { tenant, beforeMs, nowMs: this.#clock.nowMs() });
    if (conversations > 0)
      log.info({ tenant, count: conversations }, 'retention has shortened conversations of this tenant');
  }
}
