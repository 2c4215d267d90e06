// Shares a few connections, each good for one thing at a time, among callers, with a bound on how many may wait.
import { ClickHouseUnavailable } from './clickhouse.ts';

export class BoundedLane<Connection> {
  readonly all: readonly Connection[];
  readonly #waitingMax: number;
  readonly #free: Connection[];
  readonly #waiting: ((connection: Connection) => void)[] = [];
  #whenIdle: (() => void) | undefined;
  #isClosed = false;

  constructor(connections: readonly Connection[], waitingMax: number) {
    this.all = connections;
    this.#free = [...connections];
    this.#waitingMax = waitingMax;
  }

  /** Rejects with ClickHouseUnavailable when too many wait already, or after close. */
  async run<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#take();
    try {
      return await work(connection);
    } finally {
      this.#give(connection);
    }
  }

  /** The same for work that hands out what it has piece by piece. */
  async *stream<T>(work: (connection: Connection) => AsyncIterable<T>): AsyncGenerator<T, void> {
    const connection = await this.#take();
    try {
      yield* work(connection);
    } finally {
      this.#give(connection);
    }
  }

  /** Resolves when everything that was asked before has finished. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#free.length < this.all.length) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
  }

  #take(): Promise<Connection> {
    if (this.#isClosed)
      return Promise.reject(new ClickHouseUnavailable('the connection to ClickHouse is closed'));
    const free = this.#free.pop();
    if (free !== undefined) return Promise.resolve(free);
    if (this.#waiting.length >= this.#waitingMax) {
      return Promise.reject(new ClickHouseUnavailable(`more than ${this.#waitingMax} queries are waiting`));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next !== undefined) return next(connection);
    this.#free.push(connection);
    if (this.#free.length === this.all.length) this.#whenIdle?.();
  }
}
