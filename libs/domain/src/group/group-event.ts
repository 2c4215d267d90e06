// Facts of a group. Each of them takes a sequence of the conversation and shows in its log, but reactions that are not announced.
import { assertNever } from '@parley/std';
import type { ChangeWindow, MessageEdited, MessageRecalled } from '../conversation/change-message.ts';
import { elementOfChange } from '../conversation/change-message.ts';
import type { Diffusion } from '../conversation/diffusion.ts';
import type { LogMessage, SystemChange } from '../conversation/log-message.ts';
import { type MarkEvent, elementOfMark, isMark } from '../conversation/mark-message.ts';
import { type MessagePosted, messageOfPost } from '../conversation/post-message.ts';
import type { GroupPolicy } from './group-policy.ts';
import type { GroupSettings } from './group-settings.ts';
import type { Role } from './role.ts';

export interface GroupCreated {
  readonly type: 'GroupCreated';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  readonly title: string;
  /** Everybody, the creator first. */
  readonly members: readonly string[];
  readonly policy: GroupPolicy;
}

export interface MembersAdded {
  readonly type: 'MembersAdded';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  /** Only who was not a member before. */
  readonly members: readonly string[];
}

export interface MemberRemoved {
  readonly type: 'MemberRemoved';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  readonly member: string;
}

export interface MemberLeft {
  readonly type: 'MemberLeft';
  readonly sequence: number;
  readonly atMs: number;
  readonly member: string;
}

export interface GroupDismissed {
  readonly type: 'GroupDismissed';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
}

export interface DiffusionChanged {
  readonly type: 'DiffusionChanged';
  readonly sequence: number;
  readonly atMs: number;
  readonly diffusion: Diffusion;
}

export interface RoleChanged {
  readonly type: 'RoleChanged';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  readonly member: string;
  readonly role: Role;
}

export interface MemberMuted {
  readonly type: 'MemberMuted';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  readonly member: string;
  readonly mutedUntilMs: number;
}

/** All of it, as it is from here on. */
export interface ProfileChanged {
  readonly type: 'ProfileChanged';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  readonly title: string;
  readonly avatar: string;
}

export interface AnnouncementChanged {
  readonly type: 'AnnouncementChanged';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  /** Empty: taken away. */
  readonly text: string;
}

/** All of them, as they are from here on. */
export interface SettingsChanged {
  readonly type: 'SettingsChanged';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  readonly settings: GroupSettings;
}

export interface BanChanged {
  readonly type: 'BanChanged';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  readonly member: string;
  readonly isBanned: boolean;
}

/** Both, as they are from here on. */
export interface WindowsChanged {
  readonly type: 'WindowsChanged';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  readonly editWindow?: ChangeWindow;
  readonly recallWindow?: ChangeWindow;
}

export interface NicknameChanged {
  readonly type: 'NicknameChanged';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  readonly member: string;
  readonly nickname: string;
}

export type GroupEvent =
  | MessagePosted
  | MessageEdited
  | MessageRecalled
  | MarkEvent
  | GroupCreated
  | MembersAdded
  | MemberRemoved
  | MemberLeft
  | GroupDismissed
  | DiffusionChanged
  | RoleChanged
  | MemberMuted
  | ProfileChanged
  | AnnouncementChanged
  | SettingsChanged
  | BanChanged
  | WindowsChanged
  | NicknameChanged;

/** Every fact but a mark is an element of the log. */
export function groupLogMessage(event: Exclude<GroupEvent, MarkEvent>, conversation: string): LogMessage;
/** The fact as an element of the conversation's log; undefined for a fact that takes no sequence. */
export function groupLogMessage(event: GroupEvent, conversation: string): LogMessage | undefined;
export function groupLogMessage(event: GroupEvent, conversation: string): LogMessage | undefined {
  if (isMark(event)) return elementOfMark(event, conversation);
  if (event.type === 'MessagePosted') return messageOfPost(event, conversation);
  if (event.type === 'MessageEdited' || event.type === 'MessageRecalled')
    return elementOfChange(event, conversation);
  return {
    conversation,
    sequence: event.sequence,
    sender: senderOf(event),
    clientMessageId: '',
    sentAtMs: event.atMs,
    system: systemChange(event),
  };
}

type SystemEvent = Exclude<GroupEvent, MessagePosted | MessageEdited | MessageRecalled | MarkEvent>;

function senderOf(event: SystemEvent): string {
  if (event.type === 'MemberLeft') return event.member;
  return event.type === 'DiffusionChanged' ? '' : event.by;
}

function systemChange(event: SystemEvent): SystemChange {
  switch (event.type) {
    case 'GroupCreated':
      return { type: event.type, title: event.title, members: event.members };
    case 'MembersAdded':
      return { type: event.type, members: event.members };
    case 'MemberRemoved':
    case 'MemberLeft':
      return { type: event.type, member: event.member };
    case 'GroupDismissed':
      return { type: event.type };
    case 'DiffusionChanged':
      return { type: event.type, diffusion: event.diffusion };
    case 'RoleChanged':
      return { type: event.type, member: event.member, role: event.role };
    case 'MemberMuted':
      return { type: event.type, member: event.member, mutedUntilMs: event.mutedUntilMs };
    case 'ProfileChanged':
      return { type: event.type, title: event.title, avatar: event.avatar };
    case 'AnnouncementChanged':
      return { type: event.type, text: event.text };
    case 'SettingsChanged':
      return { type: event.type, settings: event.settings };
    case 'BanChanged':
      return { type: event.type, member: event.member, isBanned: event.isBanned };
    case 'WindowsChanged':
      return { type: event.type };
    case 'NicknameChanged':
      return { type: event.type, member: event.member, nickname: event.nickname };
    default:
      return assertNever(event, 'systemChange');
  }
}
