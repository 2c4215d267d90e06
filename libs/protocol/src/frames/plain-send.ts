// The frame a busy gateway reads more often than all others together: a `send` as protobuf libraries write it, its fields
// in order and each once. `PostMessage`, which it becomes, has the same fields behind the sender's under the same
// numbers, so they are checked here and go on as bytes: the text never becomes a string in a gateway.
import { isUtf8 } from 'node:buffer';

/** Where the parts of a plain send are in its frame. Valid until the next one is read. */
export interface PlainSend {
  requestId: number;
  /** The conversation's id, not checked. */
  conversationStart: number;
  conversationEnd: number;
  /** Client message id, text and perhaps the id of the message before, as they stand in `PostMessage` too. */
  fieldsStart: number;
  fieldsEnd: number;
  textBytes: number;
}

const tags = {
  requestId: 0x08,
  send: 0x1a,
  conversation: 0x0a,
  clientMessageId: 0x12,
  text: 0x1a,
  after: 0x22,
};
const clientMessageIdBytesMax = 64;

const plain: PlainSend = {
  requestId: 0,
  conversationStart: 0,
  conversationEnd: 0,
  fieldsStart: 0,
  fieldsEnd: 0,
  textBytes: 0,
};

/** undefined: another frame, or a send that is unusual or wrong in any way. The codec's decoder tells which. */
export function readPlainSend(frame: Uint8Array): PlainSend | undefined {
  if (frame[0] !== tags.requestId) return undefined;
  at = 1;
  plain.requestId = varint(frame);
  if (plain.requestId <= 0 || plain.requestId >= 2 ** 32) return undefined;
  if (frame[at++] !== tags.send || varint(frame) !== frame.length - at) return undefined;
  if (!field(frame, tags.conversation)) return undefined;
  plain.conversationStart = start;
  plain.conversationEnd = at;
  plain.fieldsStart = at;
  if (!field(frame, tags.clientMessageId) || !isClientMessageId(frame)) return undefined;
  if (!field(frame, tags.text) || !isUtf8(frame.subarray(start, at))) return undefined;
  plain.textBytes = at - start;
  if (at < frame.length && (!field(frame, tags.after) || !isClientMessageId(frame))) return undefined;
  if (at !== frame.length) return undefined;
  plain.fieldsEnd = at;
  return plain;
}

/** How far the frame has been read, and where the content of the last field begins. Used within one call. */
let at = 0;
let start = 0;

/** Reads a field with this tag that is not empty; `at` stands behind it. */
function field(frame: Uint8Array, tag: number): boolean {
  if (frame[at++] !== tag) return false;
  const size = varint(frame);
  start = at;
  at += size;
  return size > 0 && at <= frame.length;
}

/** At most 35 bits; -1 for longer ones and at the end of the frame. */
function varint(frame: Uint8Array): number {
  let value = 0;
  for (let scale = 1; scale < 2 ** 35; scale *= 128) {
    const byte = frame[at++] ?? 0x80;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
  return -1;
}

/** `clientMessageIdPattern`, on bytes. */
function isClientMessageId(frame: Uint8Array): boolean {
  if (at - start > clientMessageIdBytesMax) return false;
  for (let i = start; i < at; i++) {
    const byte = frame[i]!;
    if (byte < 0x21 || byte > 0x7e) return false;
  }
  return true;
}
