// At most so many things at once; the rest waits in order.

export class Gate {
  #free: number;
  readonly #size: number;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#size = size;
    this.#free = size;
  }

  /** Resolves when there is room; every `enter` is followed by one `leave`. */
  enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }

  /** Starts `work` when there is room, and does not wait for its end. */
  async start(work: () => Promise<void>): Promise<void> {
    await this.enter();
    void work().finally(() => this.leave());
  }

  /** Resolves when everything started has ended. */
  async drain(): Promise<void> {
    for (let i = 0; i < this.#size; i++) await this.enter();
    for (let i = 0; i < this.#size; i++) this.leave();
  }
}
