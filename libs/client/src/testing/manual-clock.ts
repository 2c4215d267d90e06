// A clock that only moves when told to: timers run in order of their time. For tests of the client.
import type { Clock, Timer } from '@parley/std';

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly task: () => void;
}

export class ManualClock implements Clock {
  #nowMs = 1_000;
  #order = 0;
  #due: Due[] = [];

  nowMs(): number {
    return 1_795_258_800_000 + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): Timer {
    const due = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, task };
    this.#due.push(due);
    return { cancel: () => (this.#due = this.#due.filter((other) => other !== due)) };
  }

  /** Runs everything due within `durationMs`, letting promises settle in between. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    for (;;) {
      await settle();
      const next = this.#next();
      if (next === undefined || next.atMs > endMs) break;
      this.#due = this.#due.filter((other) => other !== next);
      this.#nowMs = next.atMs;
      next.task();
    }
    this.#nowMs = endMs;
  }

  /** Advances until `condition` holds; throws after `limitMs` of its own time. */
  async until(condition: () => boolean, limitMs: number, what: string): Promise<void> {
    const endMs = this.#nowMs + limitMs;
    while (!condition()) {
      if (this.#nowMs >= endMs) throw new Error(`${what}: not within ${limitMs} ms`);
      await this.advance(50);
    }
  }

  #next(): Due | undefined {
    let next: Due | undefined;
    for (const due of this.#due) {
      if (next === undefined || due.atMs < next.atMs || (due.atMs === next.atMs && due.order < next.order))
        next = due;
    }
    return next;
  }
}

/** Lets promise chains of the client run. Real time does not pass. */
async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}
