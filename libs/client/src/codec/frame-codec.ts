// The client's side of the two encodings: frames to what a WebSocket message carries, and back.
import { wire } from '@parley/protocol';
import type { ClientFrame, ServerFrame } from '../frames.ts';

export type Encoding = 'protobuf' | 'json';
export type FrameData = Uint8Array | string;

export interface FrameCodec {
  readonly subprotocol: string;
  encode(frame: ClientFrame): FrameData;
  /** Throws on bytes that are no frame. The result may hold views on `data`; it is not reused by the socket. */
  decode(data: FrameData): ServerFrame;
}

const asServerFrame = (frame: unknown): ServerFrame => frame as ServerFrame;

export const protobufCodec: FrameCodec = {
  subprotocol: 'parley.v1.protobuf',
  encode: (frame) => wire.ClientFrame.encode(frame).finish(),
  decode(data) {
    if (typeof data === 'string') throw new TypeError('a text message on a binary connection');
    return asServerFrame(wire.ServerFrame.decode(data));
  },
};

export const jsonCodec: FrameCodec = {
  subprotocol: 'parley.v1.json',
  encode: (frame) =>
    JSON.stringify(
      wire.ClientFrame.toObject(wire.ClientFrame.fromObject(frame), {
        longs: String,
        enums: String,
        json: true,
      }),
    ),
  decode(data) {
    const text = typeof data === 'string' ? data : Buffer.from(data).toString('utf8');
    return asServerFrame(wire.ServerFrame.fromObject(JSON.parse(text) as object));
  },
};

export const codecFor = (encoding: Encoding): FrameCodec => (encoding === 'json' ? jsonCodec : protobufCodec);
