// Presence in memory: the twin of RedisPresence for tests and for a single process. Shares its contract suite.
import type { Clock, Result } from '@parley/std';
import { ok } from '@parley/std';
import type {
  DeviceRoute,
  PresenceChange,
  PresenceError,
  PresenceLimits,
  PresenceRegistry,
  PresenceState,
} from '../ports/presence-registry.ts';
import { presenceLimits } from '../ports/presence-registry.ts';

interface Held {
  readonly route: DeviceRoute;
  readonly expiresAtMs: number;
}

export class MemoryPresenceRegistry implements PresenceRegistry {
  /** Devices by user. */
  readonly #users = new Map<string, Map<string, Held>>();
  readonly #lastSeenMs = new Map<string, number>();
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #limits: PresenceLimits;

  constructor(clock: Pick<Clock, 'nowMs'>, limits: PresenceLimits = presenceLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  connected(route: DeviceRoute): Promise<Result<PresenceChange, PresenceError>> {
    const devices = this.#devices(keyOf(route));
    const cameOnline = devices.size === 0;
    this.#hold(route, devices);
    return Promise.resolve(ok({ cameOnline, wentOffline: false }));
  }

  disconnected(route: DeviceRoute): Promise<Result<PresenceChange, PresenceError>> {
    const key = keyOf(route);
    const devices = this.#devices(key);
    const held = devices.get(route.device)?.route;
    const isHeld = held?.gateway === route.gateway && held.connection === route.connection;
    if (isHeld) {
      devices.delete(route.device);
      this.#lastSeenMs.set(key, this.#clock.nowMs());
    }
    const wentOffline = isHeld && devices.size === 0;
    if (devices.size === 0) this.#users.delete(key);
    return Promise.resolve(ok({ cameOnline: false, wentOffline }));
  }

  refresh(routes: readonly DeviceRoute[]): Promise<Result<void, PresenceError>> {
    for (const route of routes) {
      const devices = this.#devices(keyOf(route));
      const held = devices.get(route.device)?.route;
      // A device that has a newer connection elsewhere keeps that one.
      if (held === undefined || held.connection === route.connection) this.#hold(route, devices);
    }
    return Promise.resolve(ok(undefined));
  }

  query(tenant: string, users: readonly string[]): Promise<Result<readonly PresenceState[], PresenceError>> {
    const states = users.map((user) => {
      const key = `${tenant}/${user}`;
      const online = this.#devices(key).size > 0;
      return { user, online, lastSeenMs: this.#lastSeenMs.get(key) ?? 0 };
    });
    return Promise.resolve(ok(states));
  }

  routesOf(tenant: string, user: string): Promise<Result<readonly DeviceRoute[], PresenceError>> {
    return Promise.resolve(ok([...this.#devices(`${tenant}/${user}`).values()].map((held) => held.route)));
  }

  #hold(route: DeviceRoute, devices: Map<string, Held>): void {
    const nowMs = this.#clock.nowMs();
    devices.set(route.device, { route, expiresAtMs: nowMs + this.#limits.routeTtlMs });
    this.#users.set(keyOf(route), devices);
    this.#lastSeenMs.set(keyOf(route), nowMs);
  }

  /** The devices whose routes have not expired. */
  #devices(key: string): Map<string, Held> {
    const devices = this.#users.get(key) ?? new Map<string, Held>();
    for (const [device, held] of devices) {
      if (held.expiresAtMs <= this.#clock.nowMs()) devices.delete(device);
    }
    return devices;
  }
}

const keyOf = ({ tenant, user }: DeviceRoute): string => `${tenant}/${user}`;
