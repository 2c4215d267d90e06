// `parley.v1.json`: frames as text in the protobuf JSON mapping. Actors speak protobuf, so their replies and pushes are
// decoded once and written again; a push for many connections is converted once (prepareEntry).
import { type Result, err, ok } from '@parley/std';
import type { ErrorName } from '../error-codes.ts';
import { wire } from '../messages.ts';
import { readClientFrame } from './client-frame-json.ts';
import type { FrameCodec } from './frame-codec.ts';

/** How protobufjs has to write values for the JSON mapping: 64-bit integers as strings, enums by name. */
const mapping = { longs: String, enums: String, json: true } as const;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export const jsonFrameCodec: FrameCodec = {
  subprotocol: 'parley.v1.json',
  isBinary: false,

  decodeClient(bytes) {
    const properties = attempt(() => readClientFrame(JSON.parse(utf8.decode(bytes))));
    if (!properties.ok) return properties;
    const { body, ...fields } = properties.value;
    return body === undefined ? err('UNKNOWN_FRAME') : ok(new wire.ClientFrame(fields));
  },

  plainSend: () => undefined,

  peekRequestId(bytes) {
    const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64)).toString('latin1');
    const found = /^\s*\{\s*"(?:requestId|request_id)"\s*:\s*"?(\d{1,10})\b/.exec(start);
    const value = found === null ? 0 : Number(found[1]);
    return value < 2 ** 32 ? value : 0;
  },

  encodeServer: (frame) => textOf(frame instanceof wire.ServerFrame ? frame : new wire.ServerFrame(frame)),

  reply(requestId, body) {
    const frame = wire.ServerFrame.decode(body);
    if (requestId !== 0) frame.requestId = requestId;
    return textOf(frame);
  },

  prepareEntry: (entry) => JSON.stringify(wire.Entry.toObject(wire.Entry.decode(entry), mapping)),

  deliver(entries, start = 0, end = entries.length) {
    let texts = '';
    for (let i = start; i < end; i++) {
      const { entry, position } = entries[i]!;
      texts += `${i > start ? ',' : ''}${withPosition(entry as string, position)}`;
    }
    return `{"deliver":{"entries":[${texts}]}}`;
  },

  syncPage(requestId, page, entries) {
    const decoded = entries.map(({ position, message, more }) => ({
      ...more,
      position,
      ...(message === undefined ? {} : { message: wire.Message.decode(message) }),
    }));
    return textOf(new wire.ServerFrame({ requestId, syncPage: { ...page, entries: decoded } }));
  },

  live(payloads) {
    const live = wire.Live.decode(payloads.length === 1 ? payloads[0]! : Buffer.concat(payloads));
    return JSON.stringify({ live: wire.Live.toObject(live, mapping) });
  },

  encodeClient: (frame) => JSON.stringify(wire.ClientFrame.toObject(new wire.ClientFrame(frame), mapping)),

  decodeServer: (frame) =>
    attempt(() =>
      wire.ServerFrame.fromObject(
        JSON.parse(typeof frame === 'string' ? frame : utf8.decode(frame)) as object,
      ),
    ),
};

const textOf = (frame: InstanceType<typeof wire.ServerFrame>): string =>
  JSON.stringify(wire.ServerFrame.toObject(frame, mapping));

/** Puts the position into an entry's JSON text: `{"message":…}` → `{"position":"7","message":…}`. */
function withPosition(entry: string, position: number): string {
  return entry === '{}' ? `{"position":"${position}"}` : `{"position":"${position}",${entry.slice(1)}`;
}

/** Malformed text and wrong shapes are thrown by the parsers; here they are a value. */
function attempt<T>(decode: () => T): Result<T, ErrorName> {
  try {
    return ok(decode());
  } catch {
    return err('BAD_FRAME');
  }
}
