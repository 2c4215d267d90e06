// The client library: what the terminal chat, the demo and the tests talk to a cluster with.
export { type Client, type ClientOptions, createClient } from './client.ts';
export { ClientError, type LocalErrorCode, localError } from './client-error.ts';
export {
  type Encoding,
  type FrameCodec,
  type FrameData,
  codecFor,
  jsonCodec,
  protobufCodec,
} from './codec/frame-codec.ts';
export { ConversationView, type EditedContent, type OwnSettings } from './conversation-view.ts';
export type { ClientEvent, ClientEvents, ClientState } from './events.ts';
export {
  type ClientFrame,
  Contact,
  type Content,
  DeviceClass,
  type ConversationInfo,
  type ConversationSettings,
  type Cursor,
  Diffusion,
  type Entry,
  type ErrorBody,
  type HistoryPage,
  type ReadersPage,
  type Message,
  type PersonalChange,
  type Presence,
  type Reaction,
  type Profile,
  type Relation,
  type RichContent,
  type Sent,
  type ServerFrame,
  type SyncPage,
  type System,
  type Welcome,
} from './frames.ts';
export type {
  Ban,
  ChangeWindow,
  GroupApi,
  GroupInfo,
  GroupSettings,
  Invite,
  JoinRequest,
} from './http/group-api.ts';
export {
  type ContactRelation,
  type RelationKind,
  type RelationsPage,
  type Credentials,
  type ExportRequest,
  type GroupMember,
  HttpApi,
  type HttpApiOptions,
  type Login,
  type SearchAnswer,
  type UsersPage,
  type DeviceInfo,
  type WhoMayWrite,
} from './http/http-api.ts';
export { type ClientLimits, defaultLimits } from './limits.ts';
export type { OpenSocket, Socket, SocketHandlers, SocketTarget } from './socket/socket.ts';
export { openWsSocket } from './socket/ws-socket.ts';
export type { ClientStore, ConversationFacts, Segment } from './store/client-store.ts';
export { MemoryStore } from './store/memory-store.ts';
