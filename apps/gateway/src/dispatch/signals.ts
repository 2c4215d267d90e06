// Volatile hints for shard owners, collected for a moment: acknowledgements (only the newest of each connection counts)
// and relays (typing).
import { internal, subjects, type ShardKind } from '@parley/protocol';
import {
  type Messenger,
  type Placement,
  type ShardId,
  type Signal,
  encodeSignals,
  shardName,
} from '@parley/runtime';
import type { Clock, Timer } from '@parley/std';
import type { ClientConnection, ConnectionOwner } from '../connection/client-connection.ts';

export interface SignalsParts {
  readonly messenger: Messenger;
  readonly placement: Placement;
  readonly gatewayId: string;
  readonly clock: Clock;
  readonly acknowledgeFlushMs: number;
}

/** Signals in one message: keeps it far below the messenger's payload limit. */
const signalsMax = 2_000;

export class Signals {
  readonly #parts: SignalsParts;
  readonly #acknowledging = new Set<ClientConnection>();
  #timer: Timer | undefined;

  constructor(parts: SignalsParts) {
    this.#parts = parts;
  }

  /** Tells the user entity the connection's acknowledgedPosition, soon. */
  acknowledge(connection: ClientConnection): void {
    this.#acknowledging.add(connection);
    this.#timer ??= this.#parts.clock.after(this.#parts.acknowledgeFlushMs, () => this.flush());
  }

  /** Pushes `payload` (an encoded ServerFrame) to all devices of these users. */
  relay(tenant: string, users: readonly string[], payload: Uint8Array): void {
    const byShard = new Map<string, { shard: ShardId; ids: string[] }>();
    for (const id of users) {
      const shard = this.#parts.placement.shardOf({ type: 'user', tenant, id });
      const group = byShard.get(shardName(shard)) ?? { shard, ids: [] };
      group.ids.push(id);
      byShard.set(shardName(shard), group);
    }
    for (const { shard, ids } of byShard.values()) {
      this.#publish(shard, [{ kind: 'relay', type: 'user', tenant, ids, payload }]);
    }
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const byShard = new Map<string, { shard: ShardId; signals: Signal[] }>();
    for (const connection of this.#acknowledging) {
      const { owner, number, acknowledgedPosition } = connection;
      if (owner === undefined) continue;
      if (connection.undeliveredPosition > 0) tellDelivered(connection, owner);
      const group = byShard.get(owner.line.name) ?? { shard: owner.line.shard, signals: [] };
      group.signals.push({
        kind: 'acknowledge',
        type: 'user',
        tenant: owner.tenant,
        id: owner.user,
        gatewayId: this.#parts.gatewayId,
        connection: number,
        position: acknowledgedPosition,
      });
      byShard.set(owner.line.name, group);
    }
    this.#acknowledging.clear();
    for (const { shard, signals } of byShard.values()) {
      for (let at = 0; at < signals.length; at += signalsMax)
        this.#publish(shard, signals.slice(at, at + signalsMax));
    }
  }

  #publish(shard: ShardId, signals: readonly Signal[]): void {
    this.#parts.messenger.publish(
      subjects.signal(shard.kind as ShardKind, shard.index),
      encodeSignals(signals),
    );
  }
}

/**
 * A command, so that whoever wrote it learns of it for sure: only for acknowledgements that follow news of a direct
 * conversation, and at most one each `acknowledgeFlushMs`. One that is lost is made good by the next.
 */
function tellDelivered(
  connection: ClientConnection,
  { tenant, user, line }: Pick<ConnectionOwner, 'tenant' | 'user' | 'line'>,
): void {
  const position = connection.acknowledgedPosition;
  if (position >= connection.undeliveredPosition) connection.undeliveredPosition = 0;
  const payload = internal.UserCommand.encode({ acknowledgeInbox: { position } }).finish();
  line.add('command', 0, { type: 'user', tenant, id: user }, payload);
}
