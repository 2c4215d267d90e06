// The rules of a group: who may write, who is in it and what its members are. Who may do what stands in
// group-rights.ts.
import { type DecideContext, type Decider, type Refused, refused } from '@parley/std';
import {
  type ChangeRights,
  type EditMessage,
  type RecallMessage,
  decideEdit,
  decideRecall,
} from '../conversation/change-message.ts';
import { Diffusion } from '../conversation/diffusion.ts';
import { nothingToDo } from '../conversation/done.ts';
import {
  type PinMessage,
  type ReactToMessage,
  decidePin,
  decideReact,
} from '../conversation/mark-message.ts';
import { type PostMessage, decideNewPost, repeatedPost } from '../conversation/post-message.ts';
import { isReadable } from '../conversation/span.ts';
import type { AddMembers, CreateGroup, GroupCommand, GroupReply, LeaveGroup } from './group-command.ts';
import type { DismissGroup, MuteMember, RemoveMember, SetRole } from './group-command.ts';
import { effectsOfGroup } from './group-effects.ts';
import type { GroupEvent } from './group-event.ts';
import { evolveGroup } from './group-evolve.ts';
import { type Fact, type GroupDecision, facts } from './group-facts.ts';
import { decideNoteReads } from './group-reads.ts';
import { type GroupLimits, groupLimits } from './group-limits.ts';
import { diffusionFor, groupPolicy, isValidPolicy } from './group-policy.ts';
import { mayDo, outranks, refusalOf } from './group-rights.ts';
import { groupSettings } from './group-settings.ts';
import { type GroupState, initialGroup, spansOf } from './group-state.ts';
import { switchFor, switchTo } from './group-switch.ts';
import { decideJoining } from './joining.ts';
import { decideManage } from './manage-group.ts';
import { membersAdded } from './new-members.ts';
import { Role } from './role.ts';
import { slowModeWaitMs } from './slow-mode.ts';

export const createGroupDecider = (
  limits: GroupLimits = groupLimits,
): Decider<GroupState, GroupCommand, GroupEvent, GroupReply> => ({
  initialState: (address) => initialGroup(address, limits),
  decide: decideGroup,
  evolve: evolveGroup,
  effectsOf: effectsOfGroup,
});

export const groupDecider = createGroupDecider();

function decideGroup(state: GroupState, command: GroupCommand, { nowMs }: DecideContext): GroupDecision {
  if (command.type === 'CreateGroup') return decideCreate(state, command, nowMs);
  if (state.log.head === 0) return refused('CONVERSATION_NOT_FOUND');
  if (command.type === 'PostMessage') return decidePost(state, command, nowMs);
  if (command.type === 'EditMessage' || command.type === 'RecallMessage')
    return decideChange(state, command, nowMs);
  if (command.type === 'ReactToMessage' || command.type === 'PinMessage')
    return decideMark(state, command, nowMs);
  if (command.type === 'NoteReads') return decideNoteReads(state, command);
  if (state.isDismissed) return isDoneAlready(state, command) ? nothingToDo : refused('GROUP_DISMISSED');
  switch (command.type) {
    case 'AddMembers':
      return decideAdd(state, command, nowMs);
    case 'RemoveMember':
      return decideRemove(state, command, nowMs);
    case 'LeaveGroup':
      return decideLeave(state, command, nowMs);
    case 'DismissGroup':
      return decideDismiss(state, command, nowMs);
    case 'SetRole':
      return decideSetRole(state, command, nowMs);
    case 'MuteMember':
      return decideMute(state, command, nowMs);
    case 'CreateInvite':
    case 'RevokeInvite':
    case 'JoinGroup':
    case 'AnswerJoinRequest':
      return decideJoining(state, command, nowMs);
    default:
      return decideManage(state, command, nowMs);
  }
}

function decidePost(state: GroupState, command: PostMessage, nowMs: number): GroupDecision {
  const repeated = repeatedPost(state.log, command);
  if (repeated !== undefined) return repeated;
  const refusal = refusalOfWriter(state, command.sender, nowMs) ?? refusalOfAll(state, command.sender, nowMs);
  if (refusal !== undefined) return refusal;
  if (command.rich === undefined) return decideNewPost(state.log, command, nowMs, canReadAll);
  if (command.rich.mentionsAll && !mayMentionAll(state, command.sender)) return refusedMentionAll;
  return decideNewPost(state.log, command, nowMs, readableBy(state, command.sender));
}

/** Who may not write may not change anything either, but whoever is muted may still take back what they wrote. */
function decideChange(state: GroupState, command: EditMessage | RecallMessage, nowMs: number): GroupDecision {
  const repeated = repeatedPost(state.log, command);
  if (repeated !== undefined) return repeated;
  const isRecall = command.type === 'RecallMessage';
  const refusal = refusalOfWriter(state, command.sender, isRecall ? Number.MAX_SAFE_INTEGER : nowMs);
  if (refusal !== undefined) return refusal;
  if (!isRecall && state.settings.muteAll && !mayDo(state, command.sender, 'writeAlways'))
    return refused('MUTED', 'All are muted in this group.');
  const rights = rightsOf(state, command);
  if (isRecall) return decideRecall(state.log, command, { nowMs, rights });
  if (command.mentionsAll && !mayMentionAll(state, command.sender)) return refusedMentionAll;
  return decideEdit(state.log, command, { nowMs, rights });
}

/** Who may write may put emojis on what they see; owner and admins pin. */
function decideMark(state: GroupState, command: ReactToMessage | PinMessage, nowMs: number): GroupDecision {
  const { sender, type } = command;
  const refusal = refusalOfWriter(state, sender, nowMs);
  if (refusal !== undefined) return refusal;
  const place = { nowMs, canRead: readableBy(state, sender) };
  if (type === 'ReactToMessage')
    return decideReact(state.log, command, { ...place, isQuiet: state.diffusion === Diffusion.READ });
  return refusalOf(state, sender, 'pin') ?? decidePin(state.log, command, place);
}

function refusalOfWriter(state: GroupState, user: string, nowMs: number): Refused | undefined {
  if (state.isDismissed) return refused('GROUP_DISMISSED');
  const member = state.members.get(user);
  if (member === undefined) return refused('NOT_A_MEMBER');
  if (nowMs < member.mutedUntilMs) return refused('MUTED', undefined, member.mutedUntilMs - nowMs);
  return undefined;
}

/** What holds for the whole group and not for owner and admins. */
function refusalOfAll(state: GroupState, user: string, nowMs: number): Refused | undefined {
  const { settings, lastPosts } = state;
  if (settings === groupSettings || mayDo(state, user, 'writeAlways')) return undefined;
  if (settings.muteAll) return refused('MUTED', 'All are muted in this group.');
  const waitMs = slowModeWaitMs(lastPosts, settings, { user, nowMs });
  return waitMs > 0 ? refused('SLOW_MODE', undefined, waitMs) : undefined;
}

/** Owner and admins have more time, and recall what those wrote whom they stand above, also those who have left. */
function rightsOf(state: GroupState, command: EditMessage | RecallMessage): ChangeRights {
  const { sender, type } = command;
  const { editWindow, recallWindow } = state.policy;
  const { ownMs, managerMs } = (type === 'EditMessage' ? editWindow : recallWindow) ?? command.window;
  const isManager = mayDo(state, sender, 'recallOthers');
  return {
    ownMs: isManager ? managerMs : ownMs,
    othersMs: (author) => (isManager && outranks(state, sender, author) ? managerMs : undefined),
    canRead: readableBy(state, sender),
  };
}

const canReadAll = (): boolean => true;

function readableBy(state: GroupState, user: string): (sequence: number) => boolean {
  const spans = spansOf(state, user);
  return (sequence) => isReadable(spans, sequence);
}

const mayMentionAll = (state: GroupState, user: string): boolean =>
  state.members.size <= state.limits.mentionAllMembersMax || mayDo(state, user, 'mentionAll');

const refusedMentionAll = refused('FORBIDDEN', 'In a group this large only owner and admins mention all.');

function decideCreate(state: GroupState, command: CreateGroup, nowMs: number): GroupDecision {
  if (state.log.head > 0) return refused('ALREADY_EXISTS');
  const { by, title, policy = groupPolicy } = command;
  if (!isValidPolicy(policy)) return refused('BAD_REQUEST', 'The policy of the group is not valid.');
  if (title.length > state.limits.titleLengthMax) return refused('BAD_REQUEST', 'The title is too long.');
  const members = [...new Set([by, ...command.members])];
  const refusal = refusalOfCount(state, command.members.length, members.length, policy.membersMax);
  if (refusal !== undefined) return refusal;
  const created: Fact = { type: 'GroupCreated', by, title, members, policy };
  const diffusion = diffusionFor(Diffusion.WRITE, members.length, policy);
  return facts(state, nowMs, [created, ...switchTo(Diffusion.WRITE, diffusion)]);
}

function decideAdd(state: GroupState, command: AddMembers, nowMs: number): GroupDecision {
  const refusal = refusalOf(state, command.by, 'addMembers');
  if (refusal !== undefined) return refusal;
  const members = [...new Set(command.members)].filter((user) => !state.members.has(user));
  if (members.length === 0) return nothingToDo;
  const banned = members.find((user) => state.bans?.has(user));
  if (banned !== undefined) return refused('BANNED', `${banned} is banned from this group.`);
  const count = state.members.size + members.length;
  const full = refusalOfCount(state, command.members.length, count, state.policy.membersMax);
  if (full !== undefined) return full;
  return facts(state, nowMs, [
    membersAdded(state, { by: command.by, members }),
    ...switchFor(state, state.members.size + members.length),
  ]);
}

/** The owner removes anyone else, an admin removes plain members. Whoever is gone already stays gone. */
function decideRemove(state: GroupState, command: RemoveMember, nowMs: number): GroupDecision {
  const { by, member } = command;
  const refusal = refusalOf(state, by, 'removeMembers');
  if (refusal !== undefined) return refusal;
  if (by === member) return refused('FORBIDDEN', 'Leave the group instead.');
  if (!state.members.has(member)) return nothingToDo;
  if (!outranks(state, by, member)) return refused('FORBIDDEN');
  return facts(state, nowMs, [
    { type: 'MemberRemoved', by, member },
    ...switchFor(state, state.members.size - 1),
  ]);
}

/** An owner who leaves hands over; the last one turns the light off. */
function decideLeave(state: GroupState, command: LeaveGroup, nowMs: number): GroupDecision {
  const { member } = command;
  const leaver = state.members.get(member);
  if (leaver === undefined) return isFormer(state, member) ? nothingToDo : refused('NOT_A_MEMBER');
  const left: Fact = { type: 'MemberLeft', member };
  if (state.members.size === 1) return facts(state, nowMs, [left, { type: 'GroupDismissed', by: member }]);
  const successor = leaver.role === Role.OWNER ? successorOf(state, member) : undefined;
  const handOver: Fact[] =
    successor === undefined ? [] : [{ type: 'RoleChanged', by: member, member: successor, role: Role.OWNER }];
  return facts(state, nowMs, [left, ...handOver, ...switchFor(state, state.members.size - 1)]);
}

function decideDismiss(state: GroupState, command: DismissGroup, nowMs: number): GroupDecision {
  const refusal = refusalOf(state, command.by, 'dismiss');
  return refusal ?? facts(state, nowMs, [{ type: 'GroupDismissed', by: command.by }]);
}

function decideSetRole(state: GroupState, command: SetRole, nowMs: number): GroupDecision {
  const { by, member, role } = command;
  const refusal = refusalOf(state, by, role === Role.OWNER ? 'handOver' : 'setRoles');
  if (refusal !== undefined) return refusal;
  const target = state.members.get(member);
  if (target === undefined) return refused('NOT_A_MEMBER', 'The one named is not a member.');
  if (role !== Role.MEMBER && role !== Role.ADMIN && role !== Role.OWNER) {
    return refused('BAD_REQUEST', 'There is no such role.');
  }
  if (target.role === role) return nothingToDo;
  if (by === member) return refused('FORBIDDEN', 'Make somebody else the owner instead.');
  const changed: Fact = { type: 'RoleChanged', by, member, role };
  const stepDown: Fact = { type: 'RoleChanged', by, member: by, role: Role.ADMIN };
  return facts(state, nowMs, role === Role.OWNER ? [changed, stepDown] : [changed]);
}

function decideMute(state: GroupState, command: MuteMember, nowMs: number): GroupDecision {
  const { by, member, mutedUntilMs } = command;
  const refusal = refusalOf(state, by, 'muteMembers');
  if (refusal !== undefined) return refusal;
  const target = state.members.get(member);
  if (target === undefined) return refused('NOT_A_MEMBER', 'The one named is not a member.');
  if (!outranks(state, by, member)) return refused('FORBIDDEN');
  if (target.mutedUntilMs === mutedUntilMs) return nothingToDo;
  return facts(state, nowMs, [{ type: 'MemberMuted', by, member, mutedUntilMs }]);
}

function refusalOfCount(
  state: GroupState,
  namedCount: number,
  memberCount: number,
  membersMax: number,
): Refused | undefined {
  const namedMax = state.limits.membersPerCommandMax;
  if (namedCount > namedMax) return refused('BAD_REQUEST', `Name at most ${namedMax} members at once.`);
  return memberCount > membersMax ? refused('GROUP_FULL') : undefined;
}

const isFormer = (state: GroupState, user: string): boolean => state.endedSpans.has(user);

/** The same order again after the group is gone. */
const isDoneAlready = (state: GroupState, command: GroupCommand): boolean =>
  (command.type === 'DismissGroup' && state.members.get(command.by)?.role === Role.OWNER) ||
  (command.type === 'LeaveGroup' && !state.members.has(command.member) && isFormer(state, command.member));

/** The admin who has been there longest, else the member who has. Members stand in the order of joining. */
function successorOf(state: GroupState, leaver: string): string | undefined {
  const others = state.members.ids().filter((user) => user !== leaver);
  return others.find((user) => state.members.get(user)?.role === Role.ADMIN) ?? others[0];
}
