// What each role may do in a group: the one table, repeated for people in docs/protocol.md. Beside it only one rule holds:
// what is done to a member is done by somebody who stands above them.
import { type Refused, refused } from '@parley/std';
import type { GroupState } from './group-state.ts';
import { Role } from './role.ts';

/** The least role that may do it. */
export const leastRole = {
  /** Send, edit and recall own messages; not while muted. */
  write: Role.MEMBER,
  /** Read the log, the profile and the list of members. */
  read: Role.MEMBER,
  leave: Role.MEMBER,
  /** Have a nickname of one's own. */
  nameOneself: Role.MEMBER,
  /** Write while all are muted, and without waiting in slow mode. */
  writeAlways: Role.ADMIN,
  /** Mention all in a group of more than `mentionAllMembersMax`. */
  mentionAll: Role.ADMIN,
  /** Pin messages, and take pins away. */
  pin: Role.ADMIN,
  /** Recall the messages of those below, and change own ones for longer. */
  recallOthers: Role.ADMIN,
  addMembers: Role.ADMIN,
  /** Those below. */
  removeMembers: Role.ADMIN,
  muteMembers: Role.ADMIN,
  banMembers: Role.ADMIN,
  nameMembers: Role.ADMIN,
  /** Title, avatar, announcement. */
  changeProfile: Role.ADMIN,
  /** Mute all, slow mode, joining, history for newcomers, how long messages may be changed. */
  changeSettings: Role.ADMIN,
  /** Make, see and revoke invites. */
  invite: Role.ADMIN,
  /** See, approve and refuse requests to join. */
  answerRequests: Role.ADMIN,
  setRoles: Role.OWNER,
  handOver: Role.OWNER,
  dismiss: Role.OWNER,
} as const satisfies Record<string, Role>;

export type GroupAction = keyof typeof leastRole;

export const mayDo = (state: GroupState, user: string, action: GroupAction): boolean =>
  (state.members.get(user)?.role ?? Role.UNSPECIFIED) >= leastRole[action];

/** NOT_A_MEMBER or FORBIDDEN; undefined when `by` may do it. */
export function refusalOf(state: GroupState, by: string, action: GroupAction): Refused | undefined {
  if (!state.members.has(by)) return refused('NOT_A_MEMBER');
  return mayDo(state, by, action) ? undefined : refused('FORBIDDEN');
}

/** Who is no member stands below everybody. */
export const outranks = (state: GroupState, by: string, member: string): boolean =>
  (state.members.get(by)?.role ?? Role.UNSPECIFIED) > (state.members.get(member)?.role ?? Role.UNSPECIFIED);
