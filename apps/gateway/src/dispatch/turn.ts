// Work collected during one turn of the event loop and done once at its end: command batches, coalesced pushes.

export interface Flushable {
  /** Does nothing when nothing waits. */
  flush(): void;
}

export class Turn {
  #waiting: Flushable[] = [];

  /** `work.flush` runs at the end of this turn. Call it when the first thing begins to wait, not for each. */
  atEnd(work: Flushable): void {
    if (this.#waiting.push(work) === 1) setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const work = this.#waiting;
    this.#waiting = [];
    for (const each of work) each.flush();
  };
}
