// Time as a parameter, so that the runtime runs the same under a simulated clock.

/** A handle on a pending timer. `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump; use it for stamps only. */
  nowMs(): number;
  /** Monotonic clock in milliseconds from an arbitrary start. Use it for deadlines and durations. */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`. The timer never keeps a process alive by itself. */
  after(delayMs: number, task: () => void): Timer;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, task) {
    const handle = setTimeout(task, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
