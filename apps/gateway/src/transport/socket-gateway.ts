// The socket half of the gateway, composed: plugs connection, dispatch, delivery and sync together on one transport, and
// starts, drains and stops them. Its parts do the work; this is the list of them.
import type {
  ClientSocket,
  ClientTransport,
  MessageTail,
  PresenceRegistry,
  SocketHandlers,
  DeviceRegistry,
} from '@parley/adapters';
import type { CommandLog, Messenger, Placement } from '@parley/runtime';
import type { Clock, Random, Timer } from '@parley/std';
import { Registration } from '../auth/registration.ts';
import { type Screen, noScreen } from '../safety/screen.ts';
import type { TokenVerifier } from '../auth/token-verifier.ts';
import { Attachments } from '../connection/attachments.ts';
import { ClientConnection } from '../connection/client-connection.ts';
import { closeCodes, closeReasonOf } from '../connection/close-codes.ts';
import { Connections } from '../connection/connections.ts';
import { Handshake } from '../connection/handshake.ts';
import { Heartbeats } from '../connection/heartbeats.ts';
import { PresenceAnnouncer } from '../connection/presence-announcer.ts';
import type { SocketLimits } from '../connection/socket-limits.ts';
import { type Upgraded, decideUpgrade } from '../connection/upgrade.ts';
import { LargeGroups } from '../delivery/large-groups.ts';
import { LiveTopics } from '../delivery/live-topics.ts';
import type { OutboxParts } from '../delivery/outbox.ts';
import { OutboundReceiver } from '../delivery/outbound-receiver.ts';
import { FrameDispatcher } from '../dispatch/frame-dispatcher.ts';
import { KnownUsers } from '../dispatch/known-users.ts';
import { PendingRequests } from '../dispatch/pending-requests.ts';
import { OwnChanges } from '../dispatch/own-changes.ts';
import { type ChangeWindows, Changing, changeWindows } from '../dispatch/changing.ts';
import { Posting } from '../dispatch/posting.ts';
import { ShardCommands } from '../dispatch/shard-commands.ts';
import { ShardLines } from '../dispatch/shard-line.ts';
import { GroupReads } from '../dispatch/group-reads.ts';
import { Signals } from '../dispatch/signals.ts';
import { Turn } from '../dispatch/turn.ts';
import { TypingRelay } from '../dispatch/typing.ts';
import type { CommandSender } from '../http/command-sender.ts';
import type { HistoryReader } from '../http/history-reader.ts';
import type { EntityQuery } from '../query/entity-query.ts';
import type { Sealing } from '../sealing/sealing.ts';
import { ConversationHeads } from '../sync/conversation-heads.ts';
import { ConversationPages } from '../sync/conversation-pages.ts';
import { DateJump } from '../sync/date-jump.ts';
import type { DeletionTimes } from '../sync/deletion-times.ts';
import { InboxSync } from '../sync/inbox-sync.ts';
import { MessageBodies } from '../sync/message-bodies.ts';
import type { SocketLog } from './socket-log.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';

export interface SocketGatewayParts {
  /** Unique per incarnation: replies to an earlier one must not arrive here. */
  readonly gatewayId: string;
  readonly transport: ClientTransport;
  readonly messenger: Messenger;
  readonly commandLog: CommandLog;
  readonly placement: Placement;
  readonly queries: EntityQuery;
  readonly tail: MessageTail;
  readonly presence: PresenceRegistry;
  readonly verifier: TokenVerifier;
  readonly clock: Clock;
  readonly random: Random;
  /** Through what time tenants have deleted. */
  readonly deletions: DeletionTimes;
  readonly limits: SocketLimits;
  readonly log: SocketLog;
  readonly metrics: GatewayMetrics;
  /** Tenants whose accounts an external issuer keeps. */
  readonly externalTenants?: readonly string[];
  /** Where the devices of users are listed. */
  readonly devices?: DeviceRegistry;
  /** Tenants in which a user has one device of each class. */
  readonly oneOfEachTenants?: readonly string[];
  /** How long messages may be edited and recalled; the defaults when absent. */
  readonly changeWindows?: ChangeWindows;
  /** The tenants' word lists; none when absent. */
  readonly screen?: Screen;
  /** Absent: no tenant seals. */
  readonly sealing?: Sealing | undefined;
  /** Path of the main WebSocket endpoint; `/*` leaves more exact paths to others. */
  readonly path: string;
}

export class SocketGateway {
  /** For the HTTP API: commands and pages go the same way as for sockets. */
  readonly commands: CommandSender;
  readonly history: HistoryReader;
  /** Makes sure that users of external issuers exist; sockets do it at hello. */
  readonly registration: Registration;

  readonly #parts: SocketGatewayParts;
  readonly #turn = new Turn();
  readonly #outboxParts: OutboxParts;
  readonly #connections = new Connections();
  readonly #pending: PendingRequests;
  readonly #lines: ShardLines;
  readonly #groupReads: GroupReads;
  readonly #signals: Signals;
  readonly #topics: LiveTopics;
  readonly #largeGroups: LargeGroups;
  readonly #attachments: Attachments;
  readonly #presence: PresenceAnnouncer;
  readonly #heartbeats: Heartbeats;
  readonly #dispatcher: FrameDispatcher;
  readonly #receiver: OutboundReceiver;
  #sweeping: Timer | undefined;
  #lastConnection = 0;
  #isDraining = false;
  #wasConnected = true;

  constructor(parts: SocketGatewayParts) {
    this.#parts = parts;
    const { gatewayId, transport, messenger, placement, queries, clock, limits, log, sealing } = parts;
    const turn = this.#turn;
    this.#outboxParts = { turn, limits, metrics: parts.metrics };
    const connections = this.#connections;
    this.#pending = new PendingRequests(clock);
    this.#lines = new ShardLines(placement, {
      commandLog: parts.commandLog,
      gatewayId,
      clock,
      turn,
      limits,
      onBatch: (records) => parts.metrics.commandBatchRecords.observe(records),
    });
    const commands = new ShardCommands({
      lines: this.#lines,
      messenger,
      pending: this.#pending,
      limits,
    });
    const groupReads = (this.#groupReads = new GroupReads(commands, clock, limits));
    const heads = new ConversationHeads(queries, limits.questionsAtOnceMax);
    const { tail, deletions } = parts;
    const bodies = new MessageBodies({ tail, messenger, queries, deletions, limits });
    const dates = new DateJump({ messenger, bodies, limits });
    const pages = new ConversationPages({ queries, heads, bodies, dates, deletions, sealing, limits });
    const inbox = new InboxSync({ queries, heads, pages, bodies, sealing, limits });
    this.#signals = new Signals({
      messenger,
      placement,
      gatewayId,
      clock,
      acknowledgeFlushMs: limits.acknowledgeFlushMs,
    });
    this.#topics = new LiveTopics({
      messenger,
      transport,
      turn,
      heldLiveMax: limits.heldLiveMax,
      sealing,
    });
    this.#largeGroups = new LargeGroups({ topics: this.#topics, heads, placement, clock, ...limits });
    this.#attachments = new Attachments({
      connections,
      commands,
      clock,
      reattachMs: limits.reattachMs,
      onNewOwner: (shard, isFirst) => {
        if (!isFirst) this.#pending.doubt(limits.doubtedCommandMs, shard);
        void this.#largeGroups.announceShard(shard).catch((cause: unknown) => {
          log.error({ err: cause }, 'heads could not be announced');
        });
      },
      onReattached: (connection, welcome) => {
        void this.#catchUp(connection, welcome).catch((cause: unknown) =>
          log.error({ err: cause }, 'catching up failed'),
        );
      },
    });
    this.#presence = new PresenceAnnouncer({
      registry: parts.presence,
      ...(parts.devices === undefined ? {} : { devices: parts.devices }),
      messenger,
      connections,
      gatewayId,
      clock,
      log,
    });
    this.#heartbeats = new Heartbeats({
      connections,
      clock,
      limits,
      onRecovered: (connection) => this.#tellToSync(connection),
    });
    this.registration = new Registration(commands, parts.externalTenants ?? []);
    const { registration } = this;
    const largeGroups = this.#largeGroups;
    const presence = this.#presence;
    const posting = new Posting({
      groupReads,
      commands,
      knownUsers: new KnownUsers(queries, limits),
      heads,
      limits,
      screen: parts.screen ?? noScreen,
      sealing,
      changing: () => changing,
    });
    const changing = new Changing({
      pages,
      sealing,
      windows: parts.changeWindows ?? changeWindows,
      screen: parts.screen ?? noScreen,
      limits,
      forward: (connection, requestId, address, payload) =>
        posting.forward(connection, requestId, address, payload),
    });
    const own = new OwnChanges({
      heads,
      forward: (connection, requestId, address, payload) =>
        posting.forward(connection, requestId, address, payload),
    });
    this.#dispatcher = new FrameDispatcher({
      handshake: new Handshake({
        ...parts,
        lines: this.#lines,
        commands,
        connections,
        attachments: this.#attachments,
        registration,
        largeGroups,
        presence,
        onAcknowledged: (connection) => this.#signals.acknowledge(connection),
        onGroupRead: (owner, group, sequence) => groupReads.note(owner, group, sequence),
      }),
      posting,
      changing,
      own,
      typing: new TypingRelay({ queries, signals: this.#signals, limits }),
      signals: this.#signals,
      inbox,
      queries,
      pages,
      presence,
      presenceRegistry: parts.presence,
      metrics: parts.metrics,
      largeGroups,
      clock,
      limits,
      log,
    });
    this.#receiver = new OutboundReceiver({
      messenger,
      gatewayId,
      pending: this.#pending,
      connections,
      attachments: this.#attachments,
      largeGroups,
      sealing,
      log,
      onBatch: (items) => parts.metrics.outboundBatchItems.observe(items),
    });
    this.commands = commands;
    this.history = pages;
    transport.route<Upgraded>(parts.path, limits, this.#handlers());
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Requests without a reply yet. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Subscribes to replies and pushes; resolves when the cluster knows. The transport may listen then. */
  async start(): Promise<void> {
    this.#receiver.start();
    this.#presence.start();
    this.#sweepLater();
    await this.#parts.messenger.flush();
  }

  /** Tells every client to go elsewhere, spread over drainSpreadMs, and resolves when all are gone or the grace is over. */
  async drain(): Promise<void> {
    const { limits, clock, random, transport } = this.#parts;
    this.#isDraining = true;
    transport.stopListening();
    for (const connection of this.#connections.all()) {
      const delayMs = random.next() * limits.drainSpreadMs;
      clock.after(delayMs, () =>
        this.#heartbeats.sendAway(connection, 'draining', {
          graceMs: limits.drainGraceMs,
          code: closeCodes.goingAway,
        }),
      );
    }
    const deadlineMs = clock.monotonicMs() + limits.drainSpreadMs + limits.drainGraceMs + 2 * limits.sweepMs;
    while (this.#connections.size > 0 && clock.monotonicMs() < deadlineMs) {
      await new Promise<void>((resolve) => clock.after(limits.sweepMs, resolve));
    }
  }

  /** Closes what is left and leaves nothing running. */
  async stop(): Promise<void> {
    this.#isDraining = true;
    const leaving = [...this.#connections.all()].map((connection) => {
      const left = this.#presence.disconnected(connection);
      connection.end(closeCodes.goingAway, 'stopping');
      return left;
    });
    await Promise.all(leaving);
    await this.#parts.transport.close();
    this.#lines.flush();
    this.#signals.flush();
    this.#groupReads.flush();
    if (this.#parts.messenger.isConnected) await this.#parts.messenger.flush();
    this.#sweeping?.cancel();
    this.#sweeping = undefined;
    this.#receiver.stop();
    this.#topics.stop();
    this.#presence.stop();
  }

  #handlers(): SocketHandlers<Upgraded> {
    return {
      upgrade: (request) => {
        if (this.#isDraining || this.#connections.size >= this.#parts.limits.connectionsMax) {
          return { isAccepted: false, status: 503, reason: 'Busy' };
        }
        return decideUpgrade(request);
      },
      open: (socket) => {
        socket.data.connection = this.#open(socket);
      },
      message: ({ data: { connection } }, bytes, isBinary) => {
        if (connection !== undefined) this.#dispatcher.receive(connection, bytes, isBinary);
      },
      pong: ({ data: { connection } }) => {
        if (connection !== undefined) connection.lastHeardAtMs = Math.trunc(this.#parts.clock.monotonicMs());
      },
      drain: ({ data: { connection } }) => {
        if (connection?.outbox.recover()) this.#tellToSync(connection);
      },
      dropped: ({ data: { connection } }) => connection?.outbox.markLagging(),
      close: ({ data: { connection } }, code) => {
        if (connection !== undefined) this.#closed(connection, code);
      },
    };
  }

  #open(socket: ClientSocket<Upgraded>): ClientConnection {
    const { limits, clock, random } = this.#parts;
    const nowMs = Math.trunc(clock.monotonicMs());
    const connection = new ClientConnection(++this.#lastConnection, socket, socket.data.codec, {
      outbox: this.#outboxParts,
      upgradeToken: socket.data.token,
      nowMs,
      // Spread, so that clients that came together do not leave together.
      ageMaxMs: Math.trunc(limits.connectionAgeMaxMs * (1 - random.next() / 10)),
    });
    this.#connections.add(connection);
    return connection;
  }

  #closed(connection: ClientConnection, code: number): void {
    if (connection.state === 'closed') return;
    this.#parts.metrics.closed.inc({ reason: closeReasonOf(code) });
    connection.state = 'closed';
    this.#attachments.detach(connection);
    this.#largeGroups.leaveAll(connection);
    this.#connections.remove(connection);
    void this.#presence.disconnected(connection).catch((cause: unknown) => {
      this.#parts.log.error({ err: cause }, 'presence could not be recorded');
    });
  }

  /** Pushes were dropped, and the client reads again. */
  #tellToSync(connection: ClientConnection): void {
    connection.laggingSinceMs = undefined;
    connection.push({ syncNeeded: { inboxPosition: connection.inboxPosition } });
    void this.#largeGroups.announceAll(connection).catch((cause: unknown) => {
      this.#parts.log.error({ err: cause }, 'heads could not be announced');
    });
  }

  /** A new owner knows the connection now; what happened in between may have been missed. */
  async #catchUp(
    connection: ClientConnection,
    welcome: { inboxPosition?: number | null; conversations?: object[] | null },
  ) {
    const position = welcome.inboxPosition ?? 0;
    if (position > connection.inboxPosition) {
      connection.inboxPosition = position;
      connection.push({ syncNeeded: { inboxPosition: position } });
    }
    this.#largeGroups.rejoin(connection, welcome.conversations ?? []);
    if (!connection.hasMissedLive) return;
    connection.hasMissedLive = false;
    await this.#largeGroups.announceAll(connection);
  }

  #sweepLater(): void {
    this.#sweeping = this.#parts.clock.after(this.#parts.limits.sweepMs, () => {
      this.#pending.sweep();
      this.#parts.metrics.connections.set({ transport: 'websocket' }, this.#connections.size);
      this.#parts.metrics.pendingRequests.set(this.#pending.size);
      this.#heartbeats.sweep();
      this.#watchOwnConnection();
      this.#attachments.sweep();
      if (this.#sweeping !== undefined) this.#sweepLater();
    });
  }

  /** Pushes that came while we were cut off are lost: attach everyone again, the welcomes say who missed something. */
  #watchOwnConnection(): void {
    const { isConnected } = this.#parts.messenger;
    if (isConnected && !this.#wasConnected) {
      this.#parts.log.info({}, 'connected to the cluster again: attaching all connections');
      this.#pending.doubt(this.#parts.limits.doubtedCommandMs);
      this.#attachments.reattachAll();
    }
    this.#wasConnected = isConnected;
  }
}
