// Passwords as argon2id hashes, computed off the event loop. Bounded: a flood of log-ins waits, then gets BUSY, and
// never fills the memory. A user who does not exist costs the same time as a wrong password.
import { hash, verify } from '@node-rs/argon2';
import type { ErrorName } from '@parley/protocol';
import type { Result } from '@parley/std';
import { err, ok } from '@parley/std';
import type { AuthLimits } from './auth-limits.ts';
import { argon2Parameters, authLimits } from './auth-limits.ts';

export interface Argon2Parameters {
  readonly argon2MemoryKib: number;
  readonly argon2Passes: number;
  readonly argon2Lanes: number;
}

// argon2id; the library's `const enum` has no value at run time.
const algorithmArgon2id = 2;

export class PasswordHasher {
  readonly #parameters: Argon2Parameters;
  readonly #atOnceMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #dummyHash: Promise<string> | undefined;

  constructor(
    limits: Pick<AuthLimits, 'hashesAtOnceMax' | 'hashesWaitingMax'> = authLimits,
    parameters: Argon2Parameters = argon2Parameters,
  ) {
    this.#parameters = parameters;
    this.#atOnceMax = limits.hashesAtOnceMax;
    this.#waitingMax = limits.hashesWaitingMax;
  }

  /** BUSY when too many are waiting. */
  hash(password: string): Promise<Result<string, ErrorName>> {
    return this.#bounded(() => hash(password, this.#options()));
  }

  /**
   * Whether `password` belongs to `passwordHash`; with an empty hash (no such user, or one without a password) false,
   * after the same work. BUSY when too many are waiting.
   */
  verify(passwordHash: string, password: string): Promise<Result<boolean, ErrorName>> {
    return this.#bounded(async () => {
      const isKnown = passwordHash.startsWith('$argon2');
      const isRight = await verify(isKnown ? passwordHash : await this.#dummy(), password);
      return isKnown && isRight;
    });
  }

  #dummy(): Promise<string> {
    this.#dummyHash ??= hash('nobody has this password', this.#options());
    return this.#dummyHash;
  }

  #options() {
    return {
      algorithm: algorithmArgon2id,
      memoryCost: this.#parameters.argon2MemoryKib,
      timeCost: this.#parameters.argon2Passes,
      parallelism: this.#parameters.argon2Lanes,
    };
  }

  async #bounded<T>(work: () => Promise<T>): Promise<Result<T, ErrorName>> {
    if (this.#running >= this.#atOnceMax) {
      if (this.#waiting.length >= this.#waitingMax) return err('BUSY');
      // The one who finishes hands its place over, so `#running` stays as it is.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return ok(await work());
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
