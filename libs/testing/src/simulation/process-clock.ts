// The clock of one simulated process: true time for everybody else, but this process may hang (its timers wait), be frozen
// together with its clocks (a suspended virtual machine), lag behind, have a wall clock that jumps, and die.
import type { Clock, Timer } from '@parley/std';

export class ProcessClock implements Clock {
  readonly #base: Clock;
  readonly #waiting: (() => void)[] = [];
  #state: 'running' | 'paused' | 'frozen' | 'dead' = 'running';
  #frozenSinceMs = 0;
  #frozenMs = 0;
  /** Added to the wall clock. */
  wallOffsetMs = 0;
  /** How late timers fire. */
  lagMs: () => number = () => 0;

  constructor(base: Clock) {
    this.#base = base;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  nowMs(): number {
    return this.#base.nowMs() + Math.floor(this.wallOffsetMs);
  }

  monotonicMs(): number {
    const frozen = this.#state === 'frozen' ? this.#base.monotonicMs() - this.#frozenSinceMs : 0;
    return this.#base.monotonicMs() - this.#frozenMs - frozen;
  }

  after(delayMs: number, task: () => void): Timer {
    const dueMs = this.monotonicMs() + Math.max(0, delayMs);
    let isCancelled = false;
    let timer: Timer | undefined;
    const fire = (): void => {
      if (isCancelled || this.#state === 'dead') return;
      if (this.#state !== 'running') {
        this.#waiting.push(fire);
        return;
      }
      // Time stood still for a while: the rest of the wait is still to come.
      const restMs = dueMs - this.monotonicMs();
      if (restMs > 0.001) timer = this.#base.after(restMs, fire);
      else task();
    };
    timer = this.#base.after(Math.max(0, delayMs) + this.lagMs(), fire);
    return {
      cancel: () => {
        isCancelled = true;
        timer?.cancel();
      },
    };
  }

  /** The process does nothing, time goes on. */
  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** The process does nothing and its monotonic clock stands still. */
  freeze(): void {
    if (this.#state !== 'running') return;
    this.#state = 'frozen';
    this.#frozenSinceMs = this.#base.monotonicMs();
  }

  resume(): void {
    if (this.#state === 'dead' || this.#state === 'running') return;
    if (this.#state === 'frozen') this.#frozenMs += this.#base.monotonicMs() - this.#frozenSinceMs;
    this.#state = 'running';
    for (const fire of this.#waiting.splice(0)) this.#base.after(0, fire);
  }

  kill(): void {
    this.#state = 'dead';
    this.#waiting.length = 0;
  }
}
