// Brings back what dies: the part of the cluster that `npm start` switches on.
import { describeExit } from './app-process.ts';

/** The first restart of a process that died comes after this; the pause doubles with each death in a row … */
const restartPauseFirstMs = 500;
/** … up to this. */
const restartPauseMaxMs = 30_000;
/** Deaths in a row from which on a process is called crash looping; it is still tried at the longest pause. */
const crashLoopDeaths = 5;
/** A process that lived this long starts counting its deaths anew. */
const stableAfterMs = 60_000;
/** What the death watch needs of a process. */
export interface Restartable {
  readonly label: string;
  /** False when somebody stopped it on purpose. */
  isWanted(): boolean;
  isRunning(): boolean;
  exited(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  start(): Promise<void>;
}

/** Starts a process again when it dies: at once at first, slower with each death in a row, for ever at the slowest pace. */
export class DeathWatch {
  readonly process: Restartable;
  readonly #log: (line: string) => void;
  #deathsInRow = 0;
  #timer: NodeJS.Timeout | undefined;
  #isFollowing = false;

  constructor(process: Restartable, log: (line: string) => void) {
    this.process = process;
    this.#log = log;
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  follow(isStopping: () => boolean): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    const startedAt = performance.now();
    void this.process.exited().then((exit) => {
      this.#isFollowing = false;
      if (isStopping() || !this.process.isWanted()) return;
      if (performance.now() - startedAt > stableAfterMs) this.#deathsInRow = 0;
      this.#again(`died (${describeExit(exit)})`, isStopping);
    });
  }

  #again(what: string, isStopping: () => boolean): void {
    this.#deathsInRow += 1;
    const pauseMs = Math.min(restartPauseFirstMs * 2 ** (this.#deathsInRow - 1), restartPauseMaxMs);
    this.#log(`${this.process.label} ${what}; starting it again in ${pauseMs / 1000} s`);
    if (this.#deathsInRow === crashLoopDeaths) {
      this.#log(
        `${this.process.label} failed ${crashLoopDeaths} times in a row: its log says why; still trying every ${restartPauseMaxMs / 1000} s`,
      );
    }
    this.#timer = setTimeout(() => {
      if (isStopping() || !this.process.isWanted()) return;
      if (this.process.isRunning()) return this.follow(isStopping); // somebody else was quicker
      this.process.start().then(
        () => {
          this.#log(`${this.process.label} is back`);
          this.follow(isStopping);
        },
        (error: Error) => {
          if (!isStopping()) this.#again(`did not start: ${error.message.split('\n')[0]}`, isStopping);
        },
      );
    }, pauseMs);
  }
}
