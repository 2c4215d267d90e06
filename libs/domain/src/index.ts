// The pure rules of Parley: users, direct conversations, groups. No clock, no randomness, no I/O.
export {
  type ChangeWindow,
  type EditMessage,
  type MessageEdited,
  type MessageHeader,
  type MessageRecalled,
  type RecallMessage,
  changedMessage,
} from './conversation/change-message.ts';
export { type ConversationHead } from './conversation/conversation-head.ts';
export {
  conversationOfDirect,
  conversationOfGroup,
  directIdOf,
  isDirectConversation,
  peerOfDirect,
  usersOfDirect,
} from './conversation/conversation-id.ts';
export { type ConversationLimits, conversationLimits } from './conversation/conversation-limits.ts';
export type { ConversationLog, ConversationLogSnapshot } from './conversation/conversation-log.ts';
export { type DedupeEntry, dedupeEntries } from './conversation/dedupe-window.ts';
export { Diffusion } from './conversation/diffusion.ts';
export type { Done } from './conversation/done.ts';
export type { EditedContent, LogMessage, SystemChange } from './conversation/log-message.ts';
export type { LogPage } from './conversation/log-page.ts';
export { type Mentioning, mentioningIn, mentionsOf } from './conversation/mentioning.ts';
export { type MessageChange, applyChange, changeIn, withoutContent } from './conversation/message-change.ts';
export {
  type MarkEvent,
  type MessagePinned,
  type MessageReacted,
  type MessageUnpinned,
  type PinMessage,
  type ReactToMessage,
  isMark,
  markedBy,
} from './conversation/mark-message.ts';
export type {
  EmojiCount,
  MarksSnapshot,
  ReactionsSnapshot,
  ShownReactions,
} from './conversation/message-marks.ts';
export type { MessagePosted, PostMessage, Sent } from './conversation/post-message.ts';
export {
  type ContactCard,
  type Custom,
  type Forward,
  type Location,
  type Media,
  type MessageKind,
  type Reply,
  type RichContent,
  type Sticker,
  hasAttachment,
  isWritten,
  kindOf,
  mediaRefOf,
  orNothing,
  refusalOfRich,
} from './conversation/rich-content.ts';
export { type Span, isReadable, readableHead } from './conversation/span.ts';

export type { DirectCommand, DirectReply, MarkRead } from './direct/direct-command.ts';
export { createDirectDecider, directDecider } from './direct/direct-decider.ts';
export { type DirectEvent, type ReadAdvanced, directLogMessage } from './direct/direct-event.ts';
export { directHead, directLogPage } from './direct/direct-queries.ts';
export {
  type DirectSnapshot,
  type DirectState,
  restoreDirect,
  snapshotOfDirect,
} from './direct/direct-state.ts';

export type {
  AddMembers,
  Announce,
  AnswerJoinRequest,
  ChangeProfile,
  ChangeSettings,
  ChangeWindows,
  CreateGroup,
  CreateInvite,
  DismissGroup,
  GroupCommand,
  GroupReply,
  JoinGroup,
  LeaveGroup,
  MuteMember,
  RemoveMember,
  RevokeInvite,
  SetBan,
  SetNickname,
  SetRole,
} from './group/group-command.ts';
export { createGroupDecider, groupDecider } from './group/group-decider.ts';
export { type LivePush, groupAnnouncement } from './group/group-effects.ts';
export {
  type AnnouncementChanged,
  type BanChanged,
  type DiffusionChanged,
  type GroupCreated,
  type GroupDismissed,
  type GroupEvent,
  type InviteCreated,
  type InviteRevoked,
  type JoinRefused,
  type JoinRequested,
  type MemberLeft,
  type MemberMuted,
  type MemberRemoved,
  type MembersAdded,
  type NicknameChanged,
  type ProfileChanged,
  type RoleChanged,
  type SettingsChanged,
  type WindowsChanged,
  type LoggedGroupEvent,
  groupLogMessage,
} from './group/group-event.ts';
export {
  type NoteReads,
  type ReadersPage,
  type ReadPointer,
  type ReadsNoted,
  readersPage,
} from './group/group-reads.ts';
export { type GroupLimits, groupLimits } from './group/group-limits.ts';
export { type GroupPolicy, groupPolicy, isValidPolicy } from './group/group-policy.ts';
export { type MembersPage, groupHead, groupLogPage, membersPage } from './group/group-queries.ts';
export { type GroupAction, leastRole } from './group/group-rights.ts';
export {
  type Announcement,
  type Ban,
  type GroupSettings,
  Joining,
  groupSettings,
} from './group/group-settings.ts';
export {
  type GroupListName,
  type GroupListPage,
  type GroupView,
  groupListPage,
  groupView,
} from './group/group-views.ts';
export {
  type GroupSnapshot,
  type GroupState,
  type LastPost,
  type UserSpans,
  restoreGroup,
  snapshotOfGroup,
  spansOf,
} from './group/group-state.ts';
export type { Invite, JoinRequest } from './group/invites.ts';
export type { GroupMember } from './group/member-table.ts';
export { Role } from './group/role.ts';

export {
  type ConversationSettings,
  type ConversationSettingsChanged,
  type NarrowView,
  type OwnConversation,
  type OwnView,
  type SetConversation,
  type ViewNarrowed,
  initialOwn,
  initialSettings,
  isGone,
} from './user/own-conversation.ts';
export type { EntryChange, InboxEntry } from './user/inbox-window.ts';
export { Membership } from './user/membership.ts';
export { type Personal, type PersonalChange, type PersonalEvent, personalChangeOf } from './user/personal.ts';
export {
  type ChangeRelation,
  Contact,
  type NotePeerRelation,
  type Relation,
  RelationAction,
  type RelationChanged,
} from './user/relation.ts';
export {
  type ClaimDevice,
  type DeviceClaimed,
  type DeviceLoggedOut,
  type LogOutDevice,
  refusalOfDevice,
} from './user/device.ts';
export {
  type Profile,
  type UserProfileChanged,
  type ProfileField,
  type SetProfile,
  type SetWriteRule,
  WhoMayWrite,
  type WriteRule,
  type WriteRuleChanged,
} from './user/profile.ts';
export {
  type Reception,
  RelationKind,
  type RelationPage,
  profileOf,
  receptionOf,
  relationPage,
} from './user/relation-queries.ts';
export { Refusal, type RefusalSet, type SetRefusal } from './direct/refusal.ts';
export type {
  AcknowledgeInbox,
  Deliver,
  NotePeerDelivered,
  NotePeerRead,
  ReadConversation,
  ReadDone,
  RegisterUser,
  UserCommand,
  UserReply,
} from './user/user-command.ts';
export { createUserDecider, userDecider } from './user/user-decider.ts';
export {
  type EntryAppended,
  type InboxDelivered,
  type PeerDeliveredNoted,
  type PeerReadNoted,
  type ReadPointerMoved,
  type UserEvent,
  type UserRegistered,
  type NumberedEvent,
  takesPosition,
} from './user/user-event.ts';
export { type UserLimits, userLimits } from './user/user-limits.ts';
export type {
  DeliveredPush,
  EntryPush,
  PersonalPush,
  ReadMovedPush,
  ReceiptPush,
  SyncNeededPush,
  UserPush,
} from './user/user-push.ts';
export {
  type ConversationView,
  type InboxPage,
  type PositionedEntry,
  accountOf,
  groupCountOf,
  inboxPage,
  isLimited,
  ownViews,
  userConversations,
} from './user/user-queries.ts';
export { type UserSnapshot, restoreUser, snapshotOfUser } from './user/user-snapshot.ts';
export {
  type Account,
  type UserConversation,
  type UserState,
  nothingMentioned,
  nothingUncounted,
  unreadOf,
} from './user/user-state.ts';
