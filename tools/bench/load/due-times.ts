// Actions at moments of the machine's clock, in the order of those moments.
import { nowUs } from '../monotonic.ts';

export class DueTimes {
  readonly #due: { readonly us: number; readonly action: () => void }[] = [];
  readonly #timers: NodeJS.Timeout[] = [];

  at(us: number, action: () => void): void {
    const later = this.#due.findIndex((one) => one.us > us);
    this.#due.splice(later < 0 ? this.#due.length : later, 0, { us, action });
    // Timers count whole milliseconds, and may be one early: without the extra one nothing might look again.
    const delayMs = Math.max(0, Math.ceil((us - nowUs()) / 1_000)) + 1;
    this.#timers.push(setTimeout(() => this.pass(nowUs()), delayMs));
  }

  /**
   * With thousands of readable sockets the event loop does not come to its timers for seconds, so arrivals look at the
   * clock too: without that a window would be counted as longer than it was.
   */
  pass(now: number): void {
    while (this.#due.length > 0 && this.#due[0]!.us <= now) this.#due.shift()!.action();
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#due.length = 0;
  }
}
