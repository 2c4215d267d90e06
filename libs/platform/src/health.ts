// Whether this process lives and is ready: named checks, each with a time limit. Live = the event loop answers;
// ready = every check passes.

/** A check passes when it returns or resolves; it fails by throwing, with a message for the operator. */
export type HealthCheck = () => void | Promise<void>;

export interface HealthReport {
  readonly isReady: boolean;
  readonly checks: readonly { readonly name: string; readonly isOk: boolean; readonly problem?: string }[];
}

/** A check that has not answered after this long has failed. */
const checkLimitMs = 2_000;

export class Health {
  readonly #checks = new Map<string, HealthCheck>();
  readonly #checkLimitMs: number;

  constructor(options: { readonly checkLimitMs?: number } = {}) {
    this.#checkLimitMs = options.checkLimitMs ?? checkLimitMs;
  }

  /** Adds or replaces the check of that name. */
  add(name: string, check: HealthCheck): void {
    this.#checks.set(name, check);
  }

  async report(): Promise<HealthReport> {
    const checks = await Promise.all([...this.#checks].map(([name, check]) => this.#run(name, check)));
    return { isReady: checks.every((check) => check.isOk), checks };
  }

  async #run(name: string, check: HealthCheck): Promise<HealthReport['checks'][number]> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`no answer within ${this.#checkLimitMs} ms`)),
        this.#checkLimitMs,
      );
    });
    try {
      await Promise.race([(async () => check())(), limit]);
      return { name, isOk: true };
    } catch (error) {
      return { name, isOk: false, problem: error instanceof Error ? error.message : String(error) };
    } finally {
      clearTimeout(timer);
    }
  }
}
