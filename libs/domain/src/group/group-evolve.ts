// How the facts of a group change its state.
import { assertNever } from '@parley/std';
import { appendToLog } from '../conversation/conversation-log.ts';
import { applyMark } from '../conversation/mark-message.ts';
import { endSpan } from './ended-spans.ts';
import { type GroupEvent, groupLogMessage } from './group-event.ts';
import type { GroupState } from './group-state.ts';
import { Role } from './role.ts';

export function evolveGroup(state: GroupState, event: GroupEvent): GroupState {
  const element = groupLogMessage(event, state.log.conversation);
  if (element !== undefined) appendToLog(state.log, element);
  switch (event.type) {
    case 'MessagePosted':
    case 'MessageEdited':
    case 'MessageRecalled':
      return state;
    case 'MessageReacted':
    case 'MessagePinned':
    case 'MessageUnpinned':
      applyMark(state.log, event);
      return state;
    case 'GroupCreated':
      state.title = event.title;
      state.policy = event.policy;
      addMembers(state, event.members, event.sequence);
      setRole(state, event.by, Role.OWNER);
      return state;
    case 'MembersAdded':
      addMembers(state, event.members, event.sequence);
      return state;
    case 'MemberRemoved':
    case 'MemberLeft':
      endMembership(state, event.member, event.sequence);
      return state;
    case 'GroupDismissed':
      state.isDismissed = true;
      return state;
    case 'DiffusionChanged':
      state.diffusion = event.diffusion;
      state.diffusionSince = event.sequence;
      return state;
    case 'RoleChanged':
      setRole(state, event.member, event.role);
      return state;
    case 'MemberMuted': {
      const member = state.members.get(event.member);
      if (member !== undefined) member.mutedUntilMs = event.mutedUntilMs;
      return state;
    }
    default:
      return assertNever(event, 'evolveGroup');
  }
}

function addMembers(state: GroupState, users: readonly string[], joined: number): void {
  for (const user of users) {
    if (!state.members.has(user)) state.members.add({ user, role: Role.MEMBER, joined, mutedUntilMs: 0 });
  }
}

/** The one who goes still sees the message that says so. */
function endMembership(state: GroupState, user: string, sequence: number): void {
  const member = state.members.get(user);
  if (member === undefined) return;
  state.members.remove(user);
  endSpan(state.endedSpans, user, { from: member.joined, to: sequence }, state.limits);
}

function setRole(state: GroupState, user: string, role: Role): void {
  const member = state.members.get(user);
  if (member !== undefined) member.role = role;
}
