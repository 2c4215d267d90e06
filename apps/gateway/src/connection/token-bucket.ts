// Limits a rate with a burst: a bucket of tokens that fills steadily and is emptied by use.

export class TokenBucket {
  readonly #perMs: number;
  readonly #max: number;
  #tokens: number;
  #atMs: number;

  constructor(options: { perSecond: number; burstMax: number; nowMs: number }) {
    this.#perMs = options.perSecond / 1000;
    this.#max = options.burstMax;
    this.#tokens = options.burstMax;
    this.#atMs = options.nowMs;
  }

  /** False, and nothing taken, when the bucket is empty. `nowMs`: monotonic. */
  take(nowMs: number): boolean {
    this.#tokens = Math.min(this.#max, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
