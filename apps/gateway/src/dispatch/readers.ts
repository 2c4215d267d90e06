// readers: who has read a message of a group, asked of the group.
import { type ErrorName, parseConversation, type parley } from '@parley/protocol';
import { type Result, err, ok } from '@parley/std';
import type { Identity } from '../auth/token-verifier.ts';
import type { EntityQuery } from '../query/entity-query.ts';

/** Errors: BAD_ID, BAD_REQUEST for a direct conversation, and those of the group. */
export async function readersOf(
  queries: EntityQuery,
  asker: Identity,
  query: parley.v1.Readers.$Properties,
): Promise<Result<{ readonly readersPage: parley.v1.ReadersPage.$Properties }, ErrorName>> {
  const { conversation = '', sequence = 0, after = '', limit = 0 } = query;
  const group = parseConversation(conversation ?? '');
  if (group === undefined) return err('BAD_ID');
  if (group.type !== 'group') return err('BAD_REQUEST');
  const readers = { reader: asker.user, sequence, after, limit };
  const answer = await queries.ask({ type: 'group', tenant: asker.tenant, id: group.id }, { readers });
  if (!answer.ok) return answer;
  const { count, memberCount, users, more } = answer.value.readers ?? {};
  return ok({ readersPage: { conversation, sequence, count, memberCount, users: users ?? [], more } });
}
