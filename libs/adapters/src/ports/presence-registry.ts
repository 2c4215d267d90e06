// Who is connected where, shared by all gateways. Rows expire unless refreshed, so a gateway that dies leaves no ghost.
// The sockets themselves are the truth; this is for everyone else to ask.
import type { Result } from '@parley/std';

/** One connected device. `connection` tells a device's new connection from the one it replaces. */
export interface DeviceRoute {
  readonly tenant: string;
  readonly user: string;
  readonly device: string;
  readonly gateway: string;
  readonly connection: string;
}

export interface PresenceState {
  readonly user: string;
  readonly online: boolean;
  /** Last time any device of the user was connected, milliseconds since 1970; 0 when never or long ago. */
  readonly lastSeenMs: number;
}

/** The store does not answer: nothing is known, and nothing was changed for certain. */
export type PresenceError = 'STORE_AWAY';

/** What a write did to the user as a whole: the gateway announces it to watchers. */
export interface PresenceChange {
  readonly cameOnline: boolean;
  readonly wentOffline: boolean;
}

export interface PresenceRegistry {
  /** A device connected; it replaces an older connection of the same device. */
  connected(route: DeviceRoute): Promise<Result<PresenceChange, PresenceError>>;
  /** A connection closed. Nothing happens when the device has a newer connection. */
  disconnected(route: DeviceRoute): Promise<Result<PresenceChange, PresenceError>>;
  /** Heartbeat: these devices are still connected. Call for every connection well within routeTtlMs. */
  refresh(routes: readonly DeviceRoute[]): Promise<Result<void, PresenceError>>;
  /** One state for each user, in the order asked. One round trip. */
  query(tenant: string, users: readonly string[]): Promise<Result<readonly PresenceState[], PresenceError>>;
  /** Where a user is connected now. */
  routesOf(tenant: string, user: string): Promise<Result<readonly DeviceRoute[], PresenceError>>;
}

export interface PresenceLimits {
  /** A route that is not refreshed disappears after this, milliseconds. */
  readonly routeTtlMs: number;
  /** How often gateways refresh, milliseconds: must be below a third of routeTtlMs. */
  readonly refreshMs: number;
  /** How long the time a user was last seen is remembered, milliseconds. */
  readonly lastSeenTtlMs: number;
}

export const presenceLimits: PresenceLimits = {
  routeTtlMs: 90_000,
  refreshMs: 25_000,
  lastSeenTtlMs: 30 * 24 * 60 * 60 * 1000,
};
