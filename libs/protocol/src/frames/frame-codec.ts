// The port between frames and what goes over a socket. Two encodings exist, chosen by WebSocket subprotocol; everything
// else of the gateway and the client library is the same for both.
import type { Result } from '@parley/std';
import type { ErrorName } from '../error-codes.ts';
import type { parley } from '../messages.ts';
import type { PlainSend } from './plain-send.ts';

type ClientFrame = parley.v1.ClientFrame;
type ServerFrame = parley.v1.ServerFrame;

export const subprotocols = ['parley.v1.protobuf', 'parley.v1.json'] as const;
export type Subprotocol = (typeof subprotocols)[number];

/** One WebSocket message: bytes for a binary one, a string for a text one. */
export type EncodedFrame = Uint8Array | string;

/** An inbox entry made ready for one encoding; only the position, which differs by recipient, is missing. */
export type PreparedEntry = EncodedFrame;

export interface PositionedEntry {
  readonly entry: PreparedEntry;
  readonly position: number;
}

/** An entry of a sync page. */
export interface EncodedEntry {
  readonly position: number;
  /** Its message as it is kept: an encoded Message. */
  readonly message: Uint8Array | undefined;
  /** What else it says, if anything. */
  readonly more: parley.v1.Entry.$Properties | undefined;
}

export interface FrameCodec {
  readonly subprotocol: Subprotocol;
  readonly isBinary: boolean;
  /** Reads a client's frame. Errors: BAD_FRAME, UNKNOWN_FRAME. Never throws. */
  decodeClient(frame: Uint8Array): Result<ClientFrame, ErrorName>;
  /** The usual `send`, without decoding it; undefined: `decodeClient` has to look. */
  plainSend(frame: Uint8Array): PlainSend | undefined;
  /** The request id of a frame that could not be read, as far as it can be told cheaply; 0 otherwise. */
  peekRequestId(frame: Uint8Array): number;
  encodeServer(frame: parley.v1.ServerFrame.$Properties): EncodedFrame;
  /** `body`: an encoded ServerFrame without request id. Throws on bytes that are none (JSON only). */
  reply(requestId: number, body: Uint8Array): EncodedFrame;
  /** `entry`: an encoded Entry without position. Done once for all recipients with this encoding. */
  prepareEntry(entry: Uint8Array): PreparedEntry;
  /** One Deliver push of the entries from `start` to `end`, all by default. Bytes are valid until the next call. */
  deliver(entries: readonly PositionedEntry[], start?: number, end?: number): EncodedFrame;
  /** The answer to a sync: `page` without entries, and these. */
  syncPage(
    requestId: number,
    page: parley.v1.SyncPage.$Properties,
    entries: readonly EncodedEntry[],
  ): EncodedFrame;
  /** One Live push of several encoded Live payloads. */
  live(payloads: readonly Uint8Array[]): EncodedFrame;
  /** The client's side. */
  encodeClient(frame: parley.v1.ClientFrame.$Properties): EncodedFrame;
  /** The client's side. Errors: BAD_FRAME; a body this version does not know has no `body` set. Never throws. */
  decodeServer(frame: Uint8Array | string): Result<ServerFrame, ErrorName>;
}
