// Keeps each connection known to its user entity: attach on hello, again when the shard changes hands, detach on close.
// Owners keep subscribers in memory only, so a new owner knows nobody until we have told it.
import { internal, type parley, wire } from '@parley/protocol';
import { encodeSubscriber } from '@parley/runtime';
import type { Clock } from '@parley/std';
import type { Reply } from '../dispatch/pending-requests.ts';
import type { ShardCommands } from '../dispatch/shard-commands.ts';
import type { ClientConnection, ConnectionOwner } from './client-connection.ts';
import type { Connections } from './connections.ts';
import { endLoggedOut, isDeviceEnding } from './log-out.ts';

export type Welcome = parley.v1.Welcome.$Properties;

export interface AttachmentsParts {
  readonly connections: Connections;
  readonly commands: ShardCommands;
  readonly clock: Clock;
  readonly reattachMs: number;
  /** A connection was attached again: the welcome says what it may have missed. */
  onReattached(connection: ClientConnection, welcome: Welcome): void;
  /** The shard has an owner not heard of before; `isFirst`: nor has any other been. */
  onNewOwner(shardName: string, isFirst: boolean): void;
}

export class Attachments {
  readonly #parts: AttachmentsParts;
  /** Newest epoch seen of each shard. */
  readonly #epochs = new Map<string, number>();

  constructor(parts: AttachmentsParts) {
    this.#parts = parts;
  }

  /** Asks the user entity to open a session for the connection. `hello` carries the client's position. */
  attach(
    connection: ClientConnection,
    hello: parley.v1.Hello.$Properties,
    onReply: (reply: Reply) => void,
  ): void {
    const owner = connection.owner;
    if (owner === undefined) return;
    connection.attachAskedAtMs = Math.trunc(this.#parts.clock.monotonicMs());
    this.#parts.commands.attach(
      owner.line,
      addressOf(owner),
      subscriberOf(connection, owner, hello),
      (reply) => {
        if (reply.outcome === 'answered') connection.attachedEpoch = reply.epoch;
        onReply(reply);
      },
    );
  }

  detach(connection: ClientConnection): void {
    const { owner } = connection;
    if (owner === undefined || connection.attachAskedAtMs === 0) return;
    this.#parts.commands.detach(owner.line, addressOf(owner), subscriberOf(connection, owner, undefined));
  }

  /** Called with every outbound batch and owner beat. A risen epoch means: a new owner that knows nobody. */
  observe(shardName: string, epoch: number): void {
    const known = this.#epochs.get(shardName) ?? 0;
    if (epoch <= known) return;
    this.#epochs.set(shardName, epoch);
    this.#parts.onNewOwner(shardName, known === 0);
    for (const connection of this.#parts.connections.ofShard(shardName))
      this.#reattachIfBehind(connection, epoch);
  }

  /** Repeats re-attaches that got no answer. */
  sweep(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [shardName, epoch] of this.#epochs) {
      for (const connection of this.#parts.connections.ofShard(shardName)) {
        if (nowMs - connection.attachAskedAtMs >= this.#parts.reattachMs)
          this.#reattachIfBehind(connection, epoch);
      }
    }
  }

  /** Announces every connection again, whatever the epochs: after our own connection to the cluster was lost. */
  reattachAll(): void {
    for (const connection of this.#parts.connections.all()) {
      if (connection.state !== 'ready') continue;
      connection.hasMissedLive = true;
      this.#reattach(connection);
    }
  }

  #reattachIfBehind(connection: ClientConnection, epoch: number): void {
    if (connection.state === 'ready' && connection.attachedEpoch < epoch) this.#reattach(connection);
  }

  #reattach(connection: ClientConnection): void {
    const hello = {
      inboxPosition: connection.acknowledgedPosition,
      deviceId: connection.owner?.device ?? '',
    };
    this.attach(connection, hello, (reply) => {
      if (reply.outcome !== 'answered' || connection.state !== 'ready') return;
      const { welcome, error } = wire.ServerFrame.decode(reply.body);
      const code = error?.code ?? '';
      if (isDeviceEnding(code)) endLoggedOut(connection, code);
      else if (welcome) this.#parts.onReattached(connection, welcome);
    });
  }
}

const attachOf = ({ inboxPosition }: parley.v1.Hello.$Properties, owner: ConnectionOwner) => ({
  inboxPosition,
  deviceId: owner.device,
  deviceClass: owner.deviceClass,
  issuedAtMs: owner.issuedAtMs,
});

const addressOf = ({ tenant, user }: ConnectionOwner) => ({ type: 'user', tenant, id: user });

function subscriberOf(
  connection: ClientConnection,
  owner: ConnectionOwner,
  hello: parley.v1.Hello.$Properties | undefined,
): Uint8Array {
  // The token stays at the gateway: of it, only its age matters behind, and commands are stored.
  const request =
    hello === undefined ? new Uint8Array() : internal.Attach.encode(attachOf(hello, owner)).finish();
  return encodeSubscriber({ connection: connection.number, device: owner.device, request });
}
