// hello → welcome: checks version, ids and token, opens the session in the user entity, and adds to the welcome what only
// the gateway knows. Until it is through, every other frame is refused.
import {
  type ErrorName,
  errorCodes,
  idPattern,
  parseConversation,
  type parley,
  wire,
} from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import type { Clock } from '@parley/std';
import type { Registration } from '../auth/registration.ts';
import type { TokenVerifier } from '../auth/token-verifier.ts';
import type { LargeGroups } from '../delivery/large-groups.ts';
import type { Reply } from '../dispatch/pending-requests.ts';
import type { ShardCommands } from '../dispatch/shard-commands.ts';
import type { ShardLines } from '../dispatch/shard-line.ts';
import type { SocketLog } from '../transport/socket-log.ts';
import type { Attachments, Welcome } from './attachments.ts';
import type { ClientConnection, ConnectionOwner } from './client-connection.ts';
import { closeCodes } from './close-codes.ts';
import type { Connections } from './connections.ts';
import { encodeClaim, endLoggedOut, isDeviceEnding } from './log-out.ts';
import { Pace } from './pace.ts';
import type { PresenceAnnouncer } from './presence-announcer.ts';
import type { SocketLimits } from './socket-limits.ts';

/** The protocol version this server speaks. */
export const protocolVersion = 1;

export interface HandshakeParts {
  readonly verifier: TokenVerifier;
  readonly registration: Registration;
  readonly connections: Connections;
  readonly attachments: Attachments;
  readonly largeGroups: LargeGroups;
  readonly presence: PresenceAnnouncer;
  readonly lines: ShardLines;
  readonly messenger: Pick<Messenger, 'isConnected'>;
  readonly clock: Clock;
  readonly limits: SocketLimits;
  readonly gatewayId: string;
  readonly log: SocketLog;
  readonly commands: Pick<ShardCommands, 'commandWithoutReply'>;
  /** Tenants in which a user has one device of each class. */
  readonly oneOfEachTenants?: readonly string[];
  /** The connection's acknowledgedPosition has moved. */
  onAcknowledged(connection: ClientConnection): void;
  /** A group is told how far the user has read it. */
  onGroupRead(owner: ConnectionOwner, group: string, sequence: number): void;
}

type Hello = parley.v1.Hello.$Properties;

export class Handshake {
  readonly #parts: HandshakeParts;
  readonly #pace: Pace;

  constructor(parts: HandshakeParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.limits.hellosPerTurnMax);
  }

  async hello(connection: ClientConnection, requestId: number, hello: Hello): Promise<void> {
    if (connection.state !== 'awaiting-hello') return connection.complain(requestId, 'HELLO_REPEATED');
    const flaw = this.#flawOf(hello);
    if (flaw !== undefined) return this.#refuse(connection, requestId, flaw);
    const token = hello.token || connection.upgradeToken;
    if (token === '') return this.#refuse(connection, requestId, 'UNAUTHENTICATED');
    connection.state = 'attaching';
    await this.#pace.next();
    if (!connection.isOpen) return;
    const verified = await this.#parts.verifier.verify(token);
    if (!connection.isOpen) return;
    if (!verified.ok) return this.#refuse(connection, requestId, verified.error);
    const { tenant, user } = verified.value;
    if (isAnother(connection, tenant, user)) {
      // An attach of the first user may still be on its way: their entries must not reach the second.
      return this.#refuse(
        connection,
        requestId,
        'HELLO_REPEATED',
        'Another user said hello here: open a new connection.',
      );
    }
    if (verified.value.device !== undefined && verified.value.device !== hello.deviceId)
      return this.#refuse(connection, requestId, 'WRONG_DEVICE');
    const registered = await this.#parts.registration.ensureRegistered({ tenant, user });
    if (!connection.isOpen) return;
    if (!registered.ok) return this.#refuse(connection, requestId, registered.error);
    const { connections, limits, lines, attachments, messenger } = this.#parts;
    if (!messenger.isConnected) return this.#refuse(connection, requestId, 'UNAVAILABLE');
    const device = hello.deviceId ?? '';
    const isNewDevice = !connections.isKnownDevice(tenant, user, device);
    if (isNewDevice && connections.countOfUser(tenant, user) >= limits.connectionsPerUserMax) {
      return this.#refuse(connection, requestId, 'BUSY', 'Too many connections of this user.');
    }
    const line = lines.of({ type: 'user', tenant, id: user });
    const older = connections.identify(connection, {
      token: verified.value,
      device,
      deviceClass: knownClass(hello.deviceClass ?? 0),
      line,
    });
    if (older !== undefined && older !== connection) displace(older);
    attachments.attach(connection, hello, (reply) => this.#onAttached(connection, requestId, hello, reply));
  }

  #flawOf(hello: Hello): ErrorName | undefined {
    // A client that says nothing speaks the first version.
    if ((hello.protocolVersion || 1) !== protocolVersion) return 'UNSUPPORTED_VERSION';
    if (!idPattern.test(hello.deviceId ?? '')) return 'BAD_ID';
    const cursors = hello.cursors ?? [];
    if (cursors.length > this.#parts.limits.cursorsMax) return 'BAD_REQUEST';
    return cursors.some((cursor) => !parseConversation(cursor.conversation ?? '')) ? 'BAD_ID' : undefined;
  }

  /** Repeated at every hello, so one that is lost is made good by the next. */
  #claimPlace({ owner }: ClientConnection): void {
    const { commands, oneOfEachTenants = [] } = this.#parts;
    if (owner === undefined || !oneOfEachTenants.includes(owner.tenant)) return;
    const address = { type: 'user', tenant: owner.tenant, id: owner.user };
    commands.commandWithoutReply(address, encodeClaim(owner.device, owner.deviceClass));
  }

  #refuse(connection: ClientConnection, requestId: number, code: ErrorName, message?: string): void {
    connection.state = 'awaiting-hello';
    connection.complain(requestId, code, message);
    if (errorCodes[code].retryable) return;
    connection.helloAttempts++;
    if (connection.helloAttempts >= this.#parts.limits.helloAttemptsMax) {
      connection.end(closeCodes.helloRefused, 'too many refused hellos');
    }
  }

  #onAttached(connection: ClientConnection, requestId: number, hello: Hello, reply: Reply): void {
    if (connection.state !== 'attaching') return;
    if (reply.outcome === 'timeout') return this.#refuseAttached(connection, requestId, 'TIMEOUT');
    const frame = wire.ServerFrame.decode(reply.body);
    if (frame.body === 'error') {
      const code = frame.error?.code ?? '';
      return this.#refuseAttached(
        connection,
        requestId,
        code in errorCodes ? (code as ErrorName) : 'INTERNAL',
      );
    }
    const { welcome } = frame;
    if (!welcome) return this.#refuseAttached(connection, requestId, 'INTERNAL');
    if ((hello.inboxPosition ?? 0) > (welcome.inboxPosition ?? 0)) {
      return this.#refuseAttached(connection, requestId, 'SEQUENCE_FROM_FUTURE');
    }
    this.#welcome(connection, requestId, hello, welcome).catch((cause: unknown) => {
      this.#parts.log.error({ connection: connection.number, err: cause }, 'welcome failed');
      if (connection.state === 'attaching') this.#refuseAttached(connection, requestId, 'INTERNAL');
    });
  }

  #refuseAttached(connection: ClientConnection, requestId: number, code: ErrorName): void {
    this.#parts.attachments.detach(connection);
    this.#refuse(connection, requestId, code);
    if (isDeviceEnding(code)) endLoggedOut(connection, code);
  }

  async #welcome(
    connection: ClientConnection,
    requestId: number,
    hello: Hello,
    welcome: Welcome,
  ): Promise<void> {
    const { largeGroups, clock, limits, presence, gatewayId } = this.#parts;
    const conversations = await largeGroups.join(connection, welcome.conversations ?? []);
    if (connection.state !== 'attaching') return;
    // Pushes held for after the welcome may have come further already.
    connection.inboxPosition = Math.max(connection.inboxPosition, welcome.inboxPosition ?? 0);
    connection.acknowledgedPosition = hello.inboxPosition ?? 0;
    connection.tell(requestId, {
      welcome: {
        ...welcome,
        conversations,
        connectionId: `${gatewayId}-${connection.number}`,
        keepAliveMs: limits.keepAliveMs,
        frameBytesMax: limits.frameBytesMax,
        protocolVersion,
        serverTimeMs: clock.nowMs(),
      },
    });
    connection.state = 'ready';
    connection.outbox.release();
    largeGroups.admit(connection);
    presence.connected(connection);
    this.#claimPlace(connection);
    this.#tellDelivered(connection, conversations);
    this.#tellReads(connection, conversations);
  }

  /** A gateway that has gone may have kept pointers to itself. A group that knows them takes no notice. */
  #tellReads(
    { owner }: ClientConnection,
    conversations: readonly parley.v1.Conversation.$Properties[],
  ): void {
    if (owner === undefined) return;
    const groups = conversations.filter(({ left, read }) => !left && (read ?? 0) > 0);
    for (const { conversation, read } of groups.slice(0, this.#parts.limits.groupsRetoldMax)) {
      const address = parseConversation(conversation ?? '');
      if (address?.type === 'group') this.#parts.onGroupRead(owner, address.id, read ?? 0);
    }
  }

  /** What the device has got before may not have been told: the gateway it acknowledged to has perhaps gone since. */
  #tellDelivered(
    connection: ClientConnection,
    conversations: readonly parley.v1.Conversation.$Properties[],
  ): void {
    if (connection.acknowledgedPosition === 0 || !conversations.some(isUnreadDirect)) return;
    connection.undeliveredPosition = Math.max(
      connection.undeliveredPosition,
      connection.acknowledgedPosition,
    );
    this.#parts.onAcknowledged(connection);
  }
}

/** A class this server does not know is none. */
const knownClass = (deviceClass: number): number =>
  Object.values(wire.DeviceClass).includes(deviceClass) ? deviceClass : 0;
/** A direct conversation with something that has not been read, and so perhaps has not been told to be delivered. */
const isUnreadDirect = ({ conversation, head, read }: parley.v1.Conversation.$Properties): boolean =>
  (head ?? 0) > (read ?? 0) && (conversation ?? '').startsWith('d.');
const isAnother = ({ owner }: ClientConnection, tenant: string, user: string): boolean =>
  owner !== undefined && (owner.tenant !== tenant || owner.user !== user);

/** The same device connected again: the older connection goes at once. */
function displace(older: ClientConnection): void {
  older.isDisplaced = true;
  older.push({ goAway: { reason: 'displaced', reconnectWithinMs: 0 } });
  older.end(closeCodes.displaced, 'displaced by a newer connection of the same device');
}
