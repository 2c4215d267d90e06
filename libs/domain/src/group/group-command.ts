// Orders to a group, and their answers.
import type { ChangeWindow, EditMessage, RecallMessage } from '../conversation/change-message.ts';
import type { Done } from '../conversation/done.ts';
import type { PinMessage, ReactToMessage } from '../conversation/mark-message.ts';
import type { PostMessage, Sent } from '../conversation/post-message.ts';
import type { GroupPolicy } from './group-policy.ts';
import type { GroupSettings } from './group-settings.ts';
import type { NoteReads } from './group-reads.ts';
import type { Role } from './role.ts';

export interface CreateGroup {
  readonly type: 'CreateGroup';
  /** Becomes the owner; need not be among `members`. */
  readonly by: string;
  readonly title: string;
  readonly members: readonly string[];
  /** The default policy when absent. */
  readonly policy?: GroupPolicy;
}

export interface AddMembers {
  readonly type: 'AddMembers';
  readonly by: string;
  readonly members: readonly string[];
}

export interface RemoveMember {
  readonly type: 'RemoveMember';
  readonly by: string;
  readonly member: string;
}

export interface LeaveGroup {
  readonly type: 'LeaveGroup';
  readonly member: string;
}

export interface DismissGroup {
  readonly type: 'DismissGroup';
  readonly by: string;
}

/** OWNER hands the group over; the old owner becomes an admin. */
export interface SetRole {
  readonly type: 'SetRole';
  readonly by: string;
  readonly member: string;
  readonly role: Role;
}

export interface MuteMember {
  readonly type: 'MuteMember';
  readonly by: string;
  readonly member: string;
  /** Until when the member may not post, milliseconds since 1970; 0 lifts the mute. */
  readonly mutedUntilMs: number;
}

/** Only what is given is changed. */
export interface ChangeProfile {
  readonly type: 'ChangeProfile';
  readonly by: string;
  readonly title?: string;
  /** Reference of a picture in the store of media; empty: none. */
  readonly avatar?: string;
}

export interface Announce {
  readonly type: 'Announce';
  readonly by: string;
  /** Empty takes the announcement away. */
  readonly text: string;
}

/** Only what is given is changed. */
export interface ChangeSettings extends Partial<GroupSettings> {
  readonly type: 'ChangeSettings';
  readonly by: string;
}

/** Bans somebody, member or not, or lifts the ban. Who is banned does not become a member again. */
export interface SetBan {
  readonly type: 'SetBan';
  readonly by: string;
  readonly member: string;
  readonly isBanned: boolean;
}

/** How long messages may be changed; a window that is absent is as the tenant has it. */
export interface ChangeWindows {
  readonly type: 'ChangeWindows';
  readonly by: string;
  readonly editWindow?: ChangeWindow;
  readonly recallWindow?: ChangeWindow;
}

export interface SetNickname {
  readonly type: 'SetNickname';
  readonly by: string;
  readonly member: string;
  /** In this group; empty takes it away. */
  readonly nickname: string;
}

/** Id and code are made where randomness is: at the gateway. */
export interface CreateInvite {
  readonly type: 'CreateInvite';
  readonly by: string;
  readonly id: string;
  readonly code: string;
  /** Milliseconds since 1970; 0: never. */
  readonly expiresAtMs: number;
  /** 0: any number. */
  readonly usesMax: number;
}

export interface RevokeInvite {
  readonly type: 'RevokeInvite';
  readonly by: string;
  readonly id: string;
}

/** Somebody wants to become a member. */
export interface JoinGroup {
  readonly type: 'JoinGroup';
  readonly user: string;
  /** Of an invite; empty: as the group's settings allow. */
  readonly code: string;
  /** To owner and admins, where they have to approve. */
  readonly message: string;
}

export interface AnswerJoinRequest {
  readonly type: 'AnswerJoinRequest';
  readonly by: string;
  readonly user: string;
  readonly isApproved: boolean;
}

export type GroupCommand =
  | PostMessage
  | EditMessage
  | RecallMessage
  | ReactToMessage
  | PinMessage
  | CreateGroup
  | AddMembers
  | RemoveMember
  | LeaveGroup
  | DismissGroup
  | SetRole
  | MuteMember
  | ChangeProfile
  | Announce
  | ChangeSettings
  | SetBan
  | ChangeWindows
  | SetNickname
  | CreateInvite
  | RevokeInvite
  | JoinGroup
  | AnswerJoinRequest
  | NoteReads;

export type GroupReply = Sent | Done;
