// How people become members who are not added: by an invite's code, by a request that owner and admins approve, or just so
// where the group is open.
import { type Decision, type Refused, accepted, assertNever, refused } from '@parley/std';
import { done, nothingToDo, pending } from '../conversation/done.ts';
import type { AnswerJoinRequest, CreateInvite, JoinGroup, RevokeInvite } from './group-command.ts';
import type { GroupEvent } from './group-event.ts';
import { type GroupDecision, facts } from './group-facts.ts';
import { refusalOf } from './group-rights.ts';
import { Joining } from './group-settings.ts';
import type { GroupState } from './group-state.ts';
import { switchFor } from './group-switch.ts';
import { isUsable } from './invites.ts';
import { membersAdded } from './new-members.ts';

export type JoinCommand = CreateInvite | RevokeInvite | JoinGroup | AnswerJoinRequest;

export function decideJoining(state: GroupState, command: JoinCommand, nowMs: number): GroupDecision {
  switch (command.type) {
    case 'CreateInvite':
      return decideInvite(state, command, nowMs);
    case 'RevokeInvite':
      return decideRevoke(state, command, nowMs);
    case 'JoinGroup':
      return decideJoin(state, command, nowMs);
    case 'AnswerJoinRequest':
      return decideAnswer(state, command, nowMs);
    default:
      return assertNever(command, 'decideJoining');
  }
}

function decideInvite(state: GroupState, command: CreateInvite, nowMs: number): GroupDecision {
  const { by, id, code, expiresAtMs, usesMax } = command;
  const refusal = refusalOf(state, by, 'invite');
  if (refusal !== undefined) return refusal;
  const known = state.invites?.get(id);
  if (known !== undefined) return known.code === code ? nothingToDo : refused('ALREADY_EXISTS');
  if (id === '' || code === '') return refused('BAD_REQUEST', 'An invite needs an id and a code.');
  if (expiresAtMs !== 0 && expiresAtMs <= nowMs)
    return refused('BAD_REQUEST', 'The invite would be expired already.');
  const { invitesMax } = state.limits;
  const usable = [...(state.invites?.values() ?? [])].filter((one) => isUsable(one, nowMs));
  if (usable.length >= invitesMax)
    return refused('LIMIT_REACHED', `A group has at most ${invitesMax} invites.`);
  return silent({ type: 'InviteCreated', by, atMs: nowMs, id, code, expiresAtMs, usesMax });
}

function decideRevoke(state: GroupState, { by, id }: RevokeInvite, nowMs: number): GroupDecision {
  const refusal = refusalOf(state, by, 'invite');
  if (refusal !== undefined) return refusal;
  if (state.invites?.has(id) !== true) return nothingToDo;
  return silent({ type: 'InviteRevoked', by, atMs: nowMs, id });
}

function decideJoin(state: GroupState, command: JoinGroup, nowMs: number): GroupDecision {
  const { user, code } = command;
  if (state.members.has(user)) return nothingToDo;
  if (state.bans?.has(user) === true) return refused('BANNED');
  if (code === '' && state.settings.joining !== Joining.OPEN) return decideRequest(state, command, nowMs);
  const invite = [...(state.invites?.values() ?? [])].find((one) => one.code === code);
  if (code !== '' && (invite === undefined || !isUsable(invite, nowMs))) return refused('INVITE_INVALID');
  const full = refusalOfFull(state);
  if (full !== undefined) return full;
  const joined = membersAdded(state, { by: user, members: [user], ...(invite && { invite: invite.id }) });
  return facts(state, nowMs, [joined, ...switchFor(state, state.members.size + 1)]);
}

/** Asking again while nobody has answered changes nothing. */
function decideRequest(state: GroupState, { user, message }: JoinGroup, nowMs: number): GroupDecision {
  if (state.settings.joining !== Joining.REQUEST)
    return refused('FORBIDDEN', 'This group takes only those who are added or invited.');
  const { requestsMax, requestLengthMax } = state.limits;
  if (message.length > requestLengthMax) return refused('BAD_REQUEST', 'The message is too long.');
  if (state.requests?.has(user) === true) return accepted([], pending);
  if ((state.requests?.size ?? 0) >= requestsMax)
    return refused('LIMIT_REACHED', `${requestsMax} requests wait for an answer.`);
  const requested = facts(state, nowMs, [{ type: 'JoinRequested', user, message }]);
  return requested.accepted ? { ...requested, reply: pending } : requested;
}

function decideAnswer(state: GroupState, command: AnswerJoinRequest, nowMs: number): GroupDecision {
  const { by, user, isApproved } = command;
  const refusal = refusalOf(state, by, 'answerRequests');
  if (refusal !== undefined) return refusal;
  if (isApproved && state.members.has(user)) return nothingToDo;
  if (state.requests?.has(user) !== true) return refused('REQUEST_NOT_FOUND');
  if (!isApproved) return silent({ type: 'JoinRefused', by, atMs: nowMs, user });
  const full = refusalOfFull(state);
  if (full !== undefined) return full;
  const joined = membersAdded(state, { by, members: [user] });
  return facts(state, nowMs, [joined, ...switchFor(state, state.members.size + 1)]);
}

const refusalOfFull = (state: GroupState): Refused | undefined =>
  state.members.size >= state.policy.membersMax ? refused('GROUP_FULL') : undefined;

/** A fact that takes no sequence: it is nobody's but owner's and admins'. */
const silent = (event: GroupEvent): Decision<GroupEvent, typeof done> => accepted([event], done);
