// Groups: domain values ↔ bytes. What is read from journals and snapshots was written by any earlier version: an upcast
// of old events belongs into decodeGroupEvent, before the value leaves this file.
import {
  type GroupCommand,
  type GroupEvent,
  type GroupLimits,
  type GroupMember,
  type GroupPolicy,
  type GroupState,
  type LivePush,
  type ReadPointer,
  type Span,
  type UserSpans,
  groupLimits,
  restoreGroup,
  snapshotOfGroup,
} from '@parley/domain';
import type { EntityAddress } from '@parley/std';
import { internal, type parley, wire } from '../messages.ts';
import { encodeRefusal, encodeReply } from './answer-codec.ts';
import { readConversationSnapshot, toConversationSnapshot } from './conversation-snapshot-codec.ts';
import { toWireMessage } from './log-message-codec.ts';
import { encodePosted, isPlainPost, readPost, readPosted } from './hot-values.ts';
import {
  type PostFields,
  conversationCommands,
  conversationEvents,
  withWireTarget,
} from './conversation-shapes.ts';
import { readAnnouncement, readBans, readLastPosts, readOptionalSettings } from './group-parts-codec.ts';
import { readInvites, readRequests, readSettings } from './group-parts-codec.ts';
import { readMentions } from './mentioning-codec.ts';
import { readOptionalWindow } from './rich-content-codec.ts';
import {
  type Decoded,
  type Shape,
  ifSet,
  list,
  listOrAbsent,
  listOf,
  oneOf,
  optional,
  orAbsent,
  plain,
  required,
} from './shape.ts';

export const createGroupCodec = (limits: GroupLimits = groupLimits) => ({
  encodeCommand: encodeGroupCommand,
  decodeCommand: decodeGroupCommand,
  encodeEvent: encodeGroupEvent,
  decodeEvent: decodeGroupEvent,
  encodeSnapshot: encodeGroupSnapshot,
  decodeSnapshot: (bytes: Uint8Array, address: EntityAddress) =>
    restoreGroup(address, readGroupSnapshot(bytes), limits),
  encodeReply,
  encodeRefusal,
  encodePayload: (payload: unknown): Uint8Array => encodeLive(payload as LivePush),
});

export const groupCodec = createGroupCodec();

export function encodeGroupCommand(command: GroupCommand): Uint8Array {
  if (command.type === 'PostMessage')
    return internal.GroupCommand.encode({ postMessage: command as PostFields }).finish();
  return internal.GroupCommand.encode(commands.wrap(withWireTarget(command))).finish();
}

/** Throws on bytes that are no command. */
export function decodeGroupCommand(bytes: Uint8Array): GroupCommand {
  return readPost(bytes) ?? commands.unwrap(internal.GroupCommand.decode(bytes));
}

export function encodeGroupEvent(event: GroupEvent): Uint8Array {
  if (event.type === 'MessagePosted' && isPlainPost(event)) return encodePosted(event);
  return internal.GroupEvent.encode(events.wrap(event)).finish();
}

export function decodeGroupEvent(bytes: Uint8Array): GroupEvent {
  return readPosted(bytes) ?? events.unwrap(internal.GroupEvent.decode(bytes));
}

/** Encoded parley.v1.Live; several of them put together are one Live with all messages. */
export const encodeLive = (live: LivePush): Uint8Array =>
  wire.Live.encode({
    messages: live.messages.map(toWireMessage),
    heads: live.heads as parley.v1.Cursor.$Properties[],
  }).finish();

export function encodeGroupSnapshot(state: GroupState): Uint8Array {
  const snapshot = snapshotOfGroup(state);
  return internal.GroupSnapshot.encode({
    ...(snapshot as parley.internal.v1.GroupSnapshot.$Properties),
    conversation: toConversationSnapshot(snapshot.conversation),
  }).finish();
}

function readGroupSnapshot(bytes: Uint8Array) {
  const message = internal.GroupSnapshot.decode(bytes);
  const { title, diffusion, diffusionSince, isDismissed, avatar } = message;
  const announcement = readAnnouncement(message.announcement);
  const settings = readOptionalSettings(message.settings);
  return {
    conversation: readConversationSnapshot(message.conversation),
    title,
    policy: readPolicy(message.policy),
    members: message.members.map(readMember),
    spans: readSpans(message.spans),
    diffusion,
    diffusionSince,
    isDismissed,
    avatar,
    ...(announcement && { announcement }),
    ...(settings && { settings }),
    bans: readBans(message.bans),
    lastPosts: readLastPosts(message.lastPosts),
    mentions: readMentions(message.mentions),
    invites: readInvites(message.invites),
    requests: readRequests(message.requests),
  };
}

const policyShape: Shape<GroupPolicy> = {
  membersMax: plain,
  largeFrom: plain,
  smallTo: plain,
  editWindow: readOptionalWindow,
  recallWindow: readOptionalWindow,
};

const readPolicy = required(policyShape);
const spanShape: Shape<Span> = { from: plain, to: plain };
const readSpans = listOf<UserSpans>({ user: plain, spans: listOf(spanShape) });

/** By hand: a large group has 100,000 of them. */
function readMember(message: object): GroupMember {
  const { user, role, joined, mutedUntilMs, nickname, firstVisible, read } =
    message as Decoded<parley.internal.v1.Member.$Properties>;
  const member: GroupMember = { user, role, joined, mutedUntilMs, read };
  if (nickname !== '') member.nickname = nickname;
  if (firstVisible > 0) member.firstVisible = firstVisible;
  return member;
}

const readPointers = listOf<ReadPointer>({ user: plain, sequence: plain });

const commands = oneOf<GroupCommand>('GroupCommand', {
  ...conversationCommands,
  CreateGroup: { by: plain, title: plain, members: list, policy: optional(policyShape) },
  AddMembers: { by: plain, members: list },
  RemoveMember: { by: plain, member: plain },
  LeaveGroup: { member: plain },
  DismissGroup: { by: plain },
  SetRole: { by: plain, member: plain, role: plain },
  MuteMember: { by: plain, member: plain, mutedUntilMs: plain },
  ChangeProfile: { by: plain, title: ifSet, avatar: ifSet },
  Announce: { by: plain, text: plain },
  ChangeSettings: { by: plain, muteAll: ifSet, slowModeMs: ifSet, joining: ifSet, historyVisible: ifSet },
  CreateInvite: { by: plain, id: plain, code: plain, expiresAtMs: plain, usesMax: plain },
  RevokeInvite: { by: plain, id: plain },
  JoinGroup: { user: plain, code: plain, message: plain },
  AnswerJoinRequest: { by: plain, user: plain, isApproved: plain },
  SetBan: { by: plain, member: plain, isBanned: plain },
  ChangeWindows: { by: plain, editWindow: readOptionalWindow, recallWindow: readOptionalWindow },
  SetNickname: { by: plain, member: plain, nickname: plain },
  NoteReads: { readers: readPointers },
});

const fact = { sequence: plain, by: plain, atMs: plain };

const events = oneOf<GroupEvent>('GroupEvent', {
  ...conversationEvents,
  GroupCreated: {
    sequence: plain,
    by: plain,
    atMs: plain,
    title: plain,
    members: list,
    policy: required(policyShape),
  },
  MembersAdded: { ...fact, members: list, invite: orAbsent, firstVisible: listOrAbsent },
  MemberRemoved: { sequence: plain, by: plain, atMs: plain, member: plain },
  MemberLeft: { sequence: plain, atMs: plain, member: plain },
  GroupDismissed: { sequence: plain, by: plain, atMs: plain },
  DiffusionChanged: { sequence: plain, atMs: plain, diffusion: plain },
  RoleChanged: { sequence: plain, by: plain, atMs: plain, member: plain, role: plain },
  MemberMuted: { sequence: plain, by: plain, atMs: plain, member: plain, mutedUntilMs: plain },
  ProfileChanged: { ...fact, title: plain, avatar: plain },
  AnnouncementChanged: { ...fact, text: plain },
  SettingsChanged: { ...fact, settings: readSettings },
  BanChanged: { ...fact, member: plain, isBanned: plain },
  WindowsChanged: { ...fact, editWindow: readOptionalWindow, recallWindow: readOptionalWindow },
  InviteCreated: { by: plain, atMs: plain, id: plain, code: plain, expiresAtMs: plain, usesMax: plain },
  InviteRevoked: { by: plain, atMs: plain, id: plain },
  JoinRequested: { sequence: plain, atMs: plain, user: plain, message: plain },
  JoinRefused: { by: plain, atMs: plain, user: plain },
  NicknameChanged: { ...fact, member: plain, nickname: plain },
  ReadsNoted: { pointers: readPointers },
});
