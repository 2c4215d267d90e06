// What owner and admins change of the group as a whole: its profile, its settings, and who is banned.
import { type Refused, assertNever, refused, utf8Bytes } from '@parley/std';
import type { ChangeWindow } from '../conversation/change-message.ts';
import { nothingToDo } from '../conversation/done.ts';
import type { Announce, ChangeProfile, ChangeSettings, ChangeWindows } from './group-command.ts';
import type { SetBan, SetNickname } from './group-command.ts';
import { type Fact, type GroupDecision, facts } from './group-facts.ts';
import { mayDo, outranks, refusalOf } from './group-rights.ts';
import { type GroupSettings, Joining } from './group-settings.ts';
import type { GroupState } from './group-state.ts';
import { switchFor } from './group-switch.ts';

export type ManageGroup = ChangeProfile | Announce | ChangeSettings | ChangeWindows | SetBan | SetNickname;

export function decideManage(state: GroupState, command: ManageGroup, nowMs: number): GroupDecision {
  switch (command.type) {
    case 'ChangeProfile':
      return decideProfile(state, command, nowMs);
    case 'Announce':
      return decideAnnounce(state, command, nowMs);
    case 'ChangeSettings':
      return decideSettings(state, command, nowMs);
    case 'ChangeWindows':
      return decideWindows(state, command, nowMs);
    case 'SetBan':
      return decideBan(state, command, nowMs);
    case 'SetNickname':
      return decideNickname(state, command, nowMs);
    default:
      return assertNever(command, 'decideManage');
  }
}

function decideProfile(state: GroupState, command: ChangeProfile, nowMs: number): GroupDecision {
  const { by, title = state.title, avatar = state.avatar } = command;
  const refusal = refusalOf(state, by, 'changeProfile');
  if (refusal !== undefined) return refusal;
  if (title === '') return refused('BAD_REQUEST', 'A group needs a title.');
  if (title.length > state.limits.titleLengthMax) return refused('BAD_REQUEST', 'The title is too long.');
  if (utf8Bytes(avatar) > state.limits.conversation.labelBytesMax)
    return refused('CONTENT_TOO_LARGE', 'The reference of the avatar is too long.');
  if (title === state.title && avatar === state.avatar) return nothingToDo;
  return facts(state, nowMs, [{ type: 'ProfileChanged', by, title, avatar }]);
}

function decideAnnounce(state: GroupState, { by, text }: Announce, nowMs: number): GroupDecision {
  const refusal = refusalOf(state, by, 'changeProfile');
  if (refusal !== undefined) return refusal;
  const { announcementBytesMax } = state.limits;
  if (utf8Bytes(text) > announcementBytesMax)
    return refused('TEXT_TOO_LARGE', `An announcement has at most ${announcementBytesMax} bytes.`);
  if (text === (state.announcement?.text ?? '')) return nothingToDo;
  return facts(state, nowMs, [{ type: 'AnnouncementChanged', by, text }]);
}

function decideSettings(state: GroupState, command: ChangeSettings, nowMs: number): GroupDecision {
  const refusal = refusalOf(state, command.by, 'changeSettings');
  if (refusal !== undefined) return refusal;
  const { type: _, by, ...given } = command;
  const settings: GroupSettings = { ...state.settings, ...given };
  const { muteAll, slowModeMs, joining, historyVisible } = settings;
  const { slowModeMsMax } = state.limits;
  if (!Number.isSafeInteger(slowModeMs) || slowModeMs < 0 || slowModeMs > slowModeMsMax)
    return refused('BAD_REQUEST', `Slow mode has an interval of 0 to ${slowModeMsMax} ms.`);
  if (joining !== Joining.INVITE && joining !== Joining.REQUEST && joining !== Joining.OPEN)
    return refused('BAD_REQUEST', 'There is no such way of joining.');
  const old = state.settings;
  const isSame =
    muteAll === old.muteAll &&
    slowModeMs === old.slowModeMs &&
    joining === old.joining &&
    historyVisible === old.historyVisible;
  return isSame ? nothingToDo : facts(state, nowMs, [{ type: 'SettingsChanged', by, settings }]);
}

/** What is allowed at most is the tenant's, and checked where that is known. */
function decideWindows(state: GroupState, command: ChangeWindows, nowMs: number): GroupDecision {
  const { by, editWindow, recallWindow } = command;
  const refusal = refusalOf(state, by, 'changeSettings');
  if (refusal !== undefined) return refusal;
  const { policy } = state;
  if (isSameWindow(editWindow, policy.editWindow) && isSameWindow(recallWindow, policy.recallWindow))
    return nothingToDo;
  const windows = { ...(editWindow && { editWindow }), ...(recallWindow && { recallWindow }) };
  return facts(state, nowMs, [{ type: 'WindowsChanged', by, ...windows }]);
}

const isSameWindow = (one: ChangeWindow | undefined, other: ChangeWindow | undefined): boolean =>
  one?.ownMs === other?.ownMs && one?.managerMs === other?.managerMs;

/** A member who is banned is removed first, and does not see more than that. */
function decideBan(state: GroupState, command: SetBan, nowMs: number): GroupDecision {
  const { by, member, isBanned } = command;
  const refusal = refusalOf(state, by, 'banMembers') ?? refusalOfBan(state, command);
  if (refusal !== undefined) return refusal;
  if (isBanned === (state.bans?.has(member) ?? false)) return nothingToDo;
  const ban: Fact = { type: 'BanChanged', by, member, isBanned };
  if (!isBanned || !state.members.has(member)) return facts(state, nowMs, [ban]);
  const removal: Fact = { type: 'MemberRemoved', by, member };
  return facts(state, nowMs, [removal, ban, ...switchFor(state, state.members.size - 1)]);
}

function refusalOfBan(state: GroupState, { by, member, isBanned }: SetBan): Refused | undefined {
  if (!isBanned) return undefined;
  if (by === member || !outranks(state, by, member)) return refused('FORBIDDEN');
  const { bansMax } = state.limits;
  return (state.bans?.size ?? 0) >= bansMax && state.bans?.has(member) !== true
    ? refused('LIMIT_REACHED', `A group bans at most ${bansMax} users.`)
    : undefined;
}

function decideNickname(state: GroupState, command: SetNickname, nowMs: number): GroupDecision {
  const { by, member, nickname } = command;
  const refusal = refusalOf(state, by, by === member ? 'nameOneself' : 'nameMembers');
  if (refusal !== undefined) return refusal;
  const target = state.members.get(member);
  if (target === undefined) return refused('NOT_A_MEMBER', 'The one named is not a member.');
  if (by !== member && !outranks(state, by, member)) return refused('FORBIDDEN');
  if (by === member && !mayDo(state, by, 'writeAlways') && isQuiet(state, nowMs, target.mutedUntilMs))
    return refused('MUTED', 'Who may not write has no new nickname either.');
  if (nickname.length > state.limits.nicknameLengthMax)
    return refused('BAD_REQUEST', 'The nickname is too long.');
  if (nickname === (target.nickname ?? '')) return nothingToDo;
  return facts(state, nowMs, [{ type: 'NicknameChanged', by, member, nickname }]);
}

const isQuiet = (state: GroupState, nowMs: number, mutedUntilMs: number): boolean =>
  state.settings.muteAll || nowMs < mutedUntilMs;
