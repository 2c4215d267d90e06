// WebSocket messages as a client sends them. The mask is zero: the specification asks for a mask against hostile browsers'
// bytes in caches of proxies, servers apply any mask the same way, and we save the load process the work.

export type Encoding = 'protobuf' | 'json';

const opcodeText = 0x81;
const opcodeBinary = 0x82;
const opcodePong = 0x8a;
const masked = 0x80;

export const clientMessage = (payload: Uint8Array, encoding: Encoding): Buffer =>
  frame(encoding === 'json' ? opcodeText : opcodeBinary, payload);

export const pong = (payload: Uint8Array): Buffer => frame(opcodePong, payload);

function frame(opcode: number, payload: Uint8Array): Buffer {
  const isShort = payload.length < 126;
  if (payload.length > 0xffff) throw new RangeError(`a load message of ${payload.length} bytes`);
  const head = isShort ? 6 : 8;
  const bytes = Buffer.alloc(head + payload.length);
  bytes[0] = opcode;
  bytes[1] = masked | (isShort ? payload.length : 126);
  if (!isShort) bytes.writeUInt16BE(payload.length, 2);
  bytes.set(payload, head);
  return bytes;
}
