// The questions the HTTP API asks of entities, with their answers unwrapped.
import { inParallel } from '@parley/std';
import type { parley } from '@parley/protocol';
import type { EntityAddress } from '@parley/std';
import type { Identity } from '../auth/token-verifier.ts';
import type { QueryAnswer, QueryBody } from '../query/entity-query.ts';
import { type OwnView, ownViewsOf } from '../sync/own-view.ts';
import { ApiError, valueOf } from './api-error.ts';
import type { HttpPorts } from './http-ports.ts';

type Asking = Pick<HttpPorts, 'queries' | 'settings'>;

/** The account; undefined when there is no such user. `from`: whether their messages are refused is answered too. */
export async function accountOf(
  ports: Asking,
  { tenant, user }: Identity,
  from = '',
): Promise<parley.internal.v1.AccountAnswer | undefined> {
  const result = await ports.queries.ask({ type: 'user', tenant, id: user }, { account: { from } });
  if (!result.ok && result.error === 'USER_NOT_FOUND') return undefined;
  const account = bodyOf(valueOf(result), 'account');
  return account.exists ? (account as parley.internal.v1.AccountAnswer) : undefined;
}

/** What the asker has deleted for themself. */
export async function mustOwnViews(ports: Asking, asker: Identity): Promise<readonly OwnView[]> {
  const views = await ownViewsOf(ports.queries, asker);
  if (!views.ok) throw new ApiError(views.error);
  return views.value;
}

/** USER_NOT_FOUND, naming them, when any of `users` has no account. */
export async function mustExist(ports: Asking, tenant: string, users: readonly string[]): Promise<void> {
  await accountsOf(ports, tenant, users);
}

/**
 * For those who are to become members: also LIMIT_REACHED when one of them is in as many groups as the tenant allows. What
 * happens at the same moment elsewhere is not seen, so a few more are possible.
 */
export async function mustHaveRoom(ports: Asking, tenant: string, users: readonly string[]): Promise<void> {
  const { groupsPerUserMax } = ports.settings.groupLimits(tenant);
  const accounts = await accountsOf(ports, tenant, users);
  const full = users.filter((user) => (accounts.get(user)?.groupCount ?? 0) >= groupsPerUserMax);
  if (full.length > 0)
    throw new ApiError(
      'LIMIT_REACHED',
      `In ${groupsPerUserMax} groups already: ${full.slice(0, namedMax).join(', ')}`,
    );
}

async function accountsOf(
  ports: Asking,
  tenant: string,
  users: readonly string[],
): Promise<ReadonlyMap<string, parley.internal.v1.AccountAnswer>> {
  const distinct = [...new Set(users)];
  const accounts = await inParallel(distinct, ports.settings.limits.questionsAtOnceMax, (user) =>
    accountOf(ports, { tenant, user }),
  );
  const missing = distinct.filter((_, index) => accounts[index] === undefined);
  if (missing.length === 0)
    return new Map(distinct.flatMap((user, index) => (accounts[index] ? [[user, accounts[index]]] : [])));
  const named = missing.slice(0, namedMax).join(', ');
  const more = missing.length > namedMax ? ` and ${missing.length - namedMax} more` : '';
  throw new ApiError('USER_NOT_FOUND', `No such user: ${named}${more}`);
}

/** Missing users an error names. */
const namedMax = 20;

export async function ask<Name extends AnswerName>(
  ports: Asking,
  address: EntityAddress,
  query: QueryBody,
  answer: Name,
): Promise<NonNullable<QueryAnswer[Name]>> {
  return bodyOf(valueOf(await ports.queries.ask(address, query)), answer);
}

type AnswerName =
  'account' | 'relations' | 'readers' | 'members' | 'group' | 'groupList' | 'conversations' | 'head' | 'log';

function bodyOf<Name extends AnswerName>(answer: QueryAnswer, name: Name): NonNullable<QueryAnswer[Name]> {
  const body = answer[name];
  // An owner of another version, or a bug: nothing the client can do anything about.
  if (body === null || body === undefined) throw new ApiError('INTERNAL');
  return body;
}
