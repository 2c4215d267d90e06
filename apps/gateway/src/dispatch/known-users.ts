// Whether a user exists, asked once and remembered when the answer is yes: accounts are never deleted. Questions about one
// user are joined, and their askers go on in the order they came.
import type { ErrorName } from '@parley/protocol';
import { type Result, ok } from '@parley/std';
import { LRUCache } from 'lru-cache';
import type { EntityQuery } from '../query/entity-query.ts';

export class KnownUsers {
  readonly #queries: EntityQuery;
  readonly #known: LRUCache<string, true>;
  readonly #asking = new Map<string, Promise<Result<boolean, ErrorName>>>();

  constructor(queries: EntityQuery, knownUsersMax: number) {
    this.#queries = queries;
    this.#known = new LRUCache({ max: knownUsersMax });
  }

  has(tenant: string, user: string): boolean {
    return this.#known.has(`${tenant}/${user}`);
  }

  add(tenant: string, user: string): void {
    this.#known.set(`${tenant}/${user}`, true);
  }

  exists(tenant: string, user: string): Promise<Result<boolean, ErrorName>> {
    const key = `${tenant}/${user}`;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(tenant, user).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  async #ask(tenant: string, user: string): Promise<Result<boolean, ErrorName>> {
    const answer = await this.#queries.ask({ type: 'user', tenant, id: user }, { account: {} });
    if (!answer.ok) return answer.error === 'USER_NOT_FOUND' ? ok(false) : answer;
    const exists = answer.value.account?.exists ?? false;
    if (exists) this.add(tenant, user);
    return ok(exists);
  }
}
