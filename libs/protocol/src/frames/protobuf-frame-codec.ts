// `parley.v1.protobuf`: frames as protobuf bytes. Replies, entries and live messages that come encoded from the actors
// are put into frames by joining bytes, without decoding: protobuf allows fields in any order, and joined
// messages merge.
import { type Result, err, ok } from '@parley/std';
import type { ErrorName } from '../error-codes.ts';
import { type parley, wire } from '../messages.ts';
import type { EncodedEntry, FrameCodec, PositionedEntry } from './frame-codec.ts';
import { readPlainSend } from './plain-send.ts';

const requestIdTag = 0x08; // field 1, varint
const deliverTag = 0x52; // ServerFrame.deliver, field 10
const liveTag = 0x5a; // ServerFrame.live, field 11
const entriesTag = 0x0a; // Deliver.entries and SyncPage.entries, field 1
const positionTag = 0x08; // Entry.position, field 1
const messageTag = 0x12; // Entry.message, field 2
const syncPageTag = 0x2a; // ServerFrame.sync_page, field 5

export const protobufFrameCodec: FrameCodec = {
  subprotocol: 'parley.v1.protobuf',
  isBinary: true,

  decodeClient(bytes) {
    const frame = attempt(() => wire.ClientFrame.decode(bytes));
    if (!frame.ok) return frame;
    if (frame.value.body === undefined) return err('UNKNOWN_FRAME');
    return hasSafeNumbers(frame.value) ? frame : err('BAD_FRAME');
  },

  plainSend: readPlainSend,

  peekRequestId(bytes) {
    if (bytes[0] !== requestIdTag) return 0;
    let value = 0;
    for (let i = 1; i < 6; i++) {
      const byte = bytes[i];
      if (byte === undefined) return 0;
      value += (byte & 0x7f) * 2 ** (7 * (i - 1));
      if (byte < 0x80) return value >>> 0;
    }
    return 0;
  },

  encodeServer: (frame) => wire.ServerFrame.encode(frame).finish(),

  reply(requestId, body) {
    if (requestId === 0) return body;
    const frame = Buffer.allocUnsafe(1 + varintBytes(requestId) + body.length);
    frame[0] = requestIdTag;
    frame.set(body, writeVarint(frame, 1, requestId));
    return frame;
  },

  prepareEntry: (entry) => entry,

  deliver(entries, start = 0, end = entries.length) {
    let deliverBytes = 0;
    for (let i = start; i < end; i++) {
      const size = entryBytes(entries[i]!);
      deliverBytes += 1 + varintBytes(size) + size;
    }
    const frame = passing(1 + varintBytes(deliverBytes) + deliverBytes);
    frame[0] = deliverTag;
    let at = writeVarint(frame, 1, deliverBytes);
    for (let i = start; i < end; i++) {
      const positioned = entries[i]!;
      const entry = positioned.entry as Uint8Array;
      frame[at] = entriesTag;
      at = writeVarint(frame, at + 1, entryBytes(positioned));
      frame.set(entry, at);
      at += entry.length;
      frame[at] = positionTag;
      at = writeVarint(frame, at + 1, positioned.position);
    }
    return frame;
  },

  syncPage(requestId, page, entries) {
    const rest = wire.SyncPage.encode(page).finish();
    const mores = entries.map(({ more }) =>
      more === undefined ? nothing : wire.Entry.encode(more).finish(),
    );
    let pageBytes = rest.length;
    for (let i = 0; i < entries.length; i++) {
      const size = syncEntryBytes(entries[i]!, mores[i]!);
      pageBytes += 1 + varintBytes(size) + size;
    }
    const frame = Buffer.allocUnsafe(2 + varintBytes(requestId) + varintBytes(pageBytes) + pageBytes);
    frame[0] = requestIdTag;
    let at = writeVarint(frame, 1, requestId);
    frame[at++] = syncPageTag;
    at = writeVarint(frame, at, pageBytes);
    for (let i = 0; i < entries.length; i++) {
      const { position, message } = entries[i]!;
      frame[at++] = entriesTag;
      at = writeVarint(frame, at, syncEntryBytes(entries[i]!, mores[i]!));
      frame[at++] = positionTag;
      at = writeVarint(frame, at, position);
      if (message !== undefined) {
        frame[at++] = messageTag;
        at = writeVarint(frame, at, message.length);
        frame.set(message, at);
        at += message.length;
      }
      frame.set(mores[i]!, at);
      at += mores[i]!.length;
    }
    frame.set(rest, at);
    return frame;
  },

  live(payloads) {
    let liveBytes = 0;
    for (const payload of payloads) liveBytes += payload.length;
    const frame = Buffer.allocUnsafe(1 + varintBytes(liveBytes) + liveBytes);
    frame[0] = liveTag;
    let at = writeVarint(frame, 1, liveBytes);
    for (const payload of payloads) {
      frame.set(payload, at);
      at += payload.length;
    }
    return frame;
  },

  encodeClient: (frame) => wire.ClientFrame.encode(frame).finish(),

  decodeServer: (frame) =>
    typeof frame === 'string' ? err('BAD_FRAME') : attempt(() => wire.ServerFrame.decode(frame)),
};

/** Frames that are written to their socket at once are made here, all in the same place: they leave no garbage. */
const passage = Buffer.allocUnsafeSlow(65_536);

const passing = (bytes: number): Buffer =>
  bytes <= passage.length ? passage.subarray(0, bytes) : Buffer.allocUnsafe(bytes);

/** protobufjs reports malformed bytes by throwing; here that is a value. */
function attempt<T>(decode: () => T): Result<T, ErrorName> {
  try {
    return ok(decode());
  } catch {
    return err('BAD_FRAME');
  }
}

/** 64-bit integers are plain numbers here: one beyond 2^53-1 has lost digits already and must not be used. */
function hasSafeNumbers(frame: parley.v1.ClientFrame): boolean {
  const positions = frame.hello ?? frame.sync ?? frame.ack;
  if (positions) {
    if (!Number.isSafeInteger(positions.inboxPosition ?? 0)) return false;
    return (positions.cursors ?? []).every((cursor) => Number.isSafeInteger(cursor.sequence ?? 0));
  }
  if (frame.history) {
    return Number.isSafeInteger(frame.history.before ?? 0) && Number.isSafeInteger(frame.history.after ?? 0);
  }
  if (frame.send?.rich) return hasSafeContent(frame.send.rich);
  const { sequence } = frame.read ?? frame.edit ?? frame.recall ?? frame.readers ?? {};
  return Number.isSafeInteger(sequence ?? 0);
}

function hasSafeContent(rich: parley.v1.RichContent.$Properties): boolean {
  const { image, gif, voice, video, file, replyTo, forwardedFrom } = rich;
  const sizes = [image, gif, voice, video, file].map((media) => media?.sizeBytes);
  const numbers = [...sizes, replyTo?.sequence, forwardedFrom?.sequence, forwardedFrom?.sentAtMs];
  return numbers.every((number) => Number.isSafeInteger(number ?? 0));
}

const entryBytes = ({ entry, position }: PositionedEntry): number => entry.length + 1 + varintBytes(position);

const nothing = new Uint8Array();

function syncEntryBytes({ position, message }: EncodedEntry, more: Uint8Array): number {
  const head = 1 + varintBytes(position) + more.length;
  return message === undefined ? head : head + 1 + varintBytes(message.length) + message.length;
}

function varintBytes(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Returns the offset behind what it wrote. */
function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest > 0x7f) {
    target[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  target[at++] = rest;
  return at;
}
