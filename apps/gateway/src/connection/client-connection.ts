// One client's connection: its state, who it is, how far its inbox has come. Plain data with the few moves that keep it
// consistent; the rules of each frame live in dispatch/, of each push in delivery/.
//
//   awaiting-hello → attaching → ready → draining → closed
//         ↑______________|  (hello refused: say it again)
import type { ClientSocket } from '@parley/adapters';
import { type EncodedFrame, type ErrorName, type FrameCodec, errorBody, type parley } from '@parley/protocol';
import type { VerifiedToken } from '../auth/token-verifier.ts';
import { Outbox, type OutboxParts } from '../delivery/outbox.ts';
import type { ShardLine } from '../dispatch/shard-line.ts';
import type { Talk } from '../dispatch/talk.ts';
import type { GatewayMetrics } from '../transport/gateway-metrics.ts';

export type ConnectionState = 'awaiting-hello' | 'attaching' | 'ready' | 'draining' | 'closed';

/** Set once hello has been believed. */
export interface ConnectionOwner extends VerifiedToken {
  readonly deviceClass: number;
  readonly device: string;
  /** To the shard of the user entity. */
  readonly line: ShardLine;
}

export interface ConnectionParts {
  /** The same object for all connections. */
  readonly outbox: OutboxParts;
  /** Token that came with the upgrade; empty when none did. */
  readonly upgradeToken: string;
  /** Monotonic. Whole milliseconds here and below: fractions would cost an object each. */
  readonly nowMs: number;
  readonly ageMaxMs: number;
}

export class ClientConnection {
  /** Unique in this incarnation of the gateway. */
  readonly number: number;
  readonly socket: ClientSocket;
  readonly codec: FrameCodec;
  readonly upgradeToken: string;
  readonly outbox: Outbox;
  readonly openedAtMs: number;
  readonly ageMaxMs: number;
  readonly #metrics: GatewayMetrics;

  state: ConnectionState = 'awaiting-hello';
  owner: ConnectionOwner | undefined;
  /** The conversation it sent to last. */
  talk: Talk | undefined;
  /** Newest position pushed or shown to the client. */
  inboxPosition = 0;
  acknowledgedPosition = 0;
  /** Newest position that brought something of a direct conversation, until its acknowledgement is told; 0: none. */
  undeliveredPosition = 0;
  /** Epoch of the owner that last answered an attach; 0 before. */
  attachedEpoch = 0;
  attachAskedAtMs = 0;
  /** The next connection of the same user; see Connections. */
  nextOfUser: ClientConnection | undefined;
  /** Set for the few that are in a large group. */
  #liveGroups: Map<string, number> | undefined;

  /** Live messages may have been lost: the heads of its large groups are to be told. */
  hasMissedLive = false;
  /** The same device has a newer connection, which has taken its route over. */
  isDisplaced = false;

  helloAttempts = 0;
  refusedFrames = 0;
  commandsInFlight = 0;
  readsInFlight = 0;
  /** See FrameRate. */
  rateFullAtMs = 0;
  lastHeardAtMs: number;
  lastPingAtMs: number;
  /** Set while the client is behind. */
  laggingSinceMs: number | undefined;
  /** Set once go_away was sent: the close follows then. */
  closeAtMs: number | undefined;
  closeWith: { code: number; reason: string } | undefined;

  constructor(number: number, socket: ClientSocket, codec: FrameCodec, parts: ConnectionParts) {
    this.number = number;
    this.socket = socket;
    this.codec = codec;
    this.#metrics = parts.outbox.metrics;
    this.upgradeToken = parts.upgradeToken;
    this.openedAtMs = parts.nowMs;
    this.lastHeardAtMs = parts.nowMs;
    this.lastPingAtMs = parts.nowMs;
    this.ageMaxMs = parts.ageMaxMs;
    this.outbox = new Outbox(socket, codec, parts.outbox);
  }

  /** Large groups whose live topic it hears, and the sequence since which it may. */
  get liveGroups(): ReadonlyMap<string, number> {
    return this.#liveGroups ?? none;
  }

  hear(conversation: string, sinceSequence: number): void {
    (this.#liveGroups ??= new Map()).set(conversation, sinceSequence);
  }

  /** False when it did not hear it. */
  unhear(conversation: string): boolean {
    return this.#liveGroups?.delete(conversation) ?? false;
  }

  get isOpen(): boolean {
    return this.state !== 'closed';
  }

  /** Answers a request; with request id 0 the client wants no answer. */
  reply(requestId: number, frame: parley.v1.ServerFrame.$Properties): void {
    if (requestId !== 0) this.tell(requestId, frame);
  }

  /** The same with a frame that may be encoded already. */
  answer(requestId: number, frame: parley.v1.ServerFrame.$Properties | EncodedFrame): void {
    if (requestId === 0) return;
    if (typeof frame === 'string' || frame instanceof Uint8Array) this.outbox.reply(frame);
    else this.tell(requestId, frame);
  }

  /** Answers a request with an error frame; with request id 0 the client does not want to know. */
  fail(requestId: number, code: ErrorName, message?: string): void {
    this.#metrics.errors.inc({ code });
    if (requestId !== 0) this.tell(requestId, { error: errorBody(code, message) });
  }

  /** An error about the connection itself or a frame that could not be read: told whatever the request id. */
  complain(requestId: number, code: ErrorName, message?: string): void {
    this.#metrics.errors.inc({ code });
    this.tell(requestId, { error: errorBody(code, message) });
  }

  /** Sends a frame that is not dropped for a slow client. */
  tell(requestId: number, frame: parley.v1.ServerFrame.$Properties): void {
    this.outbox.reply(this.codec.encodeServer({ ...frame, requestId }));
  }

  push(frame: parley.v1.ServerFrame.$Properties): void {
    this.outbox.push(this.codec.encodeServer(frame));
  }

  /** Sends what waits, then closes with a close frame. */
  end(code: number, reason: string): void {
    this.outbox.flush();
    this.socket.end(code, reason);
  }
}

const none: ReadonlyMap<string, number> = new Map();
