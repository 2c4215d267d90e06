// The port between the client and a WebSocket library: small enough for an in-memory twin in tests.
import type { FrameData } from '../codec/frame-codec.ts';

export interface SocketHandlers {
  opened(): void;
  received(data: FrameData): void;
  /** Called once, also when the socket never opened. Nothing is received afterwards. */
  closed(reason: string): void;
}

export interface Socket {
  /** Only after `opened`. Dropped silently once the socket is closing. */
  send(data: FrameData): void;
  /** Idempotent. `closed` follows. */
  close(): void;
}

export interface SocketTarget {
  readonly url: string;
  readonly subprotocol: string;
  /** Certificate authority for wss with a private one, PEM. */
  readonly ca?: string;
}

/** Returns before any handler is called. */
export type OpenSocket = (target: SocketTarget, handlers: SocketHandlers) => Socket;
