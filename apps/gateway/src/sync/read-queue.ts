// Reads of all connections: so many at once, the others wait their turn in the order they came. When thousands come back
// at once this leaves the shards, the stores and the event loop to those who talk meanwhile, and most reads find in memory
// what the first ones have fetched.
import { type Clock, type Result, err } from '@parley/std';

export interface ReadQueueLimits {
  readonly readsAtOnceMax: number;
  readonly readsWaitingMax: number;
  readonly readWaitMs: number;
}

export class ReadQueue {
  readonly #limits: ReadQueueLimits;
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(limits: ReadQueueLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Runs `read` when it is its turn. BUSY when too many wait already, or when it had to wait for too long. */
  async run<T, E>(read: () => Promise<Result<T, E>>): Promise<Result<T, E | 'BUSY'>> {
    const { readsAtOnceMax, readsWaitingMax, readWaitMs } = this.#limits;
    const endMs = this.#clock.monotonicMs() + readWaitMs;
    if (this.#running >= readsAtOnceMax) {
      if (this.#waiting.size >= readsWaitingMax) return err('BUSY');
      // Whoever leaves hands over its place.
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    } else {
      this.#running++;
    }
    try {
      // Whoever asked is about to ask again: that one may find the queue shorter.
      return this.#clock.monotonicMs() > endMs ? err('BUSY') : await read();
    } finally {
      const [next] = this.#waiting;
      if (next === undefined) this.#running--;
      else {
        this.#waiting.delete(next);
        next();
      }
    }
  }
}
