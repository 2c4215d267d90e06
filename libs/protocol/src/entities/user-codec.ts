// Users: domain values ↔ bytes. What is read from journals and snapshots was written by any earlier version: an upcast
// of old events belongs into decodeUserEvent, before the value leaves this file.
import {
  type EntryAppended,
  type InboxDelivered,
  type UserCommand,
  type UserEvent,
  type UserLimits,
  type UserPush,
  type UserState,
  restoreUser,
  snapshotOfUser,
  userLimits,
} from '@parley/domain';
import { ByteWriter, type EntityAddress, assertNever } from '@parley/std';
import { internal, type parley, wire } from '../messages.ts';
import { encodeRefusal, encodeReply } from './answer-codec.ts';
import { encodeDeliver, encodeEntryAppended, encodeEntryPush, isPlainText } from './hot-values.ts';
import { readDeliver, readEntryAppended } from './hot-values.ts';
import { readEntry, writeInboxEntry } from './inbox-entry-codec.ts';
import { logMessageField, toWireMessage } from './log-message-codec.ts';
import { profileFields, readProfile, readRelation, readSetProfile } from './personal-codec.ts';
import { deviceLoggedOutShape, readLoggedOut } from './personal-codec.ts';
import { toWirePersonal, toWireProfile, toWireRelation } from './personal-codec.ts';
import { mentionsOrAbsent } from './mentioning-codec.ts';
import { type Shape, list, listOf, oneOf, optional, orAbsent, plain } from './shape.ts';
import { accountShape, readConversation, readSettings, toWireConversation } from './user-parts-codec.ts';

export const createUserCodec = (limits: UserLimits = userLimits) => ({
  encodeCommand: encodeUserCommand,
  decodeCommand: decodeUserCommand,
  encodeEvent: encodeUserEvent,
  decodeEvent: decodeUserEvent,
  encodeSnapshot: encodeUserSnapshot,
  decodeSnapshot: (bytes: Uint8Array, address: EntityAddress) =>
    restoreUser(address, readUserSnapshot(bytes), limits),
  encodeReply,
  encodeRefusal,
  encodePayload: (payload: unknown): Uint8Array => encodeUserPush(payload as UserPush),
});

export const userCodec = createUserCodec();

export function encodeUserCommand(command: UserCommand): Uint8Array {
  if (command.type !== 'Deliver') return internal.UserCommand.encode(commands.wrap(command)).finish();
  const { membership, diffusion, title, firstVisible } = command;
  if (isPlainText(command.message) && command.mentions === undefined) return encodeDeliver(command);
  const mentions = command.mentions as parley.internal.v1.Mentioning.$Properties[] | undefined;
  const more = firstVisible === undefined ? {} : { firstVisible };
  const deliver = {
    message: toWireMessage(command.message),
    membership,
    diffusion,
    title,
    mentions,
    ...more,
  };
  return internal.UserCommand.encode({ deliver }).finish();
}

/** Throws on bytes that are no command. */
export function decodeUserCommand(bytes: Uint8Array): UserCommand {
  return readDeliver(bytes) ?? commands.unwrap(internal.UserCommand.decode(bytes));
}

/** The body an EntryAppended carries along in memory (`push`) is no part of the fact and is not encoded. */
export function encodeUserEvent(event: UserEvent): Uint8Array {
  if (event.type === 'EntryAppended' && event.mentions === undefined && event.firstVisible === undefined)
    return encodeEntryAppended(event);
  return internal.UserEvent.encode(events.wrap(event)).finish();
}

export function decodeUserEvent(bytes: Uint8Array): UserEvent {
  return readEntryAppended(bytes) ?? events.unwrap(internal.UserEvent.decode(bytes));
}

/**
 * Numbered pushes become an encoded parley.v1.Entry without position (the gateway appends it), the others an encoded
 * ServerFrame without request id.
 */
export function encodeUserPush(push: UserPush): Uint8Array {
  switch (push.type) {
    case 'Entry': {
      if (isPlainText(push.message)) return encodeEntryPush(push);
      const { message, ...rest } = push;
      return wire.Entry.encode({ ...rest, message: toWireMessage(message) }).finish();
    }
    case 'ReadMoved':
      return wire.Entry.encode({ readMoved: push }).finish();
    case 'Personal':
      return wire.Entry.encode({ personal: toWirePersonal(push.change) }).finish();
    case 'SettingsChanged':
      return wire.Entry.encode({ settingsChanged: push }).finish();
    case 'ViewNarrowed':
      return wire.Entry.encode({ viewNarrowed: { ...push, deleted: [...push.deleted] } }).finish();
    case 'Receipt':
      return wire.ServerFrame.encode({ receipt: push }).finish();
    case 'Delivered':
      return wire.ServerFrame.encode({ receipt: push }).finish();
    case 'SyncNeeded':
      return wire.ServerFrame.encode({ syncNeeded: push }).finish();
    default:
      return assertNever(push, 'encodeUserPush');
  }
}

export function encodeUserSnapshot(state: UserState): Uint8Array {
  const { account, position, entries, conversations, personal, delivered } = snapshotOfUser(state);
  const first = position - entries.length + 1;
  const writer = new ByteWriter().raw(internal.UserSnapshot.encode({ account, position }).finish());
  entries.forEach((entry, index) => writeInboxEntry(writer, 3, { position: first + index, entry }));
  const relations = [...personal.relations.values()].map(toWireRelation);
  const { whoMayWrite, profile, devices } = personal;
  const rest = {
    conversations: conversations.map(toWireConversation),
    relations,
    whoMayWrite,
    loggedOut: [...devices.loggedOut.values()],
    claimed: [...devices.claimed].map(([deviceClass, deviceId]) => ({ deviceClass, deviceId })),
    ...(profile === undefined ? {} : { profile: toWireProfile(profile) }),
    delivered,
  };
  return writer.raw(internal.UserSnapshot.encode(rest).finish()).finish();
}

function readUserSnapshot(bytes: Uint8Array) {
  const message = internal.UserSnapshot.decode(bytes);
  return {
    account: readAccount(message.account),
    position: message.position,
    entries: message.entries.map((entry) => readEntry(entry as parley.internal.v1.InboxEntry)),
    conversations: message.conversations.map((each) => readConversation(each as parley.v1.Conversation)),
    personal: {
      relations: relationsIn(message.relations),
      whoMayWrite: message.whoMayWrite,
      profile: readProfile(message.profile),
      devices: {
        loggedOut: readLoggedOut(message.loggedOut),
        claimed: new Map(message.claimed.map((each) => [each.deviceClass ?? 0, each.deviceId ?? ''])),
      },
    },
    delivered: message.delivered,
  };
}

const readAccount = optional(accountShape);

const relationsIn = (messages: readonly object[]) =>
  new Map(messages.map(readRelation).map((relation) => [relation.user, relation]));

const entryAppendedShape: Shape<EntryAppended> = {
  conversation: plain,
  sequence: plain,
  sender: plain,
  atMs: plain,
  membership: plain,
  diffusion: plain,
  title: plain,
  target: orAbsent,
  isRecall: orAbsent,
  isMark: orAbsent,
  mentions: mentionsOrAbsent,
  firstVisible: orAbsent,
  push: () => undefined,
};

const readCursors = listOf<InboxDelivered['directs'][number]>({ conversation: plain, sequence: plain });

const commands = oneOf<UserCommand>('UserCommand', {
  RegisterUser: { handle: plain, displayName: plain, passwordHash: plain },
  Deliver: {
    message: logMessageField,
    membership: plain,
    diffusion: plain,
    title: plain,
    mentions: mentionsOrAbsent,
    firstVisible: orAbsent,
  },
  ReadConversation: { conversation: plain, sequence: plain },
  NotePeerRead: { conversation: plain, peer: plain, sequence: plain },
  ChangeRelation: { user: plain, action: plain, message: plain, remark: plain, tags: list },
  NotePeerRelation: { peer: plain, action: plain, message: plain, requestMs: plain },
  SetConversation: { conversation: plain, settings: readSettings, fields: list, head: plain },
  NarrowView: { conversation: plain, clearedThrough: plain, deleted: list, head: plain },
  SetWriteRule: { whoMayWrite: plain },
  LogOutDevice: { deviceId: plain },
  ClaimDevice: { deviceId: plain, deviceClass: plain },
  SetProfile: { displayName: plain, avatar: plain, fields: profileFields },
  AcknowledgeInbox: { position: plain },
  NotePeerDelivered: { conversation: plain, sequence: plain },
});

const events = oneOf<UserEvent>('UserEvent', {
  UserRegistered: { handle: plain, displayName: plain, passwordHash: plain, atMs: plain },
  EntryAppended: entryAppendedShape,
  ReadPointerMoved: { conversation: plain, sequence: plain },
  PeerReadNoted: { conversation: plain, sequence: plain },
  RelationChanged: { action: plain, isByPeer: plain, relation: readRelation, requestMs: plain },
  ConversationSettingsChanged: { conversation: plain, settings: readSettings },
  ViewNarrowed: { conversation: plain, clearedThrough: plain, deleted: list },
  WriteRuleChanged: { whoMayWrite: plain },
  DeviceLoggedOut: deviceLoggedOutShape,
  DeviceClaimed: { deviceId: plain, deviceClass: plain },
  UserProfileChanged: { profile: readSetProfile },
  InboxDelivered: { position: plain, directs: readCursors },
  PeerDeliveredNoted: { conversation: plain, sequence: plain },
});
