// How much one statement takes on: more while statements are quick, less when they are slow or fail.
export class AdaptiveSize {
  readonly #max: number;
  readonly #targetMs: number;
  #size: number;

  constructor(first: number, max: number, targetMs: number) {
    this.#size = first;
    this.#max = max;
    this.#targetMs = targetMs;
  }

  /** At least 1. */
  get size(): number {
    return this.#size;
  }

  /** Rejects as `work` does. */
  async measure(work: () => Promise<void>): Promise<void> {
    const startedMs = performance.now();
    let isDone = false;
    try {
      await work();
      isDone = true;
    } finally {
      const spentMs = performance.now() - startedMs;
      if (!isDone || spentMs > this.#targetMs) this.#size = Math.max(1, Math.floor(this.#size / 2));
      else if (spentMs < this.#targetMs / 3) this.#size = Math.min(this.#max, this.#size * 2);
    }
  }
}
