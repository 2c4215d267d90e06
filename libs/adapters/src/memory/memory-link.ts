// One direction of one node's connection: first in, first out, whatever the delays; a cut drops what is on its way, a
// hold keeps it back until it is released, as a stalled network or a receiver that hangs does.
import type { Clock, Timer } from '@parley/std';

interface Parcel {
  readonly dueMs: number;
  readonly task: () => void;
}

export class MemoryLink {
  readonly #clock: Clock;
  readonly #parcels: Parcel[] = [];
  #timer: Timer | undefined;
  #generation = 0;
  #isHeld = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `task` after `delayMs`, after every task sent before; in a microtask if there is nothing to wait for. */
  send(delayMs: number, task: () => void): void {
    if (delayMs <= 0 && this.#parcels.length === 0 && !this.#isHeld) {
      const generation = this.#generation;
      queueMicrotask(() => {
        if (generation === this.#generation) task();
      });
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    const dueMs = Math.max(nowMs + Math.max(0, delayMs), this.#parcels.at(-1)?.dueMs ?? 0);
    this.#parcels.push({ dueMs, task });
    if (!this.#isHeld) this.#timer ??= this.#clock.after(dueMs - nowMs, () => this.#arrive());
  }

  /** Nothing arrives until `release`. */
  hold(): void {
    this.#isHeld = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** What was held arrives, in order. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (this.#parcels.length > 0) this.#timer = this.#clock.after(0, () => this.#arrive());
  }

  cut(): void {
    this.#generation++;
    this.#parcels.length = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arrive(): void {
    this.#timer = undefined;
    const generation = this.#generation;
    for (let head = this.#parcels[0]; head !== undefined; head = this.#parcels[0]) {
      const waitMs = head.dueMs - this.#clock.monotonicMs();
      if (waitMs > 0) {
        this.#timer = this.#clock.after(waitMs, () => this.#arrive());
        return;
      }
      this.#parcels.shift();
      head.task();
      if (generation !== this.#generation || this.#isHeld) return;
    }
  }
}
