// Which of several history processes projects: the one that holds a lease in a key-value bucket. Two at a time would
// only waste work, for both write the same rows; so a lease that runs out late or early does no harm.
import { type Clock, systemClock } from '@parley/std';
import type { KeyValue } from '@parley/runtime';
import type { Log } from '../log.ts';
import { Signal } from './signal.ts';

export interface LeaseOptions {
  readonly bucket: KeyValue;
  readonly holder: string;
  readonly log: Log;
  /** Called when the lease is taken; called again only after `onLost`. */
  readonly onTaken: () => void;
  readonly onLost: () => Promise<void>;
  /** Default 20,000. */
  readonly ttlMs?: number;
  /** Default 4,000. */
  readonly renewEveryMs?: number;
  readonly clock?: Clock;
}

const leaseKey = 'projection-lease';

export class ProjectionLease {
  readonly #options: LeaseOptions;
  readonly #clock: Clock;
  readonly #stopping: Signal;
  /** Revision of our own entry; undefined while somebody else has the lease, or nobody. */
  #revision: number | undefined;
  #renewedAtMs = 0;
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#stopping = new Signal(this.#clock);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Gives the lease back, so that the next one need not wait for it to run out. Does not call `onLost`. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopping.raise();
    await this.#running;
    if (this.#revision === undefined) return;
    this.#revision = undefined;
    await this.#options.bucket.delete(leaseKey).catch((error: unknown) => {
      this.#options.log.warn(
        { reason: String(error) },
        'the projection lease was not given back; it runs out by itself',
      );
    });
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#step();
      if (!this.#isStopping) await this.#stopping.wait(this.#options.renewEveryMs ?? 4_000);
    }
  }

  async #step(): Promise<void> {
    const { bucket, holder, log, onTaken, ttlMs = 20_000 } = this.#options;
    try {
      const startedMs = this.#clock.monotonicMs();
      const result = await bucket.write(leaseKey, Buffer.from(holder), this.#revision ?? 0, { ttlMs });
      if (result.outcome === 'conflict') return await this.#lose('another process has it');
      const isNew = this.#revision === undefined;
      this.#revision = result.revision;
      this.#renewedAtMs = startedMs;
      if (!isNew) return;
      log.info({}, 'this process projects the journals');
      onTaken();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#revision !== undefined && this.#clock.monotonicMs() - this.#renewedAtMs > ttlMs)
        await this.#lose(reason);
    }
  }

  async #lose(reason: string): Promise<void> {
    if (this.#revision === undefined) return;
    this.#revision = undefined;
    this.#options.log.warn({ reason }, 'the projection lease is lost: projecting stops here');
    await this.#options.onLost();
  }
}
