// Reads a client's frame from JSON strictly by the protobuf JSON mapping: lowerCamelCase or original field names, 64-bit
// integers as strings or numbers, null as "not set", unknown fields ignored, at most one member of the oneof. The
// table below mirrors frames.proto; a test compares the two.
import { wire } from '../messages.ts';

type Scalar = 'string' | 'bool' | 'uint32' | 'uint64' | 'int64' | 'double' | 'DeviceClass';

export interface FieldShape {
  readonly kind: Scalar | MessageShape;
  readonly isRepeated?: boolean;
}

export interface MessageShape {
  readonly [field: string]: FieldShape;
}

const cursor: MessageShape = { conversation: { kind: 'string' }, sequence: { kind: 'uint64' } };
const cursors: FieldShape = { kind: cursor, isRepeated: true };

const text: FieldShape = { kind: 'string' };
const count: FieldShape = { kind: 'uint32' };
const media: FieldShape = {
  kind: {
    ref: text,
    mimeType: text,
    sizeBytes: { kind: 'uint64' },
    name: text,
    width: count,
    height: count,
    durationMs: count,
  },
};

const mentions = {
  mentions: { kind: 'string', isRepeated: true },
  mentionsAll: { kind: 'bool' },
} as const satisfies MessageShape;
const rich: MessageShape = {
  image: media,
  gif: media,
  voice: media,
  video: media,
  file: media,
  sticker: { kind: { pack: text, id: text, emoji: text } },
  location: {
    kind: { latitude: { kind: 'double' }, longitude: { kind: 'double' }, name: text, address: text },
  },
  contactCard: { kind: { user: text, displayName: text } },
  custom: { kind: { type: text, payload: text } },
  ...mentions,
  replyTo: { kind: { sequence: { kind: 'uint64' }, sender: text, text, kind: text } },
  forwardedFrom: {
    kind: { conversation: text, sequence: { kind: 'uint64' }, sender: text, sentAtMs: { kind: 'int64' } },
  },
};

/** @internal The members of ClientFrame.body, by field name. */
export const clientBodies: Readonly<Record<string, MessageShape>> = {
  hello: {
    token: { kind: 'string' },
    deviceId: { kind: 'string' },
    inboxPosition: { kind: 'uint64' },
    cursors,
    protocolVersion: { kind: 'uint32' },
    deviceClass: { kind: 'DeviceClass' },
  },
  send: {
    conversation: { kind: 'string' },
    clientMessageId: { kind: 'string' },
    text: { kind: 'string' },
    afterClientMessageId: { kind: 'string' },
    rich: { kind: rich },
  },
  sync: { inboxPosition: { kind: 'uint64' }, limit: { kind: 'uint32' }, cursors },
  ack: { inboxPosition: { kind: 'uint64' }, cursors },
  read: { conversation: { kind: 'string' }, sequence: { kind: 'uint64' } },
  history: {
    conversation: { kind: 'string' },
    before: { kind: 'uint64' },
    after: { kind: 'uint64' },
    limit: { kind: 'uint32' },
    around: { kind: 'uint64' },
    atMs: { kind: 'uint64' },
  },
  typing: { conversation: { kind: 'string' } },
  presenceQuery: { users: { kind: 'string', isRepeated: true }, watch: { kind: 'bool' } },
  ping: {},
  edit: {
    conversation: { kind: 'string' },
    clientMessageId: { kind: 'string' },
    sequence: { kind: 'uint64' },
    text: { kind: 'string' },
    ...mentions,
  },
  recall: {
    conversation: { kind: 'string' },
    clientMessageId: { kind: 'string' },
    sequence: { kind: 'uint64' },
  },
  react: { conversation: text, sequence: { kind: 'uint64' }, emoji: text, remove: { kind: 'bool' } },
  setConversation: {
    conversation: text,
    settings: {
      kind: {
        doNotDisturbUntilMs: { kind: 'int64' },
        pinned: { kind: 'bool' },
        hidden: { kind: 'bool' },
        markedUnread: { kind: 'bool' },
        hiddenThrough: { kind: 'uint64' },
      },
    },
    fields: { kind: 'string', isRepeated: true },
  },
  deleteForMe: { conversation: text, sequences: { kind: 'uint64', isRepeated: true } },
  clearHistory: { conversation: text, through: { kind: 'uint64' } },
  pin: { conversation: text, sequence: { kind: 'uint64' }, unpin: { kind: 'bool' } },
  readers: {
    conversation: { kind: 'string' },
    sequence: { kind: 'uint64' },
    after: { kind: 'string' },
    limit: { kind: 'uint32' },
  },
};

/** Plain properties of a ClientFrame; `body` names the member that is set, undefined when there is none. */
export interface ClientFrameProperties {
  requestId: number;
  body: string | undefined;
  [member: string]: unknown;
}

/** The value is not of the shape the schema asks for. */
export class ShapeMismatch extends Error {
  override readonly name = 'ShapeMismatch';
}

/** Throws ShapeMismatch. */
export function readClientFrame(json: unknown): ClientFrameProperties {
  const fields = objectOf(json);
  const requestId = fieldOf(fields, 'requestId');
  const frame: ClientFrameProperties = {
    requestId: isUnset(requestId) ? 0 : integer(requestId, 2 ** 32 - 1),
    body: undefined,
  };
  for (const key in fields) {
    const body = bodiesByKey.get(key);
    const value = fields[key];
    if (body === undefined || isUnset(value)) continue;
    const { name, shape } = body;
    // Spelled both ways, the first one counts.
    if (key !== name && Object.hasOwn(fields, name)) continue;
    if (frame.body !== undefined) throw new ShapeMismatch('two members of the oneof are set');
    frame.body = name;
    frame[name] = readMessage(value, shape);
  }
  return frame;
}

function readMessage(json: unknown, shape: MessageShape): Record<string, unknown> {
  const fields = objectOf(json);
  const message: Record<string, unknown> = {};
  for (const name in shape) {
    const value = fieldOf(fields, name);
    if (isUnset(value)) continue;
    const field = shape[name]!;
    message[name] = field.isRepeated ? readList(value, field) : readValue(value, field);
  }
  return message;
}

function readList(json: unknown, field: FieldShape): unknown[] {
  if (!Array.isArray(json)) throw new ShapeMismatch('a list was expected');
  return json.map((element: unknown) => readValue(element, field));
}

function readValue(json: unknown, { kind }: FieldShape): unknown {
  if (typeof kind === 'object') return readMessage(json, kind);
  if (kind === 'uint32') return integer(json, 2 ** 32 - 1);
  if (kind === 'uint64') return integer(json, Number.MAX_SAFE_INTEGER);
  if (kind === 'int64') return integer(json, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER);
  if (kind === 'double') return double(json);
  if (kind === 'DeviceClass') return deviceClass(json);
  if (kind === 'bool' ? typeof json !== 'boolean' : typeof json !== 'string')
    throw new ShapeMismatch(`${kind} was expected`);
  // `"\ud800"` is JSON, but nothing that UTF-8 and so protobuf can carry.
  if (typeof json === 'string' && halfSurrogate.test(json)) throw new ShapeMismatch('the text is no Unicode');
  return json;
}

const halfSurrogate = /\p{Surrogate}/u;

function integer(json: unknown, max: number, min = 0): number {
  const value = typeof json === 'string' && /^-?\d{1,20}$/.test(json) ? Number(json) : json;
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw new ShapeMismatch('an integer was expected');
  if (value < min || value > max) throw new ShapeMismatch('the integer is out of range');
  return value;
}

/** By name or number; a class this server does not know is none, so that newer clients may say more. */
function deviceClass(json: unknown): number {
  const numbers: Readonly<Record<string, unknown>> = wire.DeviceClass;
  if (typeof json === 'number') return integer(json, 2 ** 31 - 1);
  if (typeof json !== 'string') throw new ShapeMismatch('an enum was expected');
  const number = Object.hasOwn(numbers, json) ? numbers[json] : 0;
  return typeof number === 'number' ? number : 0;
}

function double(json: unknown): number {
  const value = typeof json === 'string' && json.trim() !== '' ? Number(json) : json;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new ShapeMismatch('a number was expected');
  return value;
}

function objectOf(json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new ShapeMismatch('an object was expected');
  return json as Record<string, unknown>;
}

function fieldOf(fields: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(fields, name)) return fields[name];
  const original = originalName(name);
  return Object.hasOwn(fields, original) ? fields[original] : undefined;
}

const isUnset = (value: unknown): boolean => value === undefined || value === null;

const originalNames = new Map<string, string>();

/** `deviceId` → `device_id` */
function originalName(name: string): string {
  let original = originalNames.get(name);
  if (original === undefined) {
    original = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    originalNames.set(name, original);
  }
  return original;
}

/** Both spellings of each member of the oneof. */
const bodiesByKey = new Map(
  Object.entries(clientBodies).flatMap(([name, shape]) =>
    [name, originalName(name)].map((key) => [key, { name, shape }] as const),
  ),
);
