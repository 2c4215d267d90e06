// Finds users of a tenant by the beginning of their handle, upper or lower case. An index, not the truth: who is not in it
// has not been here since it was last lost.
import type { Result } from '@parley/std';

export interface UserDirectory {
  /** The user is found from now on. May be repeated. */
  add(tenant: string, user: string): Promise<Result<void, DirectoryError>>;
  /** Ids that begin with `prefix`, behind the id `after` (empty: from the first), in the order of lower-case ids. */
  find(tenant: string, query: DirectoryQuery): Promise<Result<readonly string[], DirectoryError>>;
}

export interface DirectoryQuery {
  readonly prefix: string;
  readonly after: string;
  readonly limit: number;
}

export type DirectoryError = 'STORE_AWAY';

/** How a user stands in the index. No id has a colon. */
export const directoryEntry = (user: string): string => `${user.toLowerCase()}:${user}`;

export const userOfEntry = (entry: string): string => entry.slice(entry.indexOf(':') + 1);
