// Domain values ↔ bytes: one codec for each type of entity, with the shape the runtime expects of an entity codec.
export { encodeRefusal, encodeReply } from './answer-codec.ts';
export { createDirectCodec, decodeDirectEvent, directCodec, encodeDirectCommand } from './direct-codec.ts';
export { createGroupCodec, decodeGroupEvent, encodeGroupCommand, groupCodec } from './group-codec.ts';
export { decodeLogMessage, encodeLogMessage, fromWireMessage, toWireMessage } from './log-message-codec.ts';
export {
  type EntityQuery,
  decodeQuery,
  decodeQueryAddress,
  decodeQueryAnswer,
  queryAnswer,
} from './query-codec.ts';
export { readRich } from './rich-content-codec.ts';
export { createUserCodec, decodeUserEvent, encodeUserCommand, userCodec } from './user-codec.ts';
export { toWireConversation } from './user-parts-codec.ts';
