// Reads of a group: pure functions of committed state.
import { type Result, err, ok } from '@parley/std';
import type { ConversationHead } from '../conversation/conversation-head.ts';
import type { Diffusion } from '../conversation/diffusion.ts';
import { type LogPage, logPage } from '../conversation/log-page.ts';
import { mentionsOf } from '../conversation/mentioning.ts';
import { readableHead } from '../conversation/span.ts';
import { type GroupState, spansOf } from './group-state.ts';
import type { GroupMember } from './member-table.ts';

type NotReadable = 'CONVERSATION_NOT_FOUND' | 'NOT_A_MEMBER';

export interface MembersPage {
  readonly members: readonly GroupMember[];
  /** Members of the whole group. */
  readonly count: number;
  readonly title: string;
  readonly diffusion: Diffusion;
  readonly head: number;
  readonly more: boolean;
}

/** Who ever was a member reads what was said in their time. */
export function groupLogPage(
  state: GroupState,
  query: { readonly reader: string; readonly from: number; readonly to: number },
): Result<LogPage, NotReadable> {
  if (state.log.head === 0) return err('CONVERSATION_NOT_FOUND');
  const spans = spansOf(state, query.reader);
  return spans.length === 0 ? err('NOT_A_MEMBER') : ok(logPage(state.log, spans, query));
}

/** Members with ids greater than `after`, in rising order; for members only. `limit` 0 means the largest page. */
export function membersPage(
  state: GroupState,
  query: { readonly reader: string; readonly after: string; readonly limit: number },
): Result<MembersPage, NotReadable> {
  if (state.log.head === 0) return err('CONVERSATION_NOT_FOUND');
  if (!state.members.has(query.reader)) return err('NOT_A_MEMBER');
  const max = state.limits.membersPageMax;
  const limit = query.limit === 0 ? max : Math.min(query.limit, max);
  const found = state.members.page(query.after, limit + 1);
  return ok({
    members: found.slice(0, limit),
    count: state.members.size,
    title: state.title,
    diffusion: state.diffusion,
    head: state.log.head,
    more: found.length > limit,
  });
}

/** `read`: the reader's read pointer, as the reader's user entity has it. */
export function groupHead(
  state: GroupState,
  { reader, read }: { readonly reader: string; readonly read: number },
): Result<ConversationHead, 'CONVERSATION_NOT_FOUND'> {
  if (state.log.head === 0) return err('CONVERSATION_NOT_FOUND');
  const spans = spansOf(state, reader);
  const firstVisible = spans.at(-1)?.from ?? 0;
  return ok({
    head: readableHead(spans, state.log.head),
    isMember: state.members.has(reader) && !state.isDismissed,
    diffusion: state.diffusion,
    firstVisible,
    mentioned: mentionsOf(state.mentions, reader, Math.max(read, firstVisible - 1)),
    // Who has left does not learn what came afterwards.
    ...(state.members.has(reader) && { title: state.title }),
  });
}
