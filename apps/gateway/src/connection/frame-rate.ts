// Limits the rate of each connection's frames, with a burst: a bucket that is emptied by use and fills steadily. It is kept
// as the one time at which it is full again, because every idle connection has one.

export class FrameRate {
  readonly #frameMs: number;
  readonly #burstMs: number;

  constructor({ framesPerSecond, frameBurstMax }: { framesPerSecond: number; frameBurstMax: number }) {
    this.#frameMs = 1000 / framesPerSecond;
    this.#burstMs = (frameBurstMax - 1) * this.#frameMs;
  }

  /** False, and nothing taken, when the bucket is empty. `nowMs`: monotonic. */
  take(of: { rateFullAtMs: number }, nowMs: number): boolean {
    if (of.rateFullAtMs - nowMs > this.#burstMs) return false;
    of.rateFullAtMs = Math.max(of.rateFullAtMs, nowMs) + this.#frameMs;
    return true;
  }
}
