// Notices processes that end though nobody has told them to: what is measured from then on means nothing.
import type { ProcessExit } from '@parley/testing/servers';

export class Deaths {
  /** Rejects at the first. */
  readonly first: Promise<never>;
  readonly #expected = new Set<Promise<ProcessExit>>();
  #tell: (error: Error) => void = () => undefined;
  #isOver = false;

  constructor() {
    this.first = new Promise((_resolve, reject) => (this.#tell = reject));
    // Whoever cares listens; a run that is over has nobody who does.
    this.first.catch(() => undefined);
  }

  watch(name: string, exited: Promise<ProcessExit>): void {
    void exited.then(({ code, signal }) => {
      if (this.#isOver || this.#expected.has(exited)) return;
      const how = signal === null ? `exit status ${code}` : `killed by ${signal}`;
      this.#tell(new Error(`${name} ended in the middle of the run (${how}); what it said is above`));
    });
  }

  /** This end is meant. */
  expect(exited: Promise<ProcessExit>): void {
    this.#expected.add(exited);
  }

  /** From now on everything may end. */
  stop(): void {
    this.#isOver = true;
  }
}
