// One timer for all clients of a process: each beat calls every client's `tick`, which compares a few numbers.
// So thousands of clients cost no timer per message, request or connection.
import type { Clock, Timer } from '@parley/std';

export class Ticker {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #tasks = new Set<(nowMs: number) => void>();
  #timer: Timer | undefined;

  constructor(clock: Clock, tickMs: number) {
    this.#clock = clock;
    this.#tickMs = tickMs;
  }

  add(task: (nowMs: number) => void): void {
    this.#tasks.add(task);
    if (this.#timer === undefined) this.#arm();
  }

  remove(task: (nowMs: number) => void): void {
    this.#tasks.delete(task);
    if (this.#tasks.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#clock.after(this.#tickMs, () => {
      const nowMs = this.#clock.monotonicMs();
      for (const task of this.#tasks) task(nowMs);
      if (this.#tasks.size > 0) this.#arm();
      else this.#timer = undefined;
    });
  }
}

const tickers = new WeakMap<Clock, Map<number, Ticker>>();

/** The ticker shared by all clients with this clock and beat. */
export function sharedTicker(clock: Clock, tickMs: number): Ticker {
  let byBeat = tickers.get(clock);
  if (byBeat === undefined) tickers.set(clock, (byBeat = new Map()));
  let ticker = byBeat.get(tickMs);
  if (ticker === undefined) byBeat.set(tickMs, (ticker = new Ticker(clock, tickMs)));
  return ticker;
}
