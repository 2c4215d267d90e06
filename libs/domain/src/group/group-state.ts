// What a group remembers.
import type { EntityAddress } from '@parley/std';
import { conversationOfGroup } from '../conversation/conversation-id.ts';
import type { ConversationLog, ConversationLogSnapshot } from '../conversation/conversation-log.ts';
import { emptyLog, restoreLog, snapshotOfLog } from '../conversation/conversation-log.ts';
import { Diffusion } from '../conversation/diffusion.ts';
import type { Span } from '../conversation/span.ts';
import type { EndedSpans } from './ended-spans.ts';
import { type GroupLimits, groupLimits } from './group-limits.ts';
import { type GroupPolicy, groupPolicy } from './group-policy.ts';
import { type GroupMember, MemberTable } from './member-table.ts';

export interface GroupState {
  readonly limits: GroupLimits;
  /** The group exists when the log has a first message: GroupCreated. */
  log: ConversationLog;
  title: string;
  policy: GroupPolicy;
  /** A dismissed group keeps its members: they may go on reading. */
  members: MemberTable;
  endedSpans: EndedSpans;
  diffusion: Diffusion;
  /** Sequence from which `diffusion` holds. */
  diffusionSince: number;
  isDismissed: boolean;
}

export interface GroupSnapshot {
  readonly conversation: ConversationLogSnapshot;
  readonly title: string;
  readonly policy: GroupPolicy;
  /** In the order of joining. */
  readonly members: readonly GroupMember[];
  /** In the order of the newest ending. */
  readonly spans: readonly UserSpans[];
  readonly diffusion: Diffusion;
  readonly diffusionSince: number;
  readonly isDismissed: boolean;
}

export interface UserSpans {
  readonly user: string;
  readonly spans: readonly Span[];
}

export const initialGroup = (address: EntityAddress, limits: GroupLimits): GroupState => ({
  limits,
  log: emptyLog(conversationOfGroup(address.id), limits.conversation),
  title: '',
  policy: groupPolicy,
  members: new MemberTable(),
  endedSpans: new Map(),
  diffusion: Diffusion.WRITE,
  diffusionSince: 1,
  isDismissed: false,
});

/** All spans in which `user` may read: the ended ones, then the running one. */
export function spansOf(state: GroupState, user: string): readonly Span[] {
  const ended = state.endedSpans.get(user) ?? [];
  const member = state.members.get(user);
  return member === undefined ? ended : [...ended, { from: member.joined, to: 0 }];
}

/** The diffusion that held when `sequence` was taken, as far as the last switch is concerned. */
export function diffusionAt(state: GroupState, sequence: number): Diffusion {
  if (sequence >= state.diffusionSince) return state.diffusion;
  return state.diffusion === Diffusion.READ ? Diffusion.WRITE : Diffusion.READ;
}

export const snapshotOfGroup = (state: GroupState): GroupSnapshot => ({
  conversation: snapshotOfLog(state.log),
  title: state.title,
  policy: state.policy,
  members: [...state.members.byId.values()],
  spans: [...state.endedSpans].map(([user, spans]) => ({ user, spans })),
  diffusion: state.diffusion,
  diffusionSince: state.diffusionSince,
  isDismissed: state.isDismissed,
});

/** Takes the parts of `snapshot` over. */
export function restoreGroup(
  address: EntityAddress,
  snapshot: GroupSnapshot,
  limits: GroupLimits = groupLimits,
): GroupState {
  return {
    limits,
    log: restoreLog(conversationOfGroup(address.id), snapshot.conversation, limits.conversation),
    title: snapshot.title,
    policy: snapshot.policy,
    members: new MemberTable(snapshot.members),
    endedSpans: new Map(snapshot.spans.map(({ user, spans }) => [user, spans])),
    diffusion: snapshot.diffusion,
    diffusionSince: snapshot.diffusionSince,
    isDismissed: snapshot.isDismissed,
  };
}
