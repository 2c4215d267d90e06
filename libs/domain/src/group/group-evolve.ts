// How the facts of a group change its state.
import { assertNever } from '@parley/std';
import { appendToLog } from '../conversation/conversation-log.ts';
import type { LogMessage } from '../conversation/log-message.ts';
import { applyMark } from '../conversation/mark-message.ts';
import { rememberMentions } from '../conversation/mentioning.ts';
import { endSpan } from './ended-spans.ts';
import type { BanChanged, GroupEvent, SilentGroupEvent } from './group-event.ts';
import { groupLogMessage } from './group-event.ts';
import type { Ban } from './group-settings.ts';
import type { GroupState } from './group-state.ts';
import { countUse, withInvite, withRequest, without } from './invites.ts';
import type { GroupMember } from './member-table.ts';
import { noteRead, noteReads } from './group-reads.ts';
import { Role } from './role.ts';
import { notePost } from './slow-mode.ts';

export function evolveGroup(state: GroupState, event: GroupEvent): GroupState {
  const element = groupLogMessage(event, state.log.conversation);
  if (element !== undefined) appendToLog(state.log, element);
  switch (event.type) {
    case 'MessagePosted':
      if (state.settings.slowModeMs > 0)
        state.lastPosts = notePost(state.lastPosts, state.settings, { user: event.sender, atMs: event.atMs });
      if (event.rich !== undefined) noteMentions(state, element);
      // Whoever writes has read up to there, as user entities conclude, too.
      noteRead(state, event.sender, event.sequence);
      return state;
    case 'MessageEdited':
    case 'MessageRecalled':
      noteMentions(state, element);
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
      addMembers(state, event.members, event.sequence, event.firstVisible);
      if (event.invite !== undefined) countUse(state.invites, event.invite, event.members.length);
      if (state.requests !== undefined)
        for (const user of event.members) state.requests = without(state.requests, user);
      return state;
    case 'JoinRequested':
      state.requests = withRequest(state.requests, event);
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
    case 'ProfileChanged':
      state.title = event.title;
      state.avatar = event.avatar;
      return state;
    case 'AnnouncementChanged': {
      const { text, by, atMs } = event;
      state.announcement = text === '' ? undefined : { text, by, atMs };
      return state;
    }
    case 'SettingsChanged':
      state.settings = event.settings;
      if (event.settings.slowModeMs === 0) state.lastPosts = undefined;
      return state;
    case 'BanChanged':
      setBan(state, event);
      return state;
    case 'WindowsChanged': {
      const { membersMax, largeFrom, smallTo } = state.policy;
      const { editWindow, recallWindow } = event;
      const windows = { ...(editWindow && { editWindow }), ...(recallWindow && { recallWindow }) };
      state.policy = { membersMax, largeFrom, smallTo, ...windows };
      return state;
    }
    case 'NicknameChanged': {
      const member = state.members.get(event.member);
      if (member === undefined) return state;
      if (event.nickname === '') delete member.nickname;
      else member.nickname = event.nickname;
      return state;
    }
    default:
      return evolveSilently(state, event);
  }
}

function noteMentions(state: GroupState, element: LogMessage | undefined): void {
  if (element !== undefined)
    state.mentions = rememberMentions(state.mentions, element, state.limits.mentionsMax);
}

function evolveSilently(state: GroupState, event: SilentGroupEvent): GroupState {
  switch (event.type) {
    case 'InviteCreated':
      state.invites = withInvite(state.invites, event);
      return state;
    case 'InviteRevoked':
      state.invites = without(state.invites, event.id);
      return state;
    case 'JoinRefused':
      state.requests = without(state.requests, event.user);
      return state;
    case 'ReadsNoted':
      return noteReads(state, event);
    default:
      return assertNever(event, 'evolveGroup');
  }
}

function addMembers(
  state: GroupState,
  users: readonly string[],
  joined: number,
  firstVisible?: readonly number[],
): void {
  users.forEach((user, index) => {
    if (state.members.has(user)) return;
    const member: GroupMember = { user, role: Role.MEMBER, joined, mutedUntilMs: 0, read: 0 };
    const first = firstVisible?.[index] ?? joined;
    if (first < joined) member.firstVisible = first;
    state.members.add(member);
  });
}

/** The one who goes still sees the message that says so. */
function endMembership(state: GroupState, user: string, sequence: number): void {
  const member = state.members.get(user);
  if (member === undefined) return;
  state.members.remove(user);
  endSpan(state.endedSpans, user, { from: member.firstVisible ?? member.joined, to: sequence }, state.limits);
}

/** No bans, no map. */
function setBan(state: GroupState, { member, by, atMs, isBanned }: BanChanged): void {
  const bans = state.bans ?? new Map<string, Ban>();
  bans.delete(member);
  if (isBanned) bans.set(member, { user: member, by, atMs });
  state.bans = bans.size === 0 ? undefined : bans;
  if (isBanned) state.requests = without(state.requests, member);
}

function setRole(state: GroupState, user: string, role: Role): void {
  const member = state.members.get(user);
  if (member !== undefined) member.role = role;
}
