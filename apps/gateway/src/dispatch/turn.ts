// Work collected during one turn of the event loop and done once at its end: command batches, coalesced pushes.

export interface Flushable {
  flush(): void;
}

export class Turn {
  readonly #waiting = new Set<Flushable>();
  #isScheduled = false;

  /** `work.flush` runs at the end of this turn, once however often it was asked for. */
  atEnd(work: Flushable): void {
    this.#waiting.add(work);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#isScheduled = false;
    const work = [...this.#waiting];
    this.#waiting.clear();
    for (const each of work) each.flush();
  }
}
