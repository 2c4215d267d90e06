// What a group remembers.
import type { EntityAddress } from '@parley/std';
import { conversationOfGroup } from '../conversation/conversation-id.ts';
import type { ConversationLog, ConversationLogSnapshot } from '../conversation/conversation-log.ts';
import { emptyLog, restoreLog, snapshotOfLog } from '../conversation/conversation-log.ts';
import { Diffusion } from '../conversation/diffusion.ts';
import { type Mentioning, type Mentionings, restoreMentions } from '../conversation/mentioning.ts';
import type { Span } from '../conversation/span.ts';
import type { EndedSpans } from './ended-spans.ts';
import { type GroupLimits, groupLimits } from './group-limits.ts';
import { type GroupPolicy, groupPolicy } from './group-policy.ts';
import { type Announcement, type Ban, type GroupSettings, groupSettings } from './group-settings.ts';
import { type GroupMember, MemberTable } from './member-table.ts';
import type { Invite, Invites, JoinRequest, JoinRequests } from './invites.ts';
import type { LastPosts } from './slow-mode.ts';

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
  /** Reference of a picture; empty: none. */
  avatar: string;
  announcement: Announcement | undefined;
  settings: GroupSettings;
  /** In the order they were set; undefined while nobody is banned. */
  bans: Map<string, Ban> | undefined;
  lastPosts: LastPosts;
  /** Whom the newest messages mention: under read-diffusion nobody's inbox is told. */
  mentions: Mentionings;
  invites: Invites;
  requests: JoinRequests;
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
  readonly avatar: string;
  readonly announcement?: Announcement;
  /** Absent: nothing has been changed. */
  readonly settings?: GroupSettings;
  readonly bans: readonly Ban[];
  /** In the order of writing. */
  readonly lastPosts: readonly LastPost[];
  readonly mentions: readonly Mentioning[];
  readonly invites: readonly Invite[];
  readonly requests: readonly JoinRequest[];
}

export interface LastPost {
  readonly user: string;
  readonly atMs: number;
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
  avatar: '',
  announcement: undefined,
  settings: groupSettings,
  bans: undefined,
  lastPosts: undefined,
  mentions: undefined,
  invites: undefined,
  requests: undefined,
});

/** All spans in which `user` may read: the ended ones, then the running one. */
export function spansOf(state: GroupState, user: string): readonly Span[] {
  const ended = state.endedSpans.get(user) ?? [];
  const member = state.members.get(user);
  return member === undefined ? ended : [...ended, { from: member.firstVisible ?? member.joined, to: 0 }];
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
  avatar: state.avatar,
  ...(state.announcement && { announcement: state.announcement }),
  ...(state.settings !== groupSettings && { settings: state.settings }),
  bans: [...(state.bans?.values() ?? [])],
  lastPosts: [...(state.lastPosts ?? [])].map(([user, atMs]) => ({ user, atMs })),
  mentions: [...(state.mentions?.values() ?? [])],
  invites: [...(state.invites?.values() ?? [])],
  requests: [...(state.requests?.values() ?? [])],
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
    avatar: snapshot.avatar,
    announcement: snapshot.announcement,
    settings: snapshot.settings ?? groupSettings,
    bans: mapOrNone(snapshot.bans.map((ban) => [ban.user, ban])),
    invites: mapOrNone(snapshot.invites.map((invite) => [invite.id, invite])),
    requests: mapOrNone(snapshot.requests.map((request) => [request.user, request])),
    lastPosts: mapOrNone(snapshot.lastPosts.map(({ user, atMs }) => [user, atMs])),
    mentions: restoreMentions(snapshot.mentions),
  };
}

const mapOrNone = <Value>(entries: readonly (readonly [string, Value])[]): Map<string, Value> | undefined =>
  entries.length === 0 ? undefined : new Map(entries);
