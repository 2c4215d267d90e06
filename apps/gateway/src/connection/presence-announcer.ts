// Tells the presence registry and other gateways who came and went, and pushes changes to the connections that watch.
// Presence is a convenience: when its store is away, messaging goes on.
import {
  type DeviceRegistry,
  type DeviceRoute,
  type PresenceRegistry,
  presenceLimits,
} from '@parley/adapters';
import { subjects, wire } from '@parley/protocol';
import type { Messenger, Subscription } from '@parley/runtime';
import type { Clock, Timer } from '@parley/std';
import type { SocketLog } from '../transport/socket-log.ts';
import type { ClientConnection, ConnectionOwner } from './client-connection.ts';
import type { Connections } from './connections.ts';

export interface PresenceParts {
  readonly registry: PresenceRegistry;
  readonly devices?: DeviceRegistry;
  readonly messenger: Messenger;
  readonly connections: Connections;
  readonly gatewayId: string;
  readonly clock: Clock;
  readonly log: SocketLog;
}

interface Watched {
  readonly subscription: Subscription;
  readonly connections: Set<ClientConnection>;
}

/** Routes refreshed in one call to the registry. */
const refreshBatchMax = 500;

export class PresenceAnnouncer {
  readonly #parts: PresenceParts;
  readonly #watched = new Map<string, Watched>();
  readonly #watchedBy = new Map<ClientConnection, string[]>();
  #refreshing: Timer | undefined;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#refreshing = this.#parts.clock.after(presenceLimits.refreshMs, () => {
      void this.#refresh().finally(() => {
        if (this.#refreshing !== undefined) this.start();
      });
    });
  }

  stop(): void {
    this.#refreshing?.cancel();
    this.#refreshing = undefined;
    for (const { subscription } of this.#watched.values()) subscription.stop();
    this.#watched.clear();
    this.#watchedBy.clear();
  }

  connected(connection: ClientConnection): void {
    const { owner } = connection;
    if (owner !== undefined) this.#noteSeen(owner);
    if (owner !== undefined)
      void this.#record(owner, () => this.#parts.registry.connected(this.#routeOf(connection, owner)));
  }

  disconnected(connection: ClientConnection): Promise<void> {
    this.unwatch(connection);
    const { owner } = connection;
    if (owner === undefined || connection.isDisplaced) return Promise.resolve();
    this.#noteSeen(owner);
    return this.#record(owner, () => this.#parts.registry.disconnected(this.#routeOf(connection, owner)));
  }

  /** For the list of a user's devices; without the store it lacks what happened meanwhile. */
  #noteSeen({ tenant, user, device, deviceClass }: ConnectionOwner): void {
    const lastSeenMs = Math.floor(this.#parts.clock.nowMs());
    void this.#parts.devices?.seen(tenant, user, { device, deviceClass, lastSeenMs });
  }

  /** Changes of these users are pushed to the connection; replaces its earlier list. */
  watch(connection: ClientConnection, tenant: string, users: readonly string[]): void {
    this.unwatch(connection);
    const watchedSubjects = [...new Set(users)].map((user) => subjects.presence(tenant, user));
    this.#watchedBy.set(connection, watchedSubjects);
    for (const subject of watchedSubjects) this.#watchedOf(subject).connections.add(connection);
  }

  unwatch(connection: ClientConnection): void {
    for (const subject of this.#watchedBy.get(connection) ?? []) {
      const watched = this.#watched.get(subject);
      watched?.connections.delete(connection);
      if (watched?.connections.size !== 0) continue;
      watched.subscription.stop();
      this.#watched.delete(subject);
    }
    this.#watchedBy.delete(connection);
  }

  #watchedOf(subject: string): Watched {
    let watched = this.#watched.get(subject);
    if (watched === undefined) {
      const connections = new Set<ClientConnection>();
      const subscription = this.#parts.messenger.subscribe(subject, (bytes) => {
        const presence = wire.Presence.decode(bytes);
        for (const connection of connections) connection.push({ presence });
      });
      this.#watched.set(subject, (watched = { subscription, connections }));
    }
    return watched;
  }

  async #record(
    owner: ConnectionOwner,
    write: () => ReturnType<PresenceRegistry['connected']>,
  ): Promise<void> {
    const written = await write();
    if (!written.ok) return;
    const { cameOnline, wentOffline } = written.value;
    if (!cameOnline && !wentOffline) return;
    const lastSeenMs = Math.floor(this.#parts.clock.nowMs());
    const presence = wire.Presence.encode({ user: owner.user, online: cameOnline, lastSeenMs }).finish();
    this.#parts.messenger.publish(subjects.presence(owner.tenant, owner.user), presence);
  }

  async #refresh(): Promise<void> {
    const routes: DeviceRoute[] = [];
    for (const connection of this.#parts.connections.all()) {
      if (connection.state === 'ready' && connection.owner)
        routes.push(this.#routeOf(connection, connection.owner));
    }
    for (let at = 0; at < routes.length; at += refreshBatchMax) {
      const refreshed = await this.#parts.registry.refresh(routes.slice(at, at + refreshBatchMax));
      if (refreshed.ok) continue;
      this.#parts.log.warn({}, 'presence store is away: routes are not refreshed');
      return;
    }
  }

  #routeOf(connection: ClientConnection, { tenant, user, device }: ConnectionOwner): DeviceRoute {
    return { tenant, user, device, gateway: this.#parts.gatewayId, connection: String(connection.number) };
  }
}
