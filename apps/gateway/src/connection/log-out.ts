// The end of a connection whose device may not be here any more: it is told why, in the frame and in the close code.
import { internal } from '@parley/protocol';
import type { ClientConnection } from './client-connection.ts';
import { closeCodes } from './close-codes.ts';

const endings = {
  DEVICE_LOGGED_OUT: {
    reason: 'logged_out',
    code: closeCodes.loggedOut,
    text: 'logged out from another device',
  },
  DEVICE_DISPLACED: {
    reason: 'device_displaced',
    code: closeCodes.deviceDisplaced,
    text: 'another device has taken its place',
  },
} as const;

export type DeviceEnding = keyof typeof endings;

export const isDeviceEnding = (code: string): code is DeviceEnding => Object.hasOwn(endings, code);

export function endLoggedOut(connection: ClientConnection, ending: DeviceEnding): void {
  const { reason, code, text } = endings[ending];
  connection.push({ goAway: { reason, reconnectWithinMs: 0 } });
  connection.end(code, text);
}

/** Ends the connection if the personal change is about its device, and its token is not newer. */
export function endIfLoggedOut(connection: ClientConnection, entry: DeviceEntry): void {
  const { owner } = connection;
  if (owner === undefined || owner.device !== entry.deviceId || owner.issuedAtMs > entry.atMs) return;
  endLoggedOut(connection, entry.reason === 'device_displaced' ? 'DEVICE_DISPLACED' : 'DEVICE_LOGGED_OUT');
}

export interface DeviceEntry {
  readonly deviceId: string;
  readonly atMs: number;
  readonly reason: string;
}

/** The command of a device that says hello where a tenant allows one of each class. */
export const encodeClaim = (deviceId: string, deviceClass: number): Uint8Array =>
  internal.UserCommand.encode({ claimDevice: { deviceId, deviceClass } }).finish();
