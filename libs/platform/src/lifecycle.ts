// The life of an app process: start, say ready, wait for a reason to stop, stop in the reverse order of starting
// within a named grace period, exit. Under a supervisor (an IPC channel) its disappearance is such a reason, so that
// no process outlives the one that started it.
import type { Logger } from './logging.ts';

export interface Lifecycle {
  /** Registers what undoes a step of the start. Stopping runs these in reverse order, one after another. */
  onStop(step: string, stop: () => void | Promise<void>): void;
  /** Begins the ordered stop, e.g. when the process can no longer do its work. */
  stop(reason: string, exitCode?: number): void;
}

/** What an app tells its supervisor when it is ready, e.g. the ports it listens on. */
export type ReadyInfo = Readonly<Record<string, string | number>>;

/** The message over the IPC channel. */
export interface ReadyMessage {
  readonly type: 'ready';
  readonly info: ReadyInfo;
}

export interface AppOptions {
  readonly logger: Logger;
  /** Starts everything; ready when it resolves. */
  start(lifecycle: Lifecycle): Promise<ReadyInfo | void>;
  /** Stopping may take this long; then the process exits with what is left undone. Default 10 seconds. */
  readonly stopGraceMs?: number;
  /** The process, for tests. */
  readonly host?: LifecycleHost;
}

/** The part of `process` the lifecycle stands on. */
export interface LifecycleHost {
  on(event: 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'disconnect', listener: () => void): unknown;
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (reason: unknown) => void): unknown;
  exit(code: number): void;
  send?: ((message: ReadyMessage) => unknown) | undefined;
}

const defaultStopGraceMs = 10_000;
// One Ctrl-C can arrive twice (from the terminal and from npm): signals this close together are one.
const sameSignalMs = 500;

/** Runs an app until it is stopped. Call it once, as the last statement of main.ts; it never rejects. */
export async function runApp(options: AppOptions): Promise<void> {
  const { logger } = options;
  const host = options.host ?? (process as LifecycleHost);
  const app = new RunningApp(options, host);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) host.on(signal, () => app.signalled(signal));
  host.on('disconnect', () => app.stop('the supervisor is gone'));
  // The state after either is unknown: leave through the ordered stop, and be started again.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    host.on(event, (reason) => {
      logger.fatal({ err: reason }, `unexpected failure: ${event}`);
      app.stop(event, 1);
    });
  }
  try {
    const info = (await options.start(app)) ?? {};
    if (app.isStopping) return;
    logger.info({}, 'ready');
    host.send?.({ type: 'ready', info });
  } catch (error) {
    logger.fatal({ err: error, reason: messageOf(error) }, 'could not start');
    app.stop('could not start', 1);
  }
}

class RunningApp implements Lifecycle {
  isStopping = false;
  #signalledAt: number | undefined;
  readonly #steps: { readonly step: string; readonly stop: () => void | Promise<void> }[] = [];
  readonly #logger: Logger;
  readonly #host: LifecycleHost;
  readonly #stopGraceMs: number;

  constructor(options: AppOptions, host: LifecycleHost) {
    this.#logger = options.logger;
    this.#stopGraceMs = options.stopGraceMs ?? defaultStopGraceMs;
    this.#host = host;
  }

  onStop(step: string, stop: () => void | Promise<void>): void {
    this.#steps.push({ step, stop });
  }

  signalled(signal: string): void {
    const now = performance.now();
    this.#signalledAt ??= now;
    if (!this.isStopping) this.stop(signal);
    else if (now - this.#signalledAt > sameSignalMs) {
      this.#logger.warn({ signal }, 'second signal, leaving at once');
      this.#host.exit(1);
    }
  }

  stop(reason: string, exitCode = 0): void {
    if (this.isStopping) return;
    this.isStopping = true;
    this.#logger.info({ reason }, 'stopping');
    const grace = setTimeout(() => {
      this.#logger.error({ limitMs: this.#stopGraceMs }, 'stopping took too long, leaving');
      this.#host.exit(1);
    }, this.#stopGraceMs);
    void this.#runSteps().then((isClean) => {
      clearTimeout(grace);
      this.#logger.info({}, 'stopped');
      this.#host.exit(isClean ? exitCode : 1);
    });
  }

  async #runSteps(): Promise<boolean> {
    let isClean = true;
    for (const { step, stop } of this.#steps.reverse()) {
      try {
        await stop();
      } catch (error) {
        // The other steps still have something to save.
        isClean = false;
        this.#logger.error({ err: error, step }, 'a step of stopping failed');
      }
    }
    return isClean;
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
