// The values that every single message becomes, written and read by hand: three to five times as fast as the generated
// code, and without its garbage. The bytes are the same. What is read is taken only when it looks like what is written
// here; anything else (undefined) is for the generated code, which knows all fields and all of protobuf.
import type { Deliver, EntryAppended, EntryPush, LogMessage, MessagePosted } from '@parley/domain';
import type { PostMessage, Sent } from '@parley/domain';
import { ByteReader, ByteWriter } from '@parley/std';

/** A field's number and wire type, as protobuf puts it in front of the value. */
export const varintField = (field: number): number => field << 3;
export const bytesField = (field: number): number => (field << 3) | 2;

/** What ids, numbers and tags around a text take at most, most of the time: only a guess for the writer. */
const aroundText = 80;

/**
 * The text that was delivered last, and the bytes it came in: it is pushed to its reader at once, and a push holds the
 * very same ones. Only one is kept, so that nothing has to be looked up or forgotten.
 */
let delivered: { readonly message: LogMessage; readonly bytes: Uint8Array } | undefined;

/** Whether a message is nothing but a text as it was sent: those are written here, the others by the generated code. */
export const isPlainText = (message: LogMessage): boolean =>
  message.text !== undefined && message.rich === undefined && message.revision === undefined;

/** Likewise of a post. */
export const isPlainPost = (event: MessagePosted): boolean =>
  event.rich === undefined && event.flags === undefined;

/** DirectEvent or GroupEvent with `message_posted`, of a plain text. */
export function encodePosted({ sequence, sender, clientMessageId, atMs, text }: MessagePosted): Buffer {
  const writer = new ByteWriter();
  const expected = text.length + aroundText;
  const at = writer.u8(bytesField(1)).begin(expected);
  number(writer, 1, sequence);
  string(writer, 2, sender);
  string(writer, 3, clientMessageId);
  number(writer, 4, atMs);
  string(writer, 5, text);
  return writer.end(at, expected).finish();
}

/** UserEvent with `entry_appended`. */
export function encodeEntryAppended(event: EntryAppended): Buffer {
  const writer = new ByteWriter();
  const at = writer.u8(bytesField(2)).begin(aroundText);
  string(writer, 1, event.conversation);
  number(writer, 2, event.sequence);
  string(writer, 3, event.sender);
  number(writer, 4, event.atMs);
  number(writer, 5, event.membership);
  number(writer, 6, event.diffusion);
  string(writer, 7, event.title);
  if (event.target !== undefined) number(writer, 8, event.target);
  if (event.isRecall === true) number(writer, 9, 1);
  // A tag of two bytes.
  if (event.isMark === true) writer.varint(varintField(20)).varint(1);
  return writer.end(at, aroundText).finish();
}

/** UserCommand with `deliver`; the message must be a plain text. */
export function encodeDeliver({ message, membership, diffusion, title }: Deliver): Buffer {
  const writer = new ByteWriter();
  const expected = sizeOf(message) + aroundText;
  const at = writer.u8(bytesField(2)).begin(expected);
  textMessage(writer, 1, message);
  number(writer, 2, membership);
  number(writer, 3, diffusion);
  string(writer, 4, title);
  return writer.end(at, expected).finish();
}

/** Entry without position; the message must be a plain text. */
export function encodeEntryPush({ message, diffusion, left, title }: EntryPush): Buffer {
  const writer = new ByteWriter();
  textMessage(writer, 2, message);
  number(writer, 4, diffusion);
  number(writer, 5, left ? 1 : 0);
  string(writer, 6, title);
  return writer.finish();
}

/** Message; it must be a plain text. */
export const encodeText = (message: LogMessage): Buffer => textFields(new ByteWriter(), message).finish();

/** ServerFrame with `sent`. */
export function encodeSent(sent: Sent): Buffer {
  const writer = new ByteWriter();
  const at = writer.u8(bytesField(4)).begin(aroundText);
  string(writer, 1, sent.conversation);
  string(writer, 2, sent.clientMessageId);
  number(writer, 3, sent.sequence);
  number(writer, 4, sent.sentAtMs);
  number(writer, 5, sent.duplicate ? 1 : 0);
  return writer.end(at, aroundText).finish();
}

/** DirectCommand or GroupCommand with `post_message`. */
export function readPost(bytes: Uint8Array): PostMessage | undefined {
  const reader = onlyMember(bytes, 1);
  if (reader === undefined) return undefined;
  let sender = '';
  let clientMessageId = '';
  let text = '';
  let afterClientMessageId = '';
  while (!reader.isAtEnd) {
    const tag = reader.u8();
    if (tag === bytesField(1)) sender = reader.text();
    else if (tag === bytesField(2)) clientMessageId = reader.freshText();
    else if (tag === bytesField(3)) text = reader.freshText();
    else if (tag === bytesField(4)) afterClientMessageId = reader.freshText();
    else return undefined;
  }
  if (isDoubtful(sender) || isDoubtful(clientMessageId)) return undefined;
  if (isDoubtful(text) || isDoubtful(afterClientMessageId)) return undefined;
  return { type: 'PostMessage', sender, clientMessageId, text, afterClientMessageId };
}

/** DirectEvent or GroupEvent with `message_posted`. */
export function readPosted(bytes: Uint8Array): MessagePosted | undefined {
  const reader = onlyMember(bytes, 1);
  if (reader === undefined) return undefined;
  let sequence = 0;
  let atMs = 0;
  let sender = '';
  let clientMessageId = '';
  let text = '';
  while (!reader.isAtEnd) {
    const tag = reader.u8();
    if (tag === varintField(1)) sequence = reader.varint();
    else if (tag === bytesField(2)) sender = reader.text();
    else if (tag === bytesField(3)) clientMessageId = reader.freshText();
    else if (tag === varintField(4)) atMs = reader.varint();
    else if (tag === bytesField(5)) text = reader.freshText();
    else return undefined;
  }
  if (isDoubtful(sender) || isDoubtful(clientMessageId) || isDoubtful(text)) return undefined;
  return { type: 'MessagePosted', sequence, sender, clientMessageId, atMs, text };
}

/** UserEvent with `entry_appended`. */
export function readEntryAppended(bytes: Uint8Array): EntryAppended | undefined {
  const reader = onlyMember(bytes, 2);
  if (reader === undefined) return undefined;
  let sequence = 0;
  let atMs = 0;
  let conversation = '';
  let sender = '';
  while (!reader.isAtEnd) {
    const tag = reader.u8();
    if (tag === bytesField(1)) conversation = reader.text();
    else if (tag === varintField(2)) sequence = reader.varint();
    else if (tag === bytesField(3)) sender = reader.text();
    else if (tag === varintField(4)) atMs = reader.varint();
    else return undefined;
  }
  if (isDoubtful(conversation) || isDoubtful(sender)) return undefined;
  const plain = { membership: 0, diffusion: 0, title: '' } as const;
  return { type: 'EntryAppended', conversation, sequence, sender, atMs, ...plain };
}

/** UserCommand with `deliver` of a plain text. */
export function readDeliver(bytes: Uint8Array): Deliver | undefined {
  const reader = onlyMember(bytes, 2);
  if (reader === undefined || reader.u8() !== bytesField(1)) return undefined;
  // The message must be all there is: no change of membership comes with a plain text.
  if (reader.varint() !== reader.left) return undefined;
  const start = reader.offset;
  let sequence = 0;
  let sentAtMs = 0;
  let conversation = '';
  let sender = '';
  let clientMessageId = '';
  let text: string | undefined;
  while (!reader.isAtEnd) {
    const tag = reader.u8();
    if (tag === bytesField(1)) conversation = reader.text();
    else if (tag === varintField(2)) sequence = reader.varint();
    else if (tag === bytesField(3)) sender = reader.text();
    else if (tag === bytesField(4)) clientMessageId = reader.freshText();
    else if (tag === varintField(5)) sentAtMs = reader.varint();
    else if (tag === bytesField(6)) text = reader.freshText();
    else return undefined;
  }
  if (text === undefined || isDoubtful(text) || isDoubtful(clientMessageId)) return undefined;
  if (isDoubtful(conversation) || isDoubtful(sender)) return undefined;
  const message = { conversation, sequence, sender, clientMessageId, sentAtMs, text };
  delivered = { message, bytes: bytes.subarray(start) };
  return { type: 'Deliver', message, membership: 0, diffusion: 0, title: '' };
}

/** Numbers and texts that are what they are by default are left out. */
export function number(writer: ByteWriter, field: number, value: number): void {
  if (value !== 0) writer.u8(varintField(field)).varint(value);
}

export function string(writer: ByteWriter, field: number, value: string): void {
  if (value !== '') writer.u8(bytesField(field)).text(value);
}

function textMessage(writer: ByteWriter, field: number, message: LogMessage): void {
  if (delivered?.message === message) {
    writer.u8(bytesField(field)).blob(delivered.bytes);
    return;
  }
  const expected = sizeOf(message);
  const at = writer.u8(bytesField(field)).begin(expected);
  textFields(writer, message).end(at, expected);
}

/** The text stands also when it is empty: it is the member of a oneof that is set. */
function textFields(writer: ByteWriter, message: LogMessage): ByteWriter {
  string(writer, 1, message.conversation);
  number(writer, 2, message.sequence);
  string(writer, 3, message.sender);
  string(writer, 4, message.clientMessageId);
  number(writer, 5, message.sentAtMs);
  return writer.u8(bytesField(6)).text(message.text ?? '');
}

const sizeOf = ({ text }: LogMessage): number => (text?.length ?? 0) + aroundText;

/** A reader of the one member that is set, when the message consists of it alone. */
export function onlyMember(bytes: Uint8Array, field: number): ByteReader | undefined {
  if (bytes[0] !== bytesField(field)) return undefined;
  const reader = new ByteReader(bytes);
  reader.u8();
  return reader.varint() === reader.left ? reader : undefined;
}

/** Bytes that are no UTF-8 are read as this character. The generated code refuses them. */
export const isDoubtful = (text: string): boolean => text.includes('\ufffd');
