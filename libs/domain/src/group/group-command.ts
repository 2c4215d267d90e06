// Orders to a group, and their answers.
import type { EditMessage, RecallMessage } from '../conversation/change-message.ts';
import type { Done } from '../conversation/done.ts';
import type { PinMessage, ReactToMessage } from '../conversation/mark-message.ts';
import type { PostMessage, Sent } from '../conversation/post-message.ts';
import type { GroupPolicy } from './group-policy.ts';
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
  | MuteMember;

export type GroupReply = Sent | Done;
