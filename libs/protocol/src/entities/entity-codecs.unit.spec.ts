// Whatever a domain value holds, it comes back from its bytes as it was: a plain object that shares nothing with them.
import type {
  Joining,
  DirectCommand,
  DirectEvent,
  GroupCommand,
  GroupEvent,
  LogMessage,
} from '@parley/domain';
import type { Deliver, RichContent, SystemChange, UserCommand, UserEvent } from '@parley/domain';
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { internal, wire } from '../messages.ts';
import { encodeRefusal, encodeReply } from './answer-codec.ts';
import type { PostFields } from './conversation-shapes.ts';
import { directCodec } from './direct-codec.ts';
import * as samples from './golden/samples.ts';
import { groupCodec } from './group-codec.ts';
import { decodeLogMessage, encodeLogMessage, toWireMessage } from './log-message-codec.ts';
import { queryAnswer } from './query-codec.ts';
import { userCodec } from './user-codec.ts';

/** For each type of a union, an arbitrary for each of its fields. */
type Fields<T> = {
  readonly [K in T extends { readonly type: string } ? T['type'] : never]: {
    readonly [F in keyof Omit<Extract<T, { readonly type: K }>, 'type' | 'push'>]-?: Arbitrary<
      Extract<T, { readonly type: K }>[F]
    >;
  };
};

/** Records with the prototype of plain objects, as decoded values have. */
const record = <T>(fields: { [K in keyof T]: Arbitrary<T[K]> }): Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true });

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const number = fc.oneof(fc.nat(), fc.maxSafeNat());
const users = fc.array(text, { maxLength: 5 });
const oneOfNumbers = <const T extends number>(...values: T[]): Arbitrary<T> => fc.constantFrom(...values);
const diffusion = oneOfNumbers(0, 1, 2);
const membership = oneOfNumbers(0, 1, 2);
const role = oneOfNumbers(0, 1, 2, 3);
const refusal = oneOfNumbers(0, 1, 2);
const relationAction = oneOfNumbers(0, 1, 2, 3, 4, 5, 6, 7);
const profileFields = fc.array(record({ name: text, value: text }), { maxLength: 3 });
const relation = record({
  type: fc.constant('Relation' as const),
  user: text,
  contact: oneOfNumbers(0, 1, 2, 3),
  isBlocked: fc.boolean(),
  message: text,
  remark: text,
  tags: users,
  sinceMs: number,
});
const maybe = <T>(value: Arbitrary<T>) => fc.option(value, { nil: undefined });
/** Absent fields leave no key behind, as in what codecs read. */
const withoutAbsent = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
const window = record({ ownMs: number, managerMs: number });
const policy = record({
  membersMax: fc.nat(),
  largeFrom: fc.nat(),
  smallTo: fc.nat(),
  editWindow: maybe(window),
  recallWindow: maybe(window),
}).map(withoutAbsent);
const degrees = fc.double({ min: -90, max: 90, noNaN: true }).map((value) => value + 0);
const media = record({
  ref: text,
  mimeType: text,
  sizeBytes: number,
  name: text,
  width: fc.nat(),
  height: fc.nat(),
  durationMs: fc.nat(),
});
const attachment: Arbitrary<Partial<RichContent>> = fc.oneof(
  fc.constant({}),
  media.map((image) => ({ image })),
  media.map((gif) => ({ gif })),
  media.map((voice) => ({ voice })),
  media.map((video) => ({ video })),
  media.map((file) => ({ file })),
  record({ pack: text, id: text, emoji: text }).map((sticker) => ({ sticker })),
  record({ latitude: degrees, longitude: degrees, name: text, address: text }).map((location) => ({
    location,
  })),
  record({ user: text, displayName: text }).map((contactCard) => ({ contactCard })),
  record({ type: text, payload: text }).map((custom) => ({ custom })),
);

const rich: Arbitrary<RichContent> = fc
  .tuple(
    attachment,
    record({
      mentions: users,
      mentionsAll: fc.boolean(),
      replyTo: maybe(record({ sequence: number, sender: text, text, kind: text })),
      forwardedFrom: maybe(record({ conversation: text, sequence: number, sender: text, sentAtMs: number })),
    }),
  )
  .map(([attached, others]) => withoutAbsent({ ...attached, ...others }));
const posted = { sequence: number, sender: text, clientMessageId: text, atMs: number, text };
const post = { sender: text, clientMessageId: text, text, afterClientMessageId: text };
const header = record({
  sequence: number,
  sender: text,
  clientMessageId: text,
  sentAtMs: number,
  kind: text,
});
const changed = { sequence: number, sender: text, clientMessageId: text, atMs: number, target: header };

/** Values of all types of the union. An undefined optional field is left out, as codecs do. */
function valuesOf<T extends { readonly type: string }>(fields: Fields<T>): Arbitrary<T> {
  const entries = Object.entries(fields) as [string, Record<string, Arbitrary<unknown>>][];
  const values = entries.map(([type, each]) => record({ type: fc.constant(type), ...each }));
  return fc.oneof(...values).map((value) => {
    const set = Object.entries(value).filter(([, field]) => field !== undefined);
    return Object.fromEntries(set) as unknown as T;
  });
}

const emojiCounts = fc.array(record({ emoji: text, count: fc.integer({ min: 1, max: 9 }) }), {
  maxLength: 3,
});
const joining = fc.constantFrom<Joining>(1, 2, 3);
const settings = record({ muteAll: fc.boolean(), slowModeMs: number, joining, historyVisible: fc.boolean() });
const systemChange = valuesOf<SystemChange>({
  GroupCreated: { title: text, members: users },
  MembersAdded: { members: users },
  MemberRemoved: { member: text },
  MemberLeft: { member: text },
  GroupDismissed: {},
  DiffusionChanged: { diffusion },
  RoleChanged: { member: text, role },
  MemberMuted: { member: text, mutedUntilMs: number },
  MessageReacted: { sequence: number, emoji: text, isRemoved: fc.boolean(), reactions: emojiCounts },
  MessagePinned: { sequence: number },
  MessageUnpinned: { sequence: number },
  ProfileChanged: { title: text, avatar: text },
  AnnouncementChanged: { text },
  SettingsChanged: { settings },
  BanChanged: { member: text, isBanned: fc.boolean() },
  WindowsChanged: {},
  JoinRequested: { user: text },
  NicknameChanged: { member: text, nickname: text },
});
const messageHead = {
  conversation: text,
  sequence: number,
  sender: text,
  clientMessageId: text,
  sentAtMs: number,
};

const logMessage: Arbitrary<LogMessage> = fc.oneof(
  record({ ...messageHead, text }),
  record({ ...messageHead, text, rich: maybe(rich) }).map(withoutAbsent),
  record({
    ...messageHead,
    text,
    rich: maybe(rich),
    revision: fc.integer({ min: 1 }),
    changedAtMs: number,
    isRecalled: maybe(fc.constant(true)),
  }).map(withoutAbsent),
  record({ ...messageHead, system: systemChange }),
  record({
    ...messageHead,
    edited: record({ sequence: number, text, rich: maybe(rich) }).map(withoutAbsent),
  }),
  record({ ...messageHead, recalled: record({ sequence: number }) }),
);

const flags = maybe(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 }));
const verdict = { flags, isRefused: maybe(fc.constant(true)) };
const edit = {
  sender: text,
  clientMessageId: text,
  sequence: number,
  text,
  mentions: users,
  mentionsAll: fc.boolean(),
  sealed: maybe(fc.uint8Array({ minLength: 1, maxLength: 200 })),
  target: maybe(logMessage),
  window,
  ...verdict,
};

const recall = { sender: text, clientMessageId: text, sequence: number, target: maybe(logMessage), window };
const conversationCommands = {
  PostMessage: { ...post, rich: maybe(rich), ...verdict },
  EditMessage: edit,
  RecallMessage: recall,
  ReactToMessage: {
    sender: text,
    sequence: number,
    emoji: text,
    isRemoved: fc.boolean(),
    target: maybe(logMessage),
  },
  PinMessage: { sender: text, sequence: number, isRemoved: fc.boolean(), target: maybe(logMessage) },
};

const mark = { sequence: number, by: text, atMs: number, target: number };
const conversationEvents = {
  MessagePosted: { ...posted, rich: maybe(rich), flags },
  MessageEdited: { ...changed, text, rich: maybe(rich), flags },
  MessageRecalled: changed,
  MessageReacted: { ...mark, emoji: text, isRemoved: fc.boolean(), counts: emojiCounts },
  MessagePinned: mark,
  MessageUnpinned: mark,
};

const directCommand = valuesOf<DirectCommand>({
  ...conversationCommands,
  MarkRead: { reader: text, sequence: number },
  SetRefusal: { user: text, refusal },
});
const directEvent = valuesOf<DirectEvent>({
  ...conversationEvents,
  ReadAdvanced: { reader: text, sequence: number },
  RefusalSet: { user: text, refusal },
});
const pointers = fc.array(record({ user: text, sequence: number }), { maxLength: 3 });
const groupCommand = valuesOf<GroupCommand>({
  ...conversationCommands,
  CreateGroup: { by: text, title: text, members: users, policy: fc.option(policy, { nil: undefined }) },
  AddMembers: { by: text, members: users },
  RemoveMember: { by: text, member: text },
  LeaveGroup: { member: text },
  DismissGroup: { by: text },
  SetRole: { by: text, member: text, role },
  MuteMember: { by: text, member: text, mutedUntilMs: number },
  ChangeProfile: { by: text, title: maybe(text), avatar: maybe(text) },
  Announce: { by: text, text },
  ChangeSettings: {
    by: text,
    muteAll: maybe(fc.boolean()),
    slowModeMs: maybe(number),
    joining: maybe(joining),
    historyVisible: maybe(fc.boolean()),
  },
  CreateInvite: { by: text, id: text, code: text, expiresAtMs: number, usesMax: fc.nat() },
  RevokeInvite: { by: text, id: text },
  JoinGroup: { user: text, code: text, message: text },
  AnswerJoinRequest: { by: text, user: text, isApproved: fc.boolean() },
  SetBan: { by: text, member: text, isBanned: fc.boolean() },
  ChangeWindows: { by: text, editWindow: maybe(window), recallWindow: maybe(window) },
  SetNickname: { by: text, member: text, nickname: text },
  NoteReads: { readers: pointers },
});
const fact = { sequence: number, by: text, atMs: number };
const groupEvent = valuesOf<GroupEvent>({
  ...conversationEvents,
  GroupCreated: { ...fact, title: text, members: users, policy },
  MembersAdded: {
    ...fact,
    members: users,
    invite: maybe(fc.string({ minLength: 1 })),
    firstVisible: maybe(fc.array(number, { minLength: 1 })),
  },
  InviteCreated: { by: text, atMs: number, id: text, code: text, expiresAtMs: number, usesMax: fc.nat() },
  InviteRevoked: { by: text, atMs: number, id: text },
  JoinRequested: { sequence: number, atMs: number, user: text, message: text },
  JoinRefused: { by: text, atMs: number, user: text },
  MemberRemoved: { ...fact, member: text },
  MemberLeft: { sequence: number, atMs: number, member: text },
  GroupDismissed: fact,
  DiffusionChanged: { sequence: number, atMs: number, diffusion },
  RoleChanged: { ...fact, member: text, role },
  MemberMuted: { ...fact, member: text, mutedUntilMs: number },
  ProfileChanged: { ...fact, title: text, avatar: text },
  AnnouncementChanged: { ...fact, text },
  SettingsChanged: { ...fact, settings },
  BanChanged: { ...fact, member: text, isBanned: fc.boolean() },
  WindowsChanged: { ...fact, editWindow: maybe(window), recallWindow: maybe(window) },
  NicknameChanged: { ...fact, member: text, nickname: text },
  ReadsNoted: { pointers },
});
const mentions = fc.array(record({ sequence: number, users, all: fc.boolean() }), {
  minLength: 1,
  maxLength: 3,
});
const ownSettings = record({
  doNotDisturbUntilMs: number,
  pinned: fc.boolean(),
  hidden: fc.boolean(),
  markedUnread: fc.boolean(),
  hiddenThrough: number,
});
const userCommand = valuesOf<UserCommand>({
  RegisterUser: { handle: text, displayName: text, passwordHash: text },
  Deliver: {
    message: logMessage,
    membership,
    diffusion,
    title: text,
    mentions: maybe(mentions),
    firstVisible: fc.constant(undefined),
  },
  ReadConversation: { conversation: text, sequence: number },
  NotePeerRead: { conversation: text, peer: text, sequence: number },
  ChangeRelation: { user: text, action: relationAction, message: text, remark: text, tags: users },
  SetWriteRule: { whoMayWrite: oneOfNumbers(0, 1, 2) },
  LogOutDevice: { deviceId: text },
  ClaimDevice: { deviceId: text, deviceClass: oneOfNumbers(0, 1, 2) },
  SetProfile: { displayName: text, avatar: text, fields: profileFields },
  NotePeerRelation: { peer: text, action: relationAction, message: text, requestMs: number },
  SetConversation: { conversation: text, settings: ownSettings, fields: users, head: number },
  NarrowView: { conversation: text, clearedThrough: number, deleted: fc.array(number), head: number },
  AcknowledgeInbox: { position: number },
  NotePeerDelivered: { conversation: text, sequence: number },
});
const userEvent = valuesOf<UserEvent>({
  ConversationSettingsChanged: { conversation: text, settings: ownSettings },
  ViewNarrowed: { conversation: text, clearedThrough: number, deleted: fc.array(number) },
  UserRegistered: { handle: text, displayName: text, passwordHash: text, atMs: number },
  EntryAppended: {
    conversation: text,
    sequence: number,
    sender: text,
    atMs: number,
    membership,
    diffusion,
    title: text,
    target: maybe(fc.integer({ min: 1 })),
    isRecall: maybe(fc.constant(true)),
    isMark: maybe(fc.constant(true)),
    mentions: maybe(mentions),
    firstVisible: maybe(fc.integer({ min: 1 })),
  },
  ReadPointerMoved: { conversation: text, sequence: number },
  PeerReadNoted: { conversation: text, sequence: number },
  WriteRuleChanged: { whoMayWrite: oneOfNumbers(0, 1, 2) },
  DeviceLoggedOut: { deviceId: text, atMs: number, reason: text },
  DeviceClaimed: { deviceId: text, deviceClass: oneOfNumbers(0, 1, 2) },
  UserProfileChanged: {
    profile: record({
      type: fc.constant('Profile' as const),
      displayName: text,
      avatar: text,
      fields: profileFields,
    }),
  },
  RelationChanged: { action: relationAction, isByPeer: fc.boolean(), relation, requestMs: number },
  InboxDelivered: {
    position: number,
    directs: fc.array(record({ conversation: text, sequence: number }), { maxLength: 3 }),
  },
  PeerDeliveredNoted: { conversation: text, sequence: number },
});

/** Overwrites the bytes after decoding: what was read must not change. */
function comesBack<T>(
  values: Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T,
) {
  const property = fc.property(values, (value) => {
    const bytes = Uint8Array.from(encode(value));
    const back = decode(bytes);
    bytes.fill(0xff);
    expect(back).toStrictEqual(value);
  });
  fc.assert(property, { numRuns: 300 });
}

describe('entity codecs', () => {
  it('bring back every command', () => {
    comesBack(directCommand, directCodec.encodeCommand, directCodec.decodeCommand);
    comesBack(groupCommand, groupCodec.encodeCommand, groupCodec.decodeCommand);
    comesBack(userCommand, userCodec.encodeCommand, userCodec.decodeCommand);
  });

  it('bring back every event', () => {
    comesBack(directEvent, directCodec.encodeEvent, directCodec.decodeEvent);
    comesBack(groupEvent, groupCodec.encodeEvent, groupCodec.decodeEvent);
    comesBack(userEvent, userCodec.encodeEvent, userCodec.decodeEvent);
  });

  it('bring back every log message', () => {
    comesBack(logMessage, encodeLogMessage, decodeLogMessage);
  });

  it('write the hot values as the generated code does', () => {
    const textOnly = record({ ...messageHead, text });
    const plainText = {
      type: fc.constant('Deliver' as const),
      message: textOnly,
      membership,
      diffusion,
      title: text,
    };
    fc.assert(
      fc.property(record({ type: fc.constant('MessagePosted' as const), ...posted }), (messagePosted) => {
        const bytes = Buffer.from(internal.DirectEvent.encode({ messagePosted }).finish());
        expect(Buffer.from(directCodec.encodeEvent(messagePosted))).toEqual(bytes);
        expect(Buffer.from(groupCodec.encodeEvent(messagePosted))).toEqual(bytes);
      }),
    );
    fc.assert(
      fc.property(record(plainText), fc.boolean(), (deliver, left) => {
        const { message, title } = deliver;
        const generated = internal.UserCommand.encode({ deliver }).finish();
        expect(Buffer.from(userCodec.encodeCommand(deliver))).toEqual(Buffer.from(generated));
        const push = { type: 'Entry' as const, message, diffusion: deliver.diffusion, left, title };
        const entry = wire.Entry.encode(push).finish();
        expect(Buffer.from(userCodec.encodePayload(push))).toEqual(Buffer.from(entry));
        const { conversation, sequence, sender, sentAtMs, clientMessageId } = message;
        const entryAppended = {
          conversation,
          sequence,
          sender,
          atMs: sentAtMs,
          membership: 1,
          diffusion: 2,
          title,
        } as const;
        const event = internal.UserEvent.encode({ entryAppended }).finish();
        expect(Buffer.from(userCodec.encodeEvent({ type: 'EntryAppended', ...entryAppended }))).toEqual(
          Buffer.from(event),
        );
        const sent = {
          type: 'Sent' as const,
          conversation,
          clientMessageId,
          sequence,
          sentAtMs,
          duplicate: left,
        };
        const frame = wire.ServerFrame.encode({ sent }).finish();
        expect(Buffer.from(encodeReply(sent))).toEqual(Buffer.from(frame));
      }),
    );
  });

  it('push a text that was delivered, and others after it, as the generated code does', () => {
    const textOnly = record({ ...messageHead, text });
    fc.assert(
      fc.property(textOnly, textOnly, (message, other) => {
        const deliver: Deliver = { type: 'Deliver', message, membership: 0, diffusion: 0, title: '' };
        const delivered = userCodec.decodeCommand(userCodec.encodeCommand(deliver)) as Deliver;
        const read = delivered.message as typeof message;
        for (const each of [read, message, other]) {
          const push = {
            type: 'Entry' as const,
            message: each,
            diffusion: 0,
            left: false,
            title: '',
          } as const;
          const entry = wire.Entry.encode(push).finish();
          expect(Buffer.from(userCodec.encodePayload(push))).toEqual(Buffer.from(entry));
        }
      }),
    );
  });

  it('write log messages as the generated code does', () => {
    fc.assert(
      fc.property(logMessage, (message) => {
        const expected = wire.Message.encode(toWireMessage(message)).finish();
        expect(Buffer.from(encodeLogMessage(message))).toEqual(Buffer.from(expected));
      }),
    );
  });

  it('read what other versions write: other orders, unknown fields, defaults spelled out', () => {
    const post = samples.directCommands.PostMessage;
    const fields = internal.PostMessage.encode(post as PostFields).finish();
    const unknown = Buffer.from([0x78, 0x01]);
    const sender = Buffer.from('\x0a\x03eve');
    for (const extra of [unknown, sender, Buffer.from([0x22, 0x00])]) {
      const body = Buffer.concat([fields, extra]);
      const bytes = Buffer.concat([Buffer.from([0x0a, body.length]), body]);
      const expected =
        extra === sender
          ? { ...post, sender: 'eve' }
          : extra === unknown
            ? post
            : { ...post, afterClientMessageId: '' };
      expect(directCodec.decodeCommand(bytes)).toEqual(expected);
      expect(groupCodec.decodeCommand(bytes)).toEqual(expected);
    }
  });

  it('refuse texts that are no UTF-8', () => {
    const bytes = Buffer.from(
      directCodec.encodeCommand({ ...samples.directCommands.PostMessage, text: 'abc' }),
    );
    bytes[bytes.indexOf('abc') + 1] = 0xff;
    expect(() => directCodec.decodeCommand(bytes)).toThrow();
    const kept = { ...samples.directCommands.PostMessage, text: 'a\ufffdc' };
    expect(directCodec.decodeCommand(directCodec.encodeCommand(kept))).toEqual(kept);
  });

  it('leave the body out of the entry event', () => {
    const { EntryAppended: entry } = samples.userEvents;
    const push = {
      type: 'Entry',
      message: samples.logMessages.text as LogMessage,
      diffusion: 0,
      left: false,
    } as const;
    const bytes = userCodec.encodeEvent({ ...entry, push: { ...push, title: '' } });
    expect(bytes).toEqual(userCodec.encodeEvent(entry));
  });

  it('throw on bytes that hold nothing they know', () => {
    const nothing = new Uint8Array();
    const unknownMember = Uint8Array.from([0xfa, 0x07, 0x00]);
    const torn = userCodec.encodeCommand(samples.userCommands.Deliver).subarray(0, 12);
    for (const codec of [directCodec, groupCodec, userCodec]) {
      for (const bytes of [nothing, unknownMember, torn]) {
        expect(() => codec.decodeCommand(bytes)).toThrow();
        expect(() => codec.decodeEvent(bytes)).toThrow();
      }
    }
  });
});

describe('pushes', () => {
  const entryOf = (bytes: Uint8Array) => wire.Entry.toObject(wire.Entry.decode(bytes), { defaults: false });
  const frameOf = (bytes: Uint8Array) => wire.ServerFrame.toObject(wire.ServerFrame.decode(bytes));

  it('are entries without position when numbered', () => {
    const message = samples.logMessages.text as LogMessage;
    const entry = userCodec.encodePayload({
      type: 'Entry',
      message,
      diffusion: 1,
      left: false,
      title: 'Tea',
    });
    expect(entryOf(entry)).toEqual({ message, diffusion: 1, title: 'Tea' });
    const moved = { conversation: 'g.tea', sequence: 7, unread: 2 };
    expect(entryOf(userCodec.encodePayload({ type: 'ReadMoved', ...moved }))).toEqual({ readMoved: moved });
    const system = samples.logMessages.MembersAdded as LogMessage;
    const added = userCodec.encodePayload({
      type: 'Entry',
      message: system,
      diffusion: 0,
      left: true,
      title: '',
    });
    const { clientMessageId: _, ...head } = system;
    expect(entryOf(added)).toEqual({
      message: { ...head, system: { membersAdded: { members: ['cat'] } } },
      left: true,
    });
  });

  it('take their position from bytes put behind them', () => {
    const moved = userCodec.encodePayload({
      type: 'ReadMoved',
      conversation: 'g.tea',
      sequence: 7,
      unread: 2,
      unreadMentions: 1,
    });
    const position = wire.Entry.encode({ position: 42 }).finish();
    expect(wire.Entry.decode(Buffer.concat([moved, position]))).toMatchObject({
      position: 42,
      change: 'readMoved',
    });
  });

  it('are frames without request id when not numbered', () => {
    const receipt = { conversation: 'd.ann.bob', user: 'bob', sequence: 7 };
    expect(frameOf(userCodec.encodePayload({ type: 'Receipt', ...receipt }))).toEqual({ receipt });
    expect(frameOf(userCodec.encodePayload({ type: 'SyncNeeded', inboxPosition: 9 }))).toEqual({
      syncNeeded: { inboxPosition: 9 },
    });
  });

  it('of a group can be put together', () => {
    const messages = [samples.logMessages.text as LogMessage];
    const one = groupCodec.encodePayload({ type: 'Live', messages, heads: [] });
    const heads = [{ conversation: 'g.tea', sequence: 7 }];
    const two = groupCodec.encodePayload({ type: 'Live', messages: [], heads });
    expect(wire.Live.toObject(wire.Live.decode(Buffer.concat([one, two])))).toEqual({ messages, heads });
  });
});

describe('answers', () => {
  const frameOf = (bytes: Uint8Array) => wire.ServerFrame.toObject(wire.ServerFrame.decode(bytes));

  it('are frames without request id', () => {
    const sent = { conversation: 'g.tea', clientMessageId: 'c', sequence: 3, sentAtMs: 4, duplicate: true };
    expect(frameOf(encodeReply({ type: 'Sent', ...sent }))).toEqual({ sent });
    const readDone = { conversation: 'g.tea', sequence: 3, unread: 1, unreadMentions: 1 };
    expect(frameOf(encodeReply({ type: 'ReadDone', ...readDone }))).toEqual({ readDone });
    expect(frameOf(encodeReply({ type: 'Done' }))).toEqual({ done: {} });
  });

  it('give refusals their stable code, and unknown ones INTERNAL', () => {
    const refusal = frameOf(encodeRefusal({ accepted: false, code: 'PREDECESSOR_MISSING' }));
    expect(refusal.error).toMatchObject({ code: 'PREDECESSOR_MISSING', retryable: true, retryAfterMs: 50 });
    const own = frameOf(encodeRefusal({ accepted: false, code: 'BAD_REQUEST', message: 'No.' }));
    expect(own.error).toMatchObject({ code: 'BAD_REQUEST', message: 'No.' });
    expect(frameOf(encodeRefusal({ accepted: false, code: 'NO_SUCH_CODE' })).error.code).toBe('INTERNAL');
  });

  it('take a request id from bytes put before them', () => {
    const id = wire.ServerFrame.encode({ requestId: 5 }).finish();
    const frame = wire.ServerFrame.decode(Buffer.concat([id, encodeReply({ type: 'Done' })]));
    expect(frame).toMatchObject({ requestId: 5, body: 'done' });
  });

  it('carry an error for a query that is not allowed', () => {
    const answer = internal.QueryAnswer.decode(queryAnswer.error('NOT_A_MEMBER'));
    expect(answer.error).toMatchObject({ code: 'NOT_A_MEMBER', retryable: false });
  });
});
