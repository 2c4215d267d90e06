// What a conversation was at a moment of the past: its members with their roles and mutes, its title and settings; of a
// direct conversation, how far each had read.
import type { ClickHouse } from '@parley/adapters';
import type { DirectState, GroupState } from '@parley/domain';
import { internal, type parley } from '@parley/protocol';
import { BadRequest } from '../reading/bad-request.ts';
import { deletedBeforeMs } from '../retention/policies.ts';
import { type EventLimits, entityEvents } from './entity-events.ts';
import { foldConversation } from './fold.ts';
import { boundOf, mustBeStored, pageOf, timeOf } from './moment.ts';
import { entityOf, firstKeptOf, storedLog } from './stored-log.ts';

type Query = parley.internal.v1.ConversationAsOfQuery;
type Answer = parley.internal.v1.ConversationAsOf;

const membersDefault = 100;
export const membersMax = 1_000;

/** Throws BadRequest: CONVERSATION_NOT_FOUND when there was none then, SEQUENCE_FROM_FUTURE, EVENTS_MISSING, TOO_MANY_EVENTS. */
export async function conversationAsOf(
  clickHouse: ClickHouse,
  tenant: string,
  query: Query,
  limits?: EventLimits,
): Promise<Answer> {
  const { conversation } = query;
  const address = entityOf(tenant, conversation);
  const untilMs = timeOf(query.atMs);
  const stored = await storedLog(clickHouse, { tenant, conversation });
  mustBeStored(query.sequence, stored.through);
  const bounds = { through: boundOf(query.sequence), firstKept: stored.firstKept };
  const events = entityEvents(clickHouse, address, { untilMs }, limits);
  const { state, atMs } = await foldConversation(events, address, bounds);
  if (untilMs === 0 || untilMs >= (await deletedBeforeMs(clickHouse, tenant)))
    state.log.head = Math.max(state.log.head, Math.min(stored.firstKept - 1, bounds.through));
  if (state.log.head === 0) throw new BadRequest('CONVERSATION_NOT_FOUND', 'there was no such conversation');
  return internal.ConversationAsOf.create({
    conversation,
    head: state.log.head,
    headAtMs: atMs,
    completeThrough: stored.through,
    firstKept: firstKeptOf(stored),
    ...('members' in state ? groupPart(state, query) : directPart(state)),
  });
}

function groupPart(state: GroupState, query: Query): parley.internal.v1.IConversationAsOf {
  const limit = pageOf(query.limit, membersDefault, membersMax);
  const found = state.members.page(query.membersAfter, limit + 1);
  const members = found.slice(0, limit);
  const { title, diffusion, diffusionSince, isDismissed, policy } = state;
  return {
    ...{ title, diffusion, diffusionSince, isDismissed, policy },
    memberCount: state.members.size,
    members: members.map((member) => ({ ...member })),
    nextMembers: found.length > limit ? (members.at(-1)?.user ?? '') : '',
  };
}

function directPart({
  users,
  first,
  readByFirst,
  readBySecond,
}: DirectState): parley.internal.v1.IConversationAsOf {
  return {
    memberCount: users.length,
    readPointers: users.map((user) => ({ user, sequence: user === first ? readByFirst : readBySecond })),
  };
}
