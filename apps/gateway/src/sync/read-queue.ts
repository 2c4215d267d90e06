// Reads of all connections: so many at once, the others wait their turn in the order they came. When thousands come back
// at once this leaves the shards, the stores and the event loop to those who talk meanwhile, and most reads find in memory
// what the first ones have fetched.
import { type Result, err } from '@parley/std';

export interface ReadQueueLimits {
  readonly readsAtOnceMax: number;
  readonly readsWaitingMax: number;
}

export class ReadQueue {
  readonly #limits: ReadQueueLimits;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(limits: ReadQueueLimits) {
    this.#limits = limits;
  }

  /** Runs `read` when it is its turn. BUSY when too many wait already. */
  async run<T, E>(read: () => Promise<Result<T, E>>): Promise<Result<T, E | 'BUSY'>> {
    if (this.#running >= this.#limits.readsAtOnceMax) {
      if (this.#waiting.size >= this.#limits.readsWaitingMax) return err('BUSY');
      // Whoever leaves hands over its place.
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    } else {
      this.#running++;
    }
    try {
      return await read();
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
