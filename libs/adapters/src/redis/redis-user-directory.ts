// A user directory in Redis: one sorted set a tenant, all of one score, so that it is in the order of its entries; some 100
// bytes a user. Lost with Redis, and filled again as people come.
import { redisKeys } from '@parley/protocol';
import { type Result, err, ok } from '@parley/std';
import type { DirectoryError, DirectoryQuery, UserDirectory } from '../ports/user-directory.ts';
import { directoryEntry, userOfEntry } from '../ports/user-directory.ts';
import type { RedisLink } from './redis-link.ts';

export class RedisUserDirectory implements UserDirectory {
  readonly #link: RedisLink;

  constructor(link: RedisLink) {
    this.#link = link;
  }

  async add(tenant: string, user: string): Promise<Result<void, DirectoryError>> {
    const key = redisKeys.directory(tenant);
    const added = await this.#link.call((redis) => redis.zadd(key, 0, directoryEntry(user)));
    return added.ok ? ok(undefined) : away;
  }

  async find(
    tenant: string,
    { prefix, after, limit }: DirectoryQuery,
  ): Promise<Result<readonly string[], DirectoryError>> {
    const beginning = prefix.toLowerCase();
    const last = after === '' ? '' : directoryEntry(after);
    const from = last >= beginning && last !== '' ? `(${last}` : `[${beginning}`;
    // `~` sorts behind every character of an entry.
    const found = await this.#link.call((redis) =>
      redis.zrangebylex(redisKeys.directory(tenant), from, `(${beginning}~`, 'LIMIT', 0, limit),
    );
    return found.ok ? ok(found.value.map(userOfEntry)) : away;
  }
}

const away = err<DirectoryError>('STORE_AWAY');
