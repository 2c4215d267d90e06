// What a person's inbox was at a moment of the past: its entries, the conversations with their read pointers, the account.
import type { ClickHouse } from '@parley/adapters';
import { type UserState, inboxPage, userConversations } from '@parley/domain';
import { idPattern, internal, type parley, queryAnswer, toWireConversation } from '@parley/protocol';
import { BadRequest } from '../reading/bad-request.ts';
import { type EventLimits, entityEvents } from './entity-events.ts';
import { foldUser } from './fold.ts';
import { boundOf, pageOf, timeOf } from './moment.ts';

type Query = parley.internal.v1.InboxAsOfQuery;

const entriesDefault = 100;
export const entriesMax = 1_000;
const conversationsMax = 1_000;

/** Throws BadRequest: USER_NOT_FOUND when there was none then, SEQUENCE_FROM_FUTURE, TOO_MANY_EVENTS. */
export async function inboxAsOf(
  clickHouse: ClickHouse,
  tenant: string,
  query: Query,
  limits?: EventLimits,
): Promise<parley.internal.v1.InboxAsOf> {
  const { user } = query;
  if (!idPattern.test(user)) throw new BadRequest('BAD_ID', 'the user is not valid');
  const address = { type: 'user', tenant, id: user };
  const events = entityEvents(clickHouse, address, { untilMs: timeOf(query.atMs) }, limits);
  const { state, atMs } = await foldUser(events, address, boundOf(query.position));
  if (atMs === 0) throw new BadRequest('USER_NOT_FOUND', 'there was no such user');
  if (query.position > state.inbox.last || query.after > state.inbox.last)
    throw new BadRequest('SEQUENCE_FROM_FUTURE', `the inbox had come to position ${state.inbox.last}`);
  const { account } = state;
  return internal.InboxAsOf.create({
    user,
    handle: account?.handle ?? '',
    displayName: account?.displayName ?? '',
    registeredAtMs: account?.atMs ?? 0,
    position: state.inbox.last,
    first: state.inbox.first,
    ...entriesOf(state, query),
    ...conversationsOf(state, query.conversationsAfter),
  });
}

/** What has fallen out of the window is not there: the page begins where the window did. */
function entriesOf(state: UserState, query: Query): parley.internal.v1.IInboxAsOf {
  const after = Math.max(query.after, state.inbox.first - 1);
  const limit = pageOf(query.limit, entriesDefault, entriesMax);
  const page = inboxPage(state, { after, limit });
  if (!page.ok) return {};
  const { inbox } = internal.QueryAnswer.decode(queryAnswer.inbox(page.value));
  return { entries: inbox?.entries ?? [], more: after + page.value.entries.length < state.inbox.last };
}

function conversationsOf(state: UserState, after: string): parley.internal.v1.IInboxAsOf {
  const rest = userConversations(state)
    .filter(({ conversation }) => conversation > after)
    .toSorted((one, other) => (one.conversation < other.conversation ? -1 : 1));
  const page = rest.slice(0, conversationsMax);
  return {
    conversations: page.map(toWireConversation),
    nextConversations: rest.length > page.length ? (page.at(-1)?.conversation ?? '') : '',
  };
}
