// What happened lately in a run, for whoever has to understand a failing seed; and what must not have happened.

export interface Violation {
  /** `INV-3`, or another short name of what was broken. */
  readonly rule: string;
  readonly what: string;
  readonly atMs: number;
}

/** Lines kept; a run writes many more. */
const linesMax = 400;
/** Violations kept of one run: the first ones say it all. */
const violationsMax = 10;

export class Trace {
  readonly violations: Violation[] = [];
  readonly #nowMs: () => number;
  readonly #lines: string[] = [];
  #written = 0;
  /** The lines up to the first violation. */
  #frozen: readonly string[] | undefined;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  note(who: string, what: string): void {
    this.#lines[this.#written++ % linesMax] =
      `${this.#nowMs().toFixed(1).padStart(9)} ${who.padEnd(8)} ${what}`;
  }

  violate(rule: string, what: string): void {
    this.note('!!', `${rule} ${what}`);
    this.#frozen ??= this.lines();
    if (this.violations.length < violationsMax) this.violations.push({ rule, what, atMs: this.#nowMs() });
  }

  /** Oldest first; after a violation those up to it. */
  lines(): readonly string[] {
    if (this.#frozen !== undefined) return this.#frozen;
    if (this.#written <= linesMax) return this.#lines.slice();
    const start = this.#written % linesMax;
    return [...this.#lines.slice(start), ...this.#lines.slice(0, start)];
  }
}
