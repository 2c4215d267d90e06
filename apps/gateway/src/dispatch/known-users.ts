// Who may begin to write to whom: whether the other user exists, and takes messages of everyone, asked once and remembered
// for a while. Of those with a rule the answer is about one sender. What a conversation that has begun refuses, it knows
// itself; here only the first message is held up. Questions about one pair are joined, and their askers go on in the order
// they came.
import { type ErrorName, internal, type parley } from '@parley/protocol';
import { type Result, err, ok } from '@parley/std';
import { LRUCache } from 'lru-cache';
import type { EntityQuery } from '../query/entity-query.ts';

export interface KnownUsersLimits {
  /** Users, and pairs of users where there is a rule, that are remembered. Beyond it the longest unused is asked for again. */
  readonly knownUsersMax: number;
  /** How long, milliseconds: a new rule holds for strangers everywhere after this. */
  readonly knownUsersTtlMs: number;
}

type Account = parley.internal.v1.AccountAnswer.$Properties;
/** Errors: USER_NOT_FOUND, NOT_ACCEPTED, and those of a question. */
type Answer = Result<void, ErrorName>;

const { Refusal } = internal;
const everyone = 0;

export class KnownUsers {
  readonly #queries: EntityQuery;
  readonly #known: LRUCache<string, true>;
  readonly #asking = new Map<string, Promise<Answer>>();

  constructor(queries: EntityQuery, { knownUsersMax, knownUsersTtlMs }: KnownUsersLimits) {
    this.#queries = queries;
    this.#known = new LRUCache({ max: knownUsersMax, ttl: knownUsersTtlMs });
  }

  /** Whether `from` is known to be free to write to the user. */
  has(tenant: string, user: string, from: string): boolean {
    return this.#known.has(`${tenant}/${user}`) || this.#known.has(`${tenant}/${user}/${from}`);
  }

  /** The user exists, and everyone may write to them. */
  add(tenant: string, user: string): void {
    this.#known.set(`${tenant}/${user}`, true);
  }

  mayWrite(tenant: string, user: string, from: string): Promise<Answer> {
    const key = `${tenant}/${user}/${from}`;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(tenant, user, from).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  async #ask(tenant: string, user: string, from: string): Promise<Answer> {
    const answer = await this.#queries.ask({ type: 'user', tenant, id: user }, { account: { from } });
    if (!answer.ok) return answer;
    const account = answer.value.account;
    if (!account?.exists) return err('USER_NOT_FOUND');
    if ((account.whoMayWrite ?? everyone) === everyone) {
      this.add(tenant, user);
      return ok(undefined);
    }
    // A block is decided by the conversation, which also knows repeated messages.
    if (account.refusal === Refusal.REFUSAL_NOT_ACCEPTED) {
      const shared = await this.#haveSharedGroup(tenant, from, account);
      if (!shared.ok) return shared;
      if (!shared.value) return err('NOT_ACCEPTED');
    }
    this.#known.set(`${tenant}/${user}/${from}`, true);
    return ok(undefined);
  }

  /** The receiver's groups came with the account; the sender's are in the sender's own list: no group is asked. */
  async #haveSharedGroup(
    tenant: string,
    from: string,
    { groups }: Account,
  ): Promise<Result<boolean, ErrorName>> {
    if (groups == null || groups.length === 0) return ok(false);
    const answer = await this.#queries.ask({ type: 'user', tenant, id: from }, { conversations: {} });
    if (!answer.ok) return answer;
    const theirs = new Set(groups);
    const own = answer.value.conversations?.conversations ?? [];
    return ok(own.some(({ conversation, left }) => !left && theirs.has(conversation ?? '')));
  }
}
