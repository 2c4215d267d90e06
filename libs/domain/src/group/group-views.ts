// Reads of what owner and admins set: the group as a member sees it, and the lists only they may see.
import { type Result, err, ok } from '@parley/std';
import type { ChangeWindow } from '../conversation/change-message.ts';
import type { Diffusion } from '../conversation/diffusion.ts';
import { refusalOf } from './group-rights.ts';
import type { Announcement, Ban, GroupSettings } from './group-settings.ts';
import type { GroupState } from './group-state.ts';
import type { Invite, JoinRequest } from './invites.ts';
import type { GroupMember } from './member-table.ts';

/** Shaped like internal.v1.GroupAnswer. */
export interface GroupView {
  readonly title: string;
  readonly avatar: string;
  readonly announcement?: Announcement;
  readonly settings: GroupSettings;
  readonly head: number;
  readonly count: number;
  readonly diffusion: Diffusion;
  /** The reader. */
  readonly member: GroupMember;
  readonly isDismissed: boolean;
  /** Absent: as the tenant has it. */
  readonly editWindow?: ChangeWindow;
  readonly recallWindow?: ChangeWindow;
}

export function groupView(
  state: GroupState,
  reader: string,
): Result<GroupView, 'CONVERSATION_NOT_FOUND' | 'NOT_A_MEMBER'> {
  if (state.log.head === 0) return err('CONVERSATION_NOT_FOUND');
  const member = state.members.get(reader);
  if (member === undefined) return err('NOT_A_MEMBER');
  const { title, avatar, announcement, settings, diffusion, isDismissed } = state;
  const { editWindow, recallWindow } = state.policy;
  return ok({
    ...{ title, avatar, settings, diffusion, isDismissed, member },
    head: state.log.head,
    count: state.members.size,
    ...(announcement && { announcement }),
    ...(editWindow && { editWindow }),
    ...(recallWindow && { recallWindow }),
  });
}

/** The lists only owner and admins may see, and the right they need. */
const lists = { bans: 'banMembers', invites: 'invite', requests: 'answerRequests' } as const;
export type GroupListName = keyof typeof lists;

export interface GroupListPage {
  readonly list: GroupListName;
  readonly elements: readonly (Ban | Invite | JoinRequest)[];
  readonly more: boolean;
}

/** Elements with names (users; ids of invites) greater than `after`, in rising order. `limit` 0 means the largest page. */
export function groupListPage(
  state: GroupState,
  query: {
    readonly reader: string;
    readonly list: GroupListName;
    readonly after: string;
    readonly limit: number;
  },
): Result<GroupListPage, string> {
  if (state.log.head === 0) return err('CONVERSATION_NOT_FOUND');
  const refusal = refusalOf(state, query.reader, lists[query.list]);
  if (refusal !== undefined) return err(refusal.code);
  const max = state.limits.membersPageMax;
  const limit = query.limit === 0 ? max : Math.min(query.limit, max);
  const list: ReadonlyMap<string, Ban | Invite | JoinRequest> | undefined = state[query.list];
  const names = [...(list?.keys() ?? [])].filter((name) => name > query.after).sort();
  const elements = names.slice(0, limit).flatMap((name) => list?.get(name) ?? []);
  return ok({ list: query.list, elements, more: names.length > limit });
}
