// A message from a client's socket: size, rate, decoding, state, and then to whoever handles that kind of frame. The way of
// `send` through here is a plain function call; only reads are asynchronous.
import type { PresenceRegistry } from '@parley/adapters';
import { type EncodedFrame, type ErrorName, idPattern, type parley } from '@parley/protocol';
import { type Clock, type Result, err, ok } from '@parley/std';
import type { ClientConnection, ConnectionOwner } from '../connection/client-connection.ts';
import { closeCodes } from '../connection/close-codes.ts';
import { FrameRate } from '../connection/frame-rate.ts';
import type { Handshake } from '../connection/handshake.ts';
import type { PresenceAnnouncer } from '../connection/presence-announcer.ts';
import type { SocketLimits } from '../connection/socket-limits.ts';
import type { LargeGroups } from '../delivery/large-groups.ts';
import type { EntityQuery } from '../query/entity-query.ts';
import type { ConversationPages } from '../sync/conversation-pages.ts';
import type { InboxSync } from '../sync/inbox-sync.ts';
import { ReadQueue } from '../sync/read-queue.ts';
import type { GatewayMetrics } from '../transport/gateway-metrics.ts';
import type { SocketLog } from '../transport/socket-log.ts';
import type { Changing } from './changing.ts';
import type { OwnChanges } from './own-changes.ts';
import type { Posting } from './posting.ts';
import { readersOf } from './readers.ts';
import type { Signals } from './signals.ts';
import type { TypingRelay } from './typing.ts';

export interface DispatcherParts {
  readonly handshake: Handshake;
  readonly posting: Posting;
  readonly changing: Changing;
  readonly own: OwnChanges;
  readonly typing: TypingRelay;
  readonly signals: Signals;
  readonly inbox: InboxSync;
  readonly queries: EntityQuery;
  readonly pages: ConversationPages;
  readonly presence: PresenceAnnouncer;
  readonly presenceRegistry: PresenceRegistry;
  readonly largeGroups: LargeGroups;
  readonly clock: Clock;
  readonly limits: SocketLimits;
  readonly log: SocketLog;
  readonly metrics: GatewayMetrics;
}

type ServerFrame = parley.v1.ServerFrame.$Properties;
type Failure = ErrorName | { readonly code: ErrorName; readonly message?: string };

export class FrameDispatcher {
  readonly #parts: DispatcherParts;
  readonly #sendsIn: { inc(): void };
  readonly #rate: FrameRate;
  readonly #pages: ReadQueue;
  /** They do not wait behind pages. */
  readonly #hints: ReadQueue;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.#rate = new FrameRate(parts.limits);
    this.#pages = new ReadQueue(parts.limits, parts.clock);
    this.#hints = new ReadQueue(parts.limits, parts.clock);
    this.#sendsIn = parts.metrics.framesIn.labels({ operation: 'send' });
  }

  /** `bytes` are a view that is valid during the call; decoding copies what is kept. */
  receive(connection: ClientConnection, bytes: Uint8Array, isBinary: boolean): void {
    const { limits, clock } = this.#parts;
    const { codec } = connection;
    const nowMs = Math.trunc(clock.monotonicMs());
    this.#parts.metrics.bytesIn.inc(bytes.length);
    connection.lastHeardAtMs = nowMs;
    if (!this.#rate.take(connection, nowMs)) return this.#throttle(connection, bytes);
    // Not reset: even in the worst flood a frame is taken now and then.
    if (connection.refusedFrames > 0) connection.refusedFrames--;
    if (bytes.length > limits.frameBytesMax)
      return connection.complain(codec.peekRequestId(bytes), 'FRAME_TOO_LARGE');
    if (isBinary !== codec.isBinary) return connection.complain(0, 'BAD_FRAME');
    if (this.#sentPlain(connection, bytes)) return;
    const frame = codec.decodeClient(bytes);
    if (!frame.ok) return connection.complain(codec.peekRequestId(bytes), frame.error);
    this.#dispatch(connection, frame.value);
  }

  /** Nearly all frames that cost a server something are plain sends: they take the short way. */
  #sentPlain(connection: ClientConnection, bytes: Uint8Array): boolean {
    const { owner, state } = connection;
    if (owner === undefined || (state !== 'ready' && state !== 'draining')) return false;
    const send = connection.codec.plainSend(bytes);
    if (send === undefined || !this.#parts.posting.sendPlain(connection, owner, bytes, send)) return false;
    this.#sendsIn.inc();
    return true;
  }

  #throttle(connection: ClientConnection, bytes: Uint8Array): void {
    connection.refusedFrames++;
    connection.complain(connection.codec.peekRequestId(bytes), 'RATE_LIMITED');
    if (connection.refusedFrames >= this.#parts.limits.floodFramesMax)
      connection.end(closeCodes.flood, 'flood');
  }

  #dispatch(connection: ClientConnection, frame: parley.v1.ClientFrame): void {
    const { requestId, body } = frame;
    this.#parts.metrics.framesIn.inc({ operation: body ?? 'none' });
    if (body === 'hello')
      return this.#guard(
        connection,
        requestId,
        this.#parts.handshake.hello(connection, requestId, frame.hello!),
      );
    const { owner, state } = connection;
    if (owner === undefined || (state !== 'ready' && state !== 'draining'))
      return connection.complain(requestId, 'HELLO_REQUIRED');
    switch (body) {
      case 'send':
        return this.#guard(
          connection,
          requestId,
          this.#parts.posting.send(connection, owner, requestId, frame.send!),
        );
      case 'edit':
        return this.#guard(
          connection,
          requestId,
          this.#parts.changing.edit(connection, owner, requestId, frame.edit!),
        );
      case 'recall':
        return this.#guard(
          connection,
          requestId,
          this.#parts.changing.recall(connection, owner, requestId, frame.recall!),
        );
      case 'react':
        return this.#guard(
          connection,
          requestId,
          this.#parts.changing.react(connection, owner, requestId, frame.react!),
        );
      case 'pin':
        return this.#guard(
          connection,
          requestId,
          this.#parts.changing.pin(connection, owner, requestId, frame.pin!),
        );
      case 'setConversation':
        return this.#guard(
          connection,
          requestId,
          this.#parts.own.set(connection, owner, requestId, frame.setConversation!),
        );
      case 'deleteForMe':
        return this.#guard(
          connection,
          requestId,
          this.#parts.own.deleteForMe(connection, owner, requestId, frame.deleteForMe!),
        );
      case 'clearHistory':
        return this.#guard(
          connection,
          requestId,
          this.#parts.own.clear(connection, owner, requestId, frame.clearHistory!),
        );
      case 'ack':
        return this.#acknowledge(connection, requestId, frame.ack!);
      case 'read':
        return this.#guard(
          connection,
          requestId,
          this.#parts.posting.read(connection, owner, requestId, frame.read!),
        );
      case 'ping':
        return connection.reply(requestId, {
          pong: { inboxPosition: connection.inboxPosition, serverTimeMs: this.#parts.clock.nowMs() },
        });
      case 'typing':
        return this.#answer(this.#hints, connection, requestId, () => this.#typing(owner, frame.typing!));
      case 'sync':
        return this.#answer(this.#pages, connection, requestId, () =>
          this.#sync(connection, owner, requestId, frame.sync!),
        );
      case 'history':
        return this.#answer(this.#pages, connection, requestId, () => this.#history(owner, frame.history!));
      case 'readers':
        return this.#answer(this.#pages, connection, requestId, () =>
          readersOf(this.#parts.queries, owner, frame.readers!),
        );
      case 'presenceQuery':
        return this.#answer(this.#hints, connection, requestId, () =>
          this.#presence(connection, owner, frame.presenceQuery!),
        );
      default:
        return connection.complain(requestId, 'UNKNOWN_FRAME');
    }
  }

  #acknowledge(connection: ClientConnection, requestId: number, ack: parley.v1.Ack.$Properties): void {
    if ((ack.cursors ?? []).length > this.#parts.limits.cursorsMax)
      return connection.fail(requestId, 'BAD_REQUEST');
    const position = ack.inboxPosition ?? 0;
    if (position > connection.inboxPosition) return connection.fail(requestId, 'SEQUENCE_FROM_FUTURE');
    if (position > connection.acknowledgedPosition) {
      connection.acknowledgedPosition = position;
      this.#parts.signals.acknowledge(connection);
    }
    // Cursors of large groups are the client's own: nobody here waits for them.
    connection.reply(requestId, { done: {} });
  }

  async #typing(
    owner: ConnectionOwner,
    typing: parley.v1.Typing.$Properties,
  ): Promise<Result<ServerFrame, Failure>> {
    const told = await this.#parts.typing.tell(owner, typing.conversation ?? '');
    return told.ok ? ok({ done: {} }) : told;
  }

  async #sync(
    connection: ClientConnection,
    owner: ConnectionOwner,
    requestId: number,
    sync: parley.v1.Sync.$Properties,
  ): Promise<Result<EncodedFrame, Failure>> {
    if ((sync.cursors ?? []).length > this.#parts.limits.cursorsMax) return err('BAD_REQUEST');
    const read = await this.#parts.inbox.page(owner, sync);
    if (!read.ok) return read;
    const { page, entries, turns, newestDirect } = read.value;
    connection.undeliveredPosition = Math.max(connection.undeliveredPosition, newestDirect);
    connection.inboxPosition = Math.max(connection.inboxPosition, page.inboxPosition ?? 0);
    for (const turn of turns) this.#parts.largeGroups.turn(connection, turn);
    return ok(connection.codec.syncPage(requestId, page, entries));
  }

  async #history(
    owner: ConnectionOwner,
    history: parley.v1.History.$Properties,
  ): Promise<Result<ServerFrame, Failure>> {
    const { conversation, before, after, around, atMs, limit } = history;
    const page = await this.#parts.pages.page(owner, {
      conversation: conversation ?? '',
      before: before ?? 0,
      after: after ?? 0,
      around: around ?? 0,
      atMs: atMs ?? 0,
      limit: limit ?? 0,
    });
    return page.ok ? ok({ historyPage: page.value }) : page;
  }

  async #presence(
    connection: ClientConnection,
    owner: ConnectionOwner,
    query: parley.v1.PresenceQuery.$Properties,
  ): Promise<Result<ServerFrame, Failure>> {
    const users = query.users ?? [];
    if (users.length > this.#parts.limits.presenceUsersMax) return err('BAD_REQUEST');
    if (users.some((user) => !idPattern.test(user))) return err('BAD_ID');
    // Watched before it is asked, so that no change falls between.
    if (query.watch) this.#parts.presence.watch(connection, owner.tenant, users);
    const states = await this.#parts.presenceRegistry.query(owner.tenant, users);
    if (!states.ok) return err('UNAVAILABLE');
    const list = states.value.map(({ user, online, lastSeenMs }) => ({ user, online, lastSeenMs }));
    return ok({ presenceList: { users: list } });
  }

  /** Runs a read when it is its turn and answers with what comes out. */
  #answer(
    queue: ReadQueue,
    connection: ClientConnection,
    requestId: number,
    read: () => Promise<Result<ServerFrame | EncodedFrame, Failure>>,
  ): void {
    const { readsPerConnectionMax } = this.#parts.limits;
    if (connection.readsInFlight >= readsPerConnectionMax) return connection.fail(requestId, 'BUSY');
    connection.readsInFlight++;
    const answered = queue
      // Whoever has left while waiting wants nothing any more.
      .run((): ReturnType<typeof read> => (connection.isOpen ? read() : Promise.resolve(err('UNAVAILABLE'))))
      .then((result) => {
        if (!connection.isOpen) return;
        if (result.ok) return connection.answer(requestId, result.value);
        const failure: { code: ErrorName; message?: string } =
          typeof result.error === 'string' ? { code: result.error } : result.error;
        connection.fail(requestId, failure.code, failure.message);
      })
      .finally(() => connection.readsInFlight--);
    this.#guard(connection, requestId, answered);
  }

  /** A bug behind one frame costs that frame only. */
  #guard(connection: ClientConnection, requestId: number, work: void | Promise<void>): void {
    work?.catch((cause: unknown) => {
      this.#parts.log.error({ connection: connection.number, err: cause }, 'frame failed');
      if (connection.isOpen) connection.fail(requestId, 'INTERNAL');
    });
  }
}
