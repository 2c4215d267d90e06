// Facts of a group. Each of them takes a sequence of the conversation and shows in its log, but reactions that are not announced,
// those about invites and the refusal of a request (they are for owner and admins), and read pointers.
import { assertNever } from '@parley/std';
import type { ChangeWindow, MessageEdited, MessageRecalled } from '../conversation/change-message.ts';
import { elementOfChange } from '../conversation/change-message.ts';
import type { Diffusion } from '../conversation/diffusion.ts';
import type { LogMessage, SystemChange } from '../conversation/log-message.ts';
import { type MarkEvent, elementOfMark, isMark } from '../conversation/mark-message.ts';
import { type MessagePosted, messageOfPost } from '../conversation/post-message.ts';
import type { GroupPolicy } from './group-policy.ts';
import type { GroupSettings } from './group-settings.ts';
import type { ReadsNoted } from './group-reads.ts';
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
  /** Id of the invite they came by. */
  readonly invite?: string;
  /** For each of `members` the first sequence they may see; absent: that of this fact. */
  readonly firstVisible?: readonly number[];
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

export interface InviteCreated {
  readonly type: 'InviteCreated';
  readonly by: string;
  readonly atMs: number;
  readonly id: string;
  readonly code: string;
  readonly expiresAtMs: number;
  readonly usesMax: number;
}

export interface InviteRevoked {
  readonly type: 'InviteRevoked';
  readonly by: string;
  readonly atMs: number;
  readonly id: string;
}

export interface JoinRequested {
  readonly type: 'JoinRequested';
  readonly sequence: number;
  readonly atMs: number;
  readonly user: string;
  /** For owner and admins: the log does not show it. */
  readonly message: string;
}

export interface JoinRefused {
  readonly type: 'JoinRefused';
  readonly by: string;
  readonly atMs: number;
  readonly user: string;
}

/** Take no sequence. */
export type SilentGroupEvent = InviteCreated | InviteRevoked | JoinRefused | ReadsNoted;

/** Marks take a sequence when they are announced. */
export type GroupEvent = LoggedGroupEvent | MarkEvent | SilentGroupEvent;

export type LoggedGroupEvent =
  | MessagePosted
  | MessageEdited
  | MessageRecalled
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
  | NicknameChanged
  | JoinRequested;

/** The fact as an element of the conversation's log; undefined for facts that take no sequence. */
export function groupLogMessage(event: GroupEvent, conversation: string): LogMessage | undefined {
  if (isMark(event)) return elementOfMark(event, conversation);
  return 'sequence' in event ? elementOf(event, conversation) : undefined;
}

function elementOf(event: LoggedGroupEvent, conversation: string): LogMessage {
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

type SystemEvent = Exclude<LoggedGroupEvent, MessagePosted | MessageEdited | MessageRecalled>;

function senderOf(event: SystemEvent): string {
  if (event.type === 'MemberLeft') return event.member;
  if (event.type === 'JoinRequested') return event.user;
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
    case 'JoinRequested':
      return { type: event.type, user: event.user };
    case 'NicknameChanged':
      return { type: event.type, member: event.member, nickname: event.nickname };
    default:
      return assertNever(event, 'systemChange');
  }
}
