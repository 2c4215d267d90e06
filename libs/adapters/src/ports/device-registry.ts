// Which devices a user has, of which class, and when each was seen last. For people to look at, not the truth about who may
// come: it may be lost, and fills again as devices come.
import type { Result } from '@parley/std';

export interface DeviceSeen {
  readonly device: string;
  /** Number of parley.v1.DeviceClass. */
  readonly deviceClass: number;
  readonly lastSeenMs: number;
}

export interface DeviceRegistry {
  seen(tenant: string, user: string, device: DeviceSeen): Promise<Result<void, DeviceRegistryError>>;
  forget(tenant: string, user: string, device: string): Promise<Result<void, DeviceRegistryError>>;
  /** The one seen last first. */
  list(tenant: string, user: string): Promise<Result<readonly DeviceSeen[], DeviceRegistryError>>;
}

export type DeviceRegistryError = 'STORE_AWAY';

export interface DeviceRegistryLimits {
  /** Devices of one user that are kept. Above: the one seen longest ago is forgotten. */
  readonly devicesMax: number;
  /** A user of whom no device came for so long is forgotten, milliseconds. */
  readonly keptMs: number;
}

export const deviceRegistryLimits: DeviceRegistryLimits = { devicesMax: 50, keptMs: 90 * 86_400_000 };

export const latestFirst = (devices: readonly DeviceSeen[]): DeviceSeen[] =>
  [...devices].sort((one, other) => other.lastSeenMs - one.lastSeenMs);
