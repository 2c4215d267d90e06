// Time that moves only when told to: timers fire in order of their due time, and between two of them everything that was
// woken up runs to its end. With it a whole cluster of memory twins runs repeatably, hours in seconds.
import type { Clock, Timer } from '@parley/std';

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly task: () => void;
  isCancelled: boolean;
}

export class SimulatedClock implements Clock {
  readonly #startMs: number;
  readonly #heap: Pending[] = [];
  #elapsedMs = 0;
  #order = 0;

  /** `startMs` is the wall clock at the start. */
  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#startMs + Math.floor(this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, task: () => void): Timer {
    const pending: Pending = {
      dueMs: this.#elapsedMs + Math.max(0, delayMs),
      order: this.#order++,
      task,
      isCancelled: false,
    };
    this.#push(pending);
    return { cancel: () => void (pending.isCancelled = true) };
  }

  /** Lets `durationMs` pass. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + durationMs;
    await settle();
    for (let next = this.#heap[0]; next !== undefined && next.dueMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      if (next.isCancelled) continue;
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.task();
      await settle();
    }
    this.#elapsedMs = untilMs;
  }

  /** Lets time pass until `condition` holds; fails after `limitMs` of simulated time, naming `what`. */
  async until(what: string, condition: () => boolean, limitMs = 120_000, stepMs = 50): Promise<void> {
    const deadlineMs = this.#elapsedMs + limitMs;
    await settle();
    while (!condition()) {
      if (this.#elapsedMs >= deadlineMs) throw new Error(`${what}: not within ${limitMs} simulated ms`);
      await this.advance(stepMs);
    }
  }

  #push(pending: Pending): void {
    const heap = this.#heap;
    heap.push(pending);
    for (let at = heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!isEarlier(heap[at]!, heap[parent]!)) return;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && isEarlier(heap[child]!, heap[least]!)) least = child;
      }
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  }
}

const isEarlier = (a: Pending, b: Pending): boolean =>
  a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

/** Everything that only waits for promises runs before this resolves. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
