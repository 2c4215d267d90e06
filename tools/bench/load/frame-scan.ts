// Reads only what a load client needs out of protobuf server frames, without building objects: half of a receiver's CPU
// would otherwise be ours and not the server's. A test compares it with the real codec. Rare frames take that one.
import { wire } from '@parley/protocol';
import type { parley } from '@parley/protocol';
import { type MessageId, readMessageId } from './message-id.ts';

export type ServerFrame = parley.v1.ServerFrame;

/** Gets what was found, synchronously; `message` is one object that is filled again each time. */
export interface FrameSink {
  sent(requestId: number, sequence: number): void;
  /** An entry of the inbox; `message` undefined when it is none of the load's. */
  entry(position: number, sequence: number, message: MessageId | undefined, conversation: string): void;
  /** A message of a large group. */
  live(sequence: number, message: MessageId | undefined, conversation: string): void;
  /** A large group has come so far, whether its messages have arrived or not. */
  head(sequence: number, conversation: string): void;
  /** After all entries of the page. */
  page(requestId: number, page: SyncEnd): void;
  /** After the frame's entries or messages. */
  batch(size: number): void;
  other(frame: ServerFrame): void;
}

export interface SyncEnd {
  readonly inboxPosition: number;
  /** Of the inbox, or of a log. */
  readonly more: boolean;
  readonly limited: boolean;
}

const bodySent = 4;
const bodySyncPage = 5;
const bodyDeliver = 10;
const bodyLive = 11;

const found: MessageId = { stream: 0, number: 0, sentUs: 0 };
const scratch = { at: 0 };

export function scanServerFrame(bytes: Uint8Array, from: number, to: number, sink: FrameSink): void {
  scratch.at = from;
  let requestId = 0;
  while (scratch.at < to) {
    const tag = varint(bytes);
    if (tag === 0x08) {
      requestId = varint(bytes);
      continue;
    }
    const size = varint(bytes);
    const start = scratch.at;
    const end = start + size;
    switch (tag >>> 3) {
      case bodySent:
        sink.sent(requestId, varintField(bytes, start, end, 3));
        break;
      case bodyDeliver:
        sink.batch(scanElements(bytes, start, end, entryOf, sink));
        break;
      case bodyLive:
        sink.batch(scanLive(bytes, start, end, sink));
        break;
      case bodySyncPage:
        scanSyncPage(requestId, bytes, start, end, sink);
        break;
      default:
        sink.other(wire.ServerFrame.decode(bytes.subarray(from, to)) as ServerFrame);
        return;
    }
    scratch.at = end;
  }
}

type Element = (bytes: Uint8Array, from: number, to: number, sink: FrameSink) => void;

/** Calls `element` for each occurrence of field 1 (all that we read have their elements there); returns how many. */
function scanElements(
  bytes: Uint8Array,
  from: number,
  to: number,
  element: Element,
  sink: FrameSink,
): number {
  let count = 0;
  scratch.at = from;
  while (scratch.at < to) {
    const tag = varint(bytes);
    if (tag !== 0x0a) {
      skip(bytes, tag);
      continue;
    }
    const size = varint(bytes);
    const start = scratch.at;
    element(bytes, start, start + size, sink);
    scratch.at = start + size;
    count += 1;
  }
  return count;
}

/** Messages are field 1, heads field 2; both have a length. */
function scanLive(bytes: Uint8Array, from: number, to: number, sink: FrameSink): number {
  let count = 0;
  scratch.at = from;
  while (scratch.at < to) {
    const tag = varint(bytes);
    if (tag !== 0x0a && tag !== 0x12) {
      skip(bytes, tag);
      continue;
    }
    const size = varint(bytes);
    const start = scratch.at;
    if (tag === 0x0a) {
      liveOf(bytes, start, start + size, sink);
      count += 1;
    } else headOf(bytes, start, start + size, sink);
    scratch.at = start + size;
  }
  return count;
}

function scanSyncPage(requestId: number, bytes: Uint8Array, from: number, to: number, sink: FrameSink): void {
  sink.batch(scanElements(bytes, from, to, entryOf, sink));
  let isMoreOfLogs = false;
  scratch.at = from;
  while (scratch.at < to) {
    const tag = varint(bytes);
    if (tag >>> 3 !== 6) {
      skip(bytes, tag);
      continue;
    }
    // A page of a large group's log: the same messages, one field number further.
    const size = varint(bytes);
    const end = scratch.at + size;
    const log = wire.HistoryPage.decode(bytes.subarray(scratch.at, end));
    for (const one of log.messages) liveOf(wire.Message.encode(one).finish(), 0, -1, sink);
    isMoreOfLogs ||= log.more;
    scratch.at = end;
  }
  sink.page(requestId, {
    inboxPosition: varintField(bytes, from, to, 2),
    more: varintField(bytes, from, to, 3) === 1 || isMoreOfLogs,
    limited: varintField(bytes, from, to, 4) === 1,
  });
}

/** The position comes last: the gateway joins it to an entry it did not decode. */
function entryOf(bytes: Uint8Array, from: number, to: number, sink: FrameSink): void {
  let position = 0;
  let isOurs = false;
  message.sequence = 0;
  message.conversationAt = message.conversationEnd = 0;
  scratch.at = from;
  while (scratch.at < to) {
    const tag = varint(bytes);
    if (tag === 0x08) position = varint(bytes);
    else if (tag === 0x12) {
      const size = varint(bytes);
      const end = scratch.at + size;
      isOurs = readMessage(bytes, scratch.at, end);
      scratch.at = end;
    } else skip(bytes, tag);
  }
  sink.entry(position, message.sequence, isOurs ? found : undefined, isOurs ? '' : conversationText(bytes));
}

/** `to` -1: to the end of the bytes. */
function liveOf(bytes: Uint8Array, from: number, to: number, sink: FrameSink): void {
  const isOurs = readMessage(bytes, from, to < 0 ? bytes.length : to);
  sink.live(message.sequence, isOurs ? found : undefined, isOurs ? '' : conversationText(bytes));
}

/** Conversation and sequence have the same numbers in a cursor as in a message. */
function headOf(bytes: Uint8Array, from: number, to: number, sink: FrameSink): void {
  readMessage(bytes, from, to);
  sink.head(message.sequence, conversationText(bytes));
}

const message = { sequence: 0, conversationAt: 0, conversationEnd: 0 };

/** Fills `message` and `found`; false when somebody else's. */
function readMessage(bytes: Uint8Array, from: number, to: number): boolean {
  message.sequence = 0;
  message.conversationAt = message.conversationEnd = 0;
  scratch.at = from;
  while (scratch.at < to) {
    const tag = varint(bytes);
    if (tag === 0x10) message.sequence = varint(bytes);
    else if (tag === 0x0a) {
      const size = varint(bytes);
      message.conversationAt = scratch.at;
      message.conversationEnd = scratch.at += size;
    } else if (tag === 0x22) {
      const size = varint(bytes);
      // Sequence and conversation have smaller numbers and stand before it.
      return readMessageId(bytes, scratch.at, scratch.at + size, found);
    } else skip(bytes, tag);
  }
  return false;
}

const conversationText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
    'latin1',
    message.conversationAt,
    message.conversationEnd,
  );

/** The value of a varint field of a message; 0 when it is absent. */
function varintField(bytes: Uint8Array, from: number, to: number, field: number): number {
  scratch.at = from;
  while (scratch.at < to) {
    const tag = varint(bytes);
    if (tag === field << 3) return varint(bytes);
    skip(bytes, tag);
  }
  return 0;
}

function skip(bytes: Uint8Array, tag: number): void {
  const kind = tag & 7;
  if (kind === 0) varint(bytes);
  else if (kind === 2) {
    const size = varint(bytes);
    scratch.at += size;
  } else throw new RangeError(`server frame: wire type ${kind}`);
}

function varint(bytes: Uint8Array): number {
  let byte = bytes[scratch.at++]!;
  if (byte < 0x80) return byte;
  let value = byte & 0x7f;
  let scale = 128;
  do {
    byte = bytes[scratch.at++]!;
    value += (byte & 0x7f) * scale;
    scale *= 128;
  } while (byte >= 0x80);
  return value;
}
