import type { FrameCodec, Subprotocol } from './frame-codec.ts';
import { jsonFrameCodec } from './json-frame-codec.ts';
import { protobufFrameCodec } from './protobuf-frame-codec.ts';

export {
  type EncodedEntry,
  type EncodedFrame,
  type FrameCodec,
  type PositionedEntry,
  type PreparedEntry,
  type Subprotocol,
  subprotocols,
} from './frame-codec.ts';
export { type EntryTurn, deviceLoggedOutIn, isOfDirect, turnOf } from './entry-turn.ts';
export { jsonFrameCodec } from './json-frame-codec.ts';
export type { PlainSend } from './plain-send.ts';
export { protobufFrameCodec } from './protobuf-frame-codec.ts';

/** The codec of a subprotocol. */
export const frameCodecs: Readonly<Record<Subprotocol, FrameCodec>> = {
  'parley.v1.protobuf': protobufFrameCodec,
  'parley.v1.json': jsonFrameCodec,
};
