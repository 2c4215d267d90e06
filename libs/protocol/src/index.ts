export {
  type EntityQuery,
  createDirectCodec,
  createGroupCodec,
  createUserCodec,
  decodeDirectEvent,
  decodeGroupEvent,
  decodeLogMessage,
  decodeQuery,
  decodeQueryAddress,
  decodeQueryAnswer,
  decodeUserEvent,
  directCodec,
  encodeDirectCommand,
  encodeGroupCommand,
  encodeLogMessage,
  encodeRefusal,
  encodeReply,
  encodeUserCommand,
  fromWireMessage,
  groupCodec,
  queryAnswer,
  toWireConversation,
  toWireMessage,
  userCodec,
} from './entities/index.ts';
export { type ErrorCode, type ErrorName, errorBody, errorCodes, errorNameOf } from './error-codes.ts';
export {
  type EncodedEntry,
  type EncodedFrame,
  type EntryTurn,
  type FrameCodec,
  type PlainSend,
  type PositionedEntry,
  type PreparedEntry,
  type Subprotocol,
  frameCodecs,
  jsonFrameCodec,
  protobufFrameCodec,
  subprotocols,
  turnOf,
} from './frames/index.ts';
export {
  type ConversationAddress,
  clientMessageIdPattern,
  directConversation,
  groupConversation,
  idPattern,
  parseConversation,
  peerOf,
  tenantPattern,
} from './ids.ts';
export { internal, type parley, wire } from './messages.ts';
export { timeMsMax } from './time-limits.ts';
export { type SearchKind, type SearchSort, searchKinds, searchSorts } from './search-words.ts';
export {
  type ShardKind,
  buckets,
  placementRules,
  redisKeys,
  shardKinds,
  streams,
  subjects,
} from './subjects.ts';
