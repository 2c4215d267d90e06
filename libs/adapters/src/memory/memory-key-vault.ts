// The twin of the key vault.
import type { WriteResult } from '@parley/runtime';
import type { KeyVault, VaultEntry } from '../ports/key-vault.ts';

export class MemoryKeyVault implements KeyVault {
  /** The newest last. */
  readonly #values = new Map<string, VaultEntry[]>();
  #revision = 0;
  /** Set: nothing is answered, as when the cluster is away. */
  isAway = false;

  get(name: string): Promise<VaultEntry | undefined> {
    return this.#answer(() => this.#values.get(name)?.at(-1));
  }

  write(name: string, value: Uint8Array, expectedRevision: number): Promise<WriteResult> {
    return this.#answer(() => {
      const values = this.#values.get(name) ?? [];
      if ((values.at(-1)?.revision ?? 0) !== expectedRevision) return { outcome: 'conflict' };
      const revision = ++this.#revision;
      this.#values.set(name, [...values, { value: new Uint8Array(value), revision }]);
      return { outcome: 'written', revision };
    });
  }

  eraseOlder(name: string): Promise<number> {
    return this.#answer(() => {
      const values = this.#values.get(name) ?? [];
      if (values.length > 0) this.#values.set(name, values.slice(-1));
      return Math.max(0, values.length - 1);
    });
  }

  olderValues(name: string): Promise<number> {
    return this.#answer(() => Math.max(0, (this.#values.get(name)?.length ?? 0) - 1));
  }

  names(prefix: string): Promise<readonly string[]> {
    return this.#answer(() => [...this.#values.keys()].filter((name) => name.startsWith(`${prefix}.`)));
  }

  #answer<T>(work: () => T): Promise<T> {
    return this.isAway ? Promise.reject(new Error('the vault is away')) : Promise.resolve(work());
  }
}
