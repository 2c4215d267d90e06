// One value of every journaled and logged type, with all fields set to something that shows. golden.json holds their
// bytes: they are read for ever, so a sample and its bytes are added, never changed.
import type { DirectCommand, DirectEvent, GroupCommand, GroupEvent, LogMessage } from '@parley/domain';
import type { RichContent, SystemChange, UserCommand, UserEvent } from '@parley/domain';
import { directDecider, groupDecider, userDecider } from '@parley/domain';

type Of<T extends { readonly type: string }> = { [K in T['type']]: Extract<T, { readonly type: K }> };

const atMs = 1_790_000_000_000;
const policy = { membersMax: 100_000, largeFrom: 500, smallTo: 400 };
const text = 'hej, 世界 👋';
const posted = {
  type: 'MessagePosted',
  sequence: 7,
  sender: 'ann',
  clientMessageId: 'c-1',
  atMs,
  text,
} as const;
const post = {
  type: 'PostMessage',
  sender: 'ann',
  clientMessageId: 'c-2',
  text,
  afterClientMessageId: 'c-1',
} as const;
const message: LogMessage = {
  conversation: 'g.tea',
  sequence: 7,
  sender: 'ann',
  clientMessageId: 'c-1',
  sentAtMs: atMs,
  text,
};

const rich: RichContent = {
  image: {
    ref: 'media/9f',
    mimeType: 'image/png',
    sizeBytes: 70_000,
    name: 'tea.png',
    width: 640,
    height: 480,
    durationMs: 0,
  },
  mentions: ['bob', 'cat'],
  mentionsAll: true,
  replyTo: { sequence: 3, sender: 'bob', text: 'tea?', kind: 'text' },
};

const media = rich.image!;
/** One message of each kind, without what `rich` shows already. */
const attachments: Record<string, Omit<RichContent, 'mentions' | 'mentionsAll'>> = {
  gif: { gif: media },
  voice: { voice: { ...media, durationMs: 1_500 } },
  video: { video: { ...media, durationMs: 60_000 } },
  file: { file: media },
  sticker: { sticker: { pack: 'cats', id: '7', emoji: '😺' } },
  location: { location: { latitude: 59.33, longitude: -18.06, name: 'Home', address: 'Street 1' } },
  contactCard: { contactCard: { user: 'dan', displayName: 'Dan' } },
  custom: { custom: { type: 'order', payload: '{"id":1}' } },
  sealed: { sealed: new Uint8Array([1, 0, 255, 128]) },
  forwarded: { forwardedFrom: { conversation: '', sequence: 0, sender: 'eve', sentAtMs: atMs - 5 } },
};

const target = { sequence: 7, sender: 'ann', clientMessageId: 'c-1', sentAtMs: atMs, kind: 'image' };
const change = { sender: 'ann', clientMessageId: 'c-3', atMs: atMs + 9, target } as const;
const window = { ownMs: 3_600_000, managerMs: 604_800_000 };
const editMessage = {
  type: 'EditMessage',
  sender: 'ann',
  clientMessageId: 'c-3',
  sequence: 7,
  text,
  mentions: ['bob'],
  mentionsAll: true,
  target: { ...message, text: '', rich },
  window,
} as const;
const recallMessage = {
  type: 'RecallMessage',
  sender: 'ann',
  clientMessageId: 'c-4',
  sequence: 7,
  target: { ...message, text: '', revision: 10, changedAtMs: atMs + 9 },
  window,
} as const;
const edited = { type: 'MessageEdited', sequence: 10, ...change, text, rich } as const;
const recalled = { type: 'MessageRecalled', sequence: 11, ...change, clientMessageId: 'c-4' } as const;

const reactToMessage = {
  type: 'ReactToMessage',
  sender: 'bob',
  sequence: 7,
  emoji: '👍',
  isRemoved: true,
  target: { ...message, text: '' },
} as const;
const pin = {
  type: 'PinMessage',
  sender: 'ann',
  sequence: 7,
  isRemoved: true,
  target: { ...message, text: '' },
} as const;
const mark = { by: 'bob', atMs, target: 7 };
const reacted = {
  type: 'MessageReacted',
  sequence: 12,
  ...mark,
  emoji: '👍',
  isRemoved: true,
  counts: [{ emoji: '😺', count: 2 }],
} as const;
const marks = {
  MessageReacted: reacted,
  MessagePinned: { type: 'MessagePinned', sequence: 13, ...mark },
  MessageUnpinned: { type: 'MessageUnpinned', sequence: 14, ...mark },
} as const;

export const directCommands: Of<DirectCommand> = {
  PostMessage: post,
  EditMessage: editMessage,
  RecallMessage: recallMessage,
  ReactToMessage: reactToMessage,
  PinMessage: pin,
  MarkRead: { type: 'MarkRead', reader: 'bob', sequence: 7 },
  SetRefusal: { type: 'SetRefusal', user: 'bob', refusal: 1 },
};

export const directEvents: Of<DirectEvent> = {
  MessagePosted: posted,
  MessageEdited: edited,
  MessageRecalled: recalled,
  ...marks,
  ReadAdvanced: { type: 'ReadAdvanced', reader: 'bob', sequence: 7 },
  RefusalSet: { type: 'RefusalSet', user: 'bob', refusal: 2 },
};

export const groupCommands: Of<GroupCommand> = {
  PostMessage: post,
  EditMessage: editMessage,
  RecallMessage: recallMessage,
  ReactToMessage: reactToMessage,
  PinMessage: pin,
  CreateGroup: { type: 'CreateGroup', by: 'ann', title: 'Tea', members: ['bob', 'cat'], policy },
  AddMembers: { type: 'AddMembers', by: 'ann', members: ['dan', 'eve'] },
  RemoveMember: { type: 'RemoveMember', by: 'ann', member: 'bob' },
  LeaveGroup: { type: 'LeaveGroup', member: 'bob' },
  DismissGroup: { type: 'DismissGroup', by: 'ann' },
  SetRole: { type: 'SetRole', by: 'ann', member: 'bob', role: 2 },
  MuteMember: { type: 'MuteMember', by: 'ann', member: 'bob', mutedUntilMs: atMs },
  ChangeProfile: { type: 'ChangeProfile', by: 'ann', title: 'Coffee', avatar: '' },
  Announce: { type: 'Announce', by: 'ann', text: 'Closed today' },
  ChangeSettings: { type: 'ChangeSettings', by: 'ann', muteAll: false, slowModeMs: 30_000, joining: 2 },
  SetBan: { type: 'SetBan', by: 'ann', member: 'eve', isBanned: true },
  ChangeWindows: { type: 'ChangeWindows', by: 'ann', editWindow: window },
  CreateInvite: {
    type: 'CreateInvite',
    by: 'ann',
    id: 'i-1',
    code: 'open-sesame',
    expiresAtMs: atMs,
    usesMax: 2,
  },
  RevokeInvite: { type: 'RevokeInvite', by: 'ann', id: 'i-1' },
  JoinGroup: { type: 'JoinGroup', user: 'eve', code: 'open-sesame', message: 'Hi' },
  AnswerJoinRequest: { type: 'AnswerJoinRequest', by: 'ann', user: 'eve', isApproved: true },
  SetNickname: { type: 'SetNickname', by: 'ann', member: 'bob', nickname: 'Bobby' },
  NoteReads: { type: 'NoteReads', readers: [{ user: 'bob', sequence: 7 }] },
};

export const groupEvents: Of<GroupEvent> = {
  MessagePosted: posted,
  MessageEdited: edited,
  MessageRecalled: recalled,
  ...marks,
  GroupCreated: {
    type: 'GroupCreated',
    sequence: 1,
    by: 'ann',
    atMs,
    title: 'Tea',
    members: ['ann', 'bob'],
    policy,
  },
  MembersAdded: { type: 'MembersAdded', sequence: 2, by: 'ann', atMs, members: ['cat', 'dan'] },
  MemberRemoved: { type: 'MemberRemoved', sequence: 3, by: 'ann', atMs, member: 'cat' },
  MemberLeft: { type: 'MemberLeft', sequence: 4, atMs, member: 'dan' },
  GroupDismissed: { type: 'GroupDismissed', sequence: 9, by: 'ann', atMs },
  DiffusionChanged: { type: 'DiffusionChanged', sequence: 5, atMs, diffusion: 2 },
  RoleChanged: { type: 'RoleChanged', sequence: 6, by: 'ann', atMs, member: 'bob', role: 3 },
  MemberMuted: { type: 'MemberMuted', sequence: 8, by: 'ann', atMs, member: 'bob', mutedUntilMs: atMs + 1 },
  ProfileChanged: { type: 'ProfileChanged', sequence: 12, by: 'ann', atMs, title: 'Coffee', avatar: 'pic/1' },
  AnnouncementChanged: { type: 'AnnouncementChanged', sequence: 13, by: 'ann', atMs, text: 'Closed today' },
  SettingsChanged: {
    type: 'SettingsChanged',
    sequence: 14,
    by: 'ann',
    atMs,
    settings: { muteAll: true, slowModeMs: 30_000, joining: 3, historyVisible: true },
  },
  BanChanged: { type: 'BanChanged', sequence: 15, by: 'ann', atMs, member: 'eve', isBanned: true },
  WindowsChanged: { type: 'WindowsChanged', sequence: 16, by: 'ann', atMs, recallWindow: window },
  InviteCreated: {
    type: 'InviteCreated',
    by: 'ann',
    atMs,
    id: 'i-1',
    code: 'open-sesame',
    expiresAtMs: 0,
    usesMax: 2,
  },
  InviteRevoked: { type: 'InviteRevoked', by: 'ann', atMs, id: 'i-1' },
  JoinRequested: { type: 'JoinRequested', sequence: 18, atMs, user: 'fay', message: 'Hi' },
  JoinRefused: { type: 'JoinRefused', by: 'ann', atMs, user: 'fay' },
  NicknameChanged: {
    type: 'NicknameChanged',
    sequence: 17,
    by: 'ann',
    atMs,
    member: 'bob',
    nickname: 'Bobby',
  },
  ReadsNoted: { type: 'ReadsNoted', pointers: [{ user: 'bob', sequence: 7 }] },
};

const settings = {
  doNotDisturbUntilMs: atMs,
  pinned: true,
  hidden: true,
  markedUnread: true,
  hiddenThrough: 7,
};

const narrowing = { conversation: 'g.tea', clearedThrough: 3, deleted: [5, 7] };

export const userCommands: Of<UserCommand> = {
  RegisterUser: { type: 'RegisterUser', handle: 'ann', displayName: 'Ann', passwordHash: '$argon2id$x' },
  Deliver: { type: 'Deliver', message, membership: 1, diffusion: 2, title: 'Tea' },
  ReadConversation: { type: 'ReadConversation', conversation: 'g.tea', sequence: 7 },
  AcknowledgeInbox: { type: 'AcknowledgeInbox', position: 300 },
  NotePeerDelivered: { type: 'NotePeerDelivered', conversation: 'd.ann.bob', sequence: 7 },
  NotePeerRead: { type: 'NotePeerRead', conversation: 'd.ann.bob', peer: 'bob', sequence: 7 },
  ChangeRelation: {
    type: 'ChangeRelation',
    user: 'bob',
    action: 7,
    message: 'tea?',
    remark: 'Bobby',
    tags: ['work', 'tea'],
  },
  SetWriteRule: { type: 'SetWriteRule', whoMayWrite: 2 },
  LogOutDevice: { type: 'LogOutDevice', deviceId: 'phone-1' },
  ClaimDevice: { type: 'ClaimDevice', deviceId: 'phone-2', deviceClass: 1 },
  SetProfile: {
    type: 'SetProfile',
    displayName: 'Ann of Tea',
    avatar: 'media/7',
    fields: [{ name: 'city', value: 'Uppsala' }],
  },
  NotePeerRelation: { type: 'NotePeerRelation', peer: 'bob', action: 3, message: 'tea?', requestMs: atMs },
  SetConversation: { type: 'SetConversation', conversation: 'g.tea', settings, fields: ['pinned'], head: 9 },
  NarrowView: { type: 'NarrowView', ...narrowing, head: 9 },
};

export const userEvents: Of<UserEvent> = {
  UserRegistered: {
    type: 'UserRegistered',
    handle: 'ann',
    displayName: 'Ann',
    passwordHash: '$argon2id$x',
    atMs,
  },
  EntryAppended: {
    type: 'EntryAppended',
    conversation: 'g.tea',
    sequence: 7,
    sender: 'ann',
    atMs,
    membership: 1,
    diffusion: 2,
    title: 'Tea',
  },
  ReadPointerMoved: { type: 'ReadPointerMoved', conversation: 'g.tea', sequence: 7 },
  InboxDelivered: {
    type: 'InboxDelivered',
    position: 300,
    directs: [{ conversation: 'd.ann.bob', sequence: 7 }],
  },
  PeerDeliveredNoted: { type: 'PeerDeliveredNoted', conversation: 'd.ann.bob', sequence: 7 },
  PeerReadNoted: { type: 'PeerReadNoted', conversation: 'd.ann.bob', sequence: 7 },
  DeviceLoggedOut: { type: 'DeviceLoggedOut', deviceId: 'phone-1', atMs, reason: 'logged_out' },
  DeviceClaimed: { type: 'DeviceClaimed', deviceId: 'phone-2', deviceClass: 1 },
  WriteRuleChanged: { type: 'WriteRuleChanged', whoMayWrite: 1 },
  UserProfileChanged: {
    type: 'UserProfileChanged',
    profile: {
      type: 'Profile',
      displayName: 'Ann of Tea',
      avatar: 'media/7',
      fields: [{ name: 'city', value: 'Uppsala' }],
    },
  },
  RelationChanged: {
    type: 'RelationChanged',
    action: 3,
    isByPeer: true,
    relation: {
      type: 'Relation',
      user: 'bob',
      contact: 2,
      isBlocked: true,
      message: 'tea?',
      remark: 'Bobby',
      tags: ['work', 'tea'],
      sinceMs: atMs,
    },
    requestMs: atMs,
  },
  ConversationSettingsChanged: { type: 'ConversationSettingsChanged', conversation: 'g.tea', settings },
  ViewNarrowed: { type: 'ViewNarrowed', ...narrowing },
};

/** The same types with more in them. */
export const richer = {
  directCommands: { RichPost: { ...post, rich } },
  directEvents: { RichPosted: { ...posted, rich } },
  groupEvents: {
    GroupWithWindows: {
      ...groupEvents.GroupCreated,
      policy: { ...policy, editWindow: window, recallWindow: { ownMs: 0, managerMs: 1 } },
    },
    MembersInvited: { ...groupEvents.MembersAdded, invite: 'i-1', firstVisible: [1, 2] },
  },
  userEvents: {
    MentionEntry: {
      ...userEvents.EntryAppended,
      mentions: [{ sequence: 7, users: ['ann', 'bob'], all: true }],
    },
    EditEntry: { ...userEvents.EntryAppended, target: 7 },
    RecallEntry: { ...userEvents.EntryAppended, target: 7, isRecall: true },
    MarkEntry: { ...userEvents.EntryAppended, target: 7, isMark: true },
    HistoryEntry: { ...userEvents.EntryAppended, firstVisible: 1 },
  },
} as const;

export const systemChanges: Of<SystemChange> = {
  GroupCreated: { type: 'GroupCreated', title: 'Tea', members: ['ann', 'bob'] },
  MembersAdded: { type: 'MembersAdded', members: ['cat'] },
  MemberRemoved: { type: 'MemberRemoved', member: 'cat' },
  MemberLeft: { type: 'MemberLeft', member: 'dan' },
  GroupDismissed: { type: 'GroupDismissed' },
  DiffusionChanged: { type: 'DiffusionChanged', diffusion: 2 },
  RoleChanged: { type: 'RoleChanged', member: 'bob', role: 3 },
  MemberMuted: { type: 'MemberMuted', member: 'bob', mutedUntilMs: atMs },
  MessageReacted: {
    type: 'MessageReacted',
    sequence: 7,
    emoji: '👍',
    isRemoved: true,
    reactions: [{ emoji: '😺', count: 2 }],
  },
  MessagePinned: { type: 'MessagePinned', sequence: 7 },
  MessageUnpinned: { type: 'MessageUnpinned', sequence: 7 },
  ProfileChanged: { type: 'ProfileChanged', title: 'Coffee', avatar: 'pic/1' },
  AnnouncementChanged: { type: 'AnnouncementChanged', text: 'Closed today' },
  SettingsChanged: {
    type: 'SettingsChanged',
    settings: { muteAll: true, slowModeMs: 30_000, joining: 3, historyVisible: true },
  },
  BanChanged: { type: 'BanChanged', member: 'eve', isBanned: true },
  WindowsChanged: { type: 'WindowsChanged' },
  JoinRequested: { type: 'JoinRequested', user: 'fay' },
  NicknameChanged: { type: 'NicknameChanged', member: 'bob', nickname: 'Bobby' },
};

function elementHead(sequence: number) {
  const { conversation, sender, clientMessageId, sentAtMs } = message;
  return { conversation, sequence, sender, clientMessageId, sentAtMs };
}

export const logMessages: Record<string, LogMessage> = {
  text: message,
  rich: { ...message, rich },
  ...Object.fromEntries(
    Object.entries(attachments).map(([name, attachment]) => [
      name,
      { ...message, rich: { ...attachment, mentions: [], mentionsAll: false } },
    ]),
  ),
  edited: { ...elementHead(10), edited: { sequence: 7, text, rich } },
  recalled: { ...elementHead(11), recalled: { sequence: 7 } },
  editedMessage: { ...message, rich, revision: 10, changedAtMs: atMs + 9 },
  recalledMessage: { ...message, text: '', revision: 11, changedAtMs: atMs + 9, isRecalled: true },
  ...Object.fromEntries(
    Object.entries(systemChanges).map(([name, system]) => [
      name,
      { conversation: 'g.tea', sequence: 2, sender: 'ann', clientMessageId: '', sentAtMs: atMs, system },
    ]),
  ),
};

export const addresses = {
  user: { type: 'user', tenant: 'acme', id: 'ann' },
  direct: { type: 'direct', tenant: 'acme', id: 'ann.bob' },
  group: { type: 'group', tenant: 'acme', id: 'tea' },
} as const;

/** A message by ann, changed: its first element is the message itself. */
const changes = [
  { ...posted, sequence: 1 },
  { ...edited, sequence: 2, target: { ...target, sequence: 1 } },
] as const;
const recallOfThird = { ...recalled, sequence: 4, target: { ...target, sequence: 3 } } as const;

/** States that have seen every kind of event. */
export const states = {
  settledUser: () =>
    [userEvents.EntryAppended, userEvents.ConversationSettingsChanged, userEvents.ViewNarrowed].reduce(
      userDecider.evolve,
      userDecider.initialState(addresses.user),
    ),
  markedDirect: () =>
    [
      { ...posted, sequence: 1 },
      { ...reacted, sequence: 2, target: 1, isRemoved: false, counts: [{ emoji: '👍', count: 1 }] },
      { ...marks.MessagePinned, sequence: 3, target: 1 },
    ].reduce(directDecider.evolve, directDecider.initialState(addresses.direct)),
  changedDirect: () =>
    [...changes, { ...posted, sequence: 3, clientMessageId: 'c-9' } as const, recallOfThird].reduce(
      directDecider.evolve,
      directDecider.initialState(addresses.direct),
    ),
  refusingDirect: () =>
    [directEvents.RefusalSet].reduce(directDecider.evolve, directDecider.initialState(addresses.direct)),
  deviceUser: () =>
    [userEvents.DeviceClaimed, userEvents.DeviceLoggedOut].reduce(
      userDecider.evolve,
      userDecider.initialState(addresses.user),
    ),
  shownUser: () =>
    [userEvents.UserRegistered, userEvents.WriteRuleChanged, userEvents.UserProfileChanged].reduce(
      userDecider.evolve,
      userDecider.initialState(addresses.user),
    ),
  relatedUser: () =>
    [userEvents.RelationChanged].reduce(userDecider.evolve, userDecider.initialState(addresses.user)),
  unreadUser: () =>
    [
      { ...userEvents.EntryAppended, sender: 'bob' },
      {
        ...userEvents.EntryAppended,
        sender: 'bob',
        sequence: 8,
        membership: 0,
        diffusion: 0,
        title: '',
        target: 7,
      } as const,
    ].reduce(userDecider.evolve, userDecider.initialState(addresses.user)),
  user: () =>
    [
      userEvents.UserRegistered,
      userEvents.EntryAppended,
      { ...userEvents.EntryAppended, sequence: 8, membership: 0, diffusion: 0, title: '' } as const,
      userEvents.ReadPointerMoved,
      {
        ...userEvents.EntryAppended,
        conversation: 'd.ann.bob',
        membership: 0,
        diffusion: 0,
        title: '',
      } as const,
      userEvents.PeerReadNoted,
      { ...userEvents.EntryAppended, sequence: 9, membership: 2, diffusion: 0, title: '' } as const,
    ].reduce(userDecider.evolve, userDecider.initialState(addresses.user)),
  direct: () =>
    [{ ...posted, sequence: 1 }, directEvents.ReadAdvanced].reduce(
      directDecider.evolve,
      directDecider.initialState(addresses.direct),
    ),
  group: () =>
    Object.values(groupEvents)
      .flatMap((event) => ('sequence' in event && event.sequence < 10 ? [event] : []))
      .toSorted((one, other) => one.sequence - other.sequence)
      .reduce(groupDecider.evolve, groupDecider.initialState(addresses.group)),
  /** Everything that owner and admins may set, and a post under slow mode. */
  managedGroup: () =>
    [
      groupEvents.GroupCreated,
      groupEvents.ProfileChanged,
      groupEvents.AnnouncementChanged,
      groupEvents.SettingsChanged,
      groupEvents.BanChanged,
      groupEvents.WindowsChanged,
      groupEvents.NicknameChanged,
      { ...posted, sender: 'bob' },
    ]
      .map((event, index) => ({ ...event, sequence: index + 1 }) as GroupEvent)
      .reduce(groupDecider.evolve, groupDecider.initialState(addresses.group)),
  /** Invites, a request, and a member who sees what was said before. */
  joinedGroup: () =>
    [
      groupEvents.GroupCreated,
      groupEvents.InviteCreated,
      {
        ...groupEvents.MembersAdded,
        sequence: 2,
        members: ['eve'],
        invite: 'i-1',
        firstVisible: [1],
      } as const,
      { ...groupEvents.JoinRequested, sequence: 3 } as GroupEvent,
    ].reduce(groupDecider.evolve, groupDecider.initialState(addresses.group)),
};
