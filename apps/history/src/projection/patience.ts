// Tries something again and again until it succeeds, waiting longer each time; says once when it begins to fail and
// once when it works again.
import type { Log } from '../log.ts';
import type { Signal } from './signal.ts';

export interface PatienceOptions {
  readonly log: Log;
  /** What is away when it fails: `ClickHouse`, `Redis`. */
  readonly what: string;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export class Patience {
  readonly #options: PatienceOptions;
  readonly #stopping: Signal;
  #failures = 0;
  #isStopped = false;

  /** A raise of `stopping` ends a wait early. */
  constructor(options: PatienceOptions, stopping: Signal) {
    this.#options = options;
    this.#stopping = stopping;
  }

  /** Whether the last try failed. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** Waits end and nothing is tried again. */
  stop(): void {
    this.#isStopped = true;
    this.#stopping.raise();
  }

  /** True when `work` has succeeded, false when it was stopped before. */
  async until(work: () => Promise<void>): Promise<boolean> {
    for (;;) {
      try {
        await work();
        this.#noteSuccess();
        return true;
      } catch (error) {
        this.#noteFailure(error);
      }
      if (this.#isStopped) return false;
      const { retryMinMs, retryMaxMs } = this.#options;
      await this.#stopping.wait(Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(this.#failures - 1, 20)));
      if (this.#isStopped) return false;
    }
  }

  #noteSuccess(): void {
    if (this.#failures > 0)
      this.#options.log.info({ attempt: this.#failures }, `${this.#options.what} is back`);
    this.#failures = 0;
  }

  #noteFailure(error: unknown): void {
    this.#failures += 1;
    if (this.#failures > 1) return;
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.log.warn({ reason }, `${this.#options.what} is away: trying again until it is back`);
  }
}
