// A user directory in this process: the twin of RedisUserDirectory.
import { type Result, ok } from '@parley/std';
import type { DirectoryError, DirectoryQuery, UserDirectory } from '../ports/user-directory.ts';
import { directoryEntry, userOfEntry } from '../ports/user-directory.ts';

export class MemoryUserDirectory implements UserDirectory {
  readonly #entries = new Map<string, Set<string>>();

  add(tenant: string, user: string): Promise<Result<void, DirectoryError>> {
    const entries = this.#entries.get(tenant) ?? new Set<string>();
    this.#entries.set(tenant, entries.add(directoryEntry(user)));
    return Promise.resolve(ok(undefined));
  }

  find(
    tenant: string,
    { prefix, after, limit }: DirectoryQuery,
  ): Promise<Result<readonly string[], DirectoryError>> {
    const from = after === '' ? '' : directoryEntry(after);
    const found = [...(this.#entries.get(tenant) ?? [])]
      .filter((entry) => entry.startsWith(prefix.toLowerCase()) && entry > from)
      .sort((one, other) => (one < other ? -1 : 1))
      .slice(0, limit);
    return Promise.resolve(ok(found.map(userOfEntry)));
  }
}
