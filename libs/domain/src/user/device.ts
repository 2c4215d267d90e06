// Devices of a user that may not come back with the token they have: logged out from another one, or displaced where a
// tenant allows one of each class. Nearly no user has any. The numbers of classes are those of the protocol.
import { type Decision, accepted } from '@parley/std';
import { type Done, done, nothingToDo } from '../conversation/done.ts';
import type { UserState } from './user-state.ts';

export interface LogOutDevice {
  readonly type: 'LogOutDevice';
  readonly deviceId: string;
}

/** In a tenant that allows one device of each class: this one is it now. */
export interface ClaimDevice {
  readonly type: 'ClaimDevice';
  readonly deviceId: string;
  readonly deviceClass: number;
}

/** Tokens issued up to then are not accepted for the device any more. Takes the next inbox position. */
export interface DeviceLoggedOut {
  readonly type: 'DeviceLoggedOut';
  readonly deviceId: string;
  readonly atMs: number;
  /** `logged_out` or `device_displaced`. */
  readonly reason: string;
}

export interface DeviceClaimed {
  readonly type: 'DeviceClaimed';
  readonly deviceId: string;
  readonly deviceClass: number;
}

/** What a user entity knows of devices. */
export interface Devices {
  readonly loggedOut: Map<string, DeviceLoggedOut>;
  /** By class, the device that has its place. */
  readonly claimed: Map<number, string>;
}

export function decideLogOut({ deviceId }: LogOutDevice, nowMs: number): Decision<DeviceLoggedOut, Done> {
  return accepted([loggedOut(deviceId, nowMs, 'logged_out')], done);
}

/** The device that had the place goes, and is told why. */
export function decideClaim(
  state: UserState,
  { deviceId, deviceClass }: ClaimDevice,
  nowMs: number,
): Decision<DeviceLoggedOut | DeviceClaimed, Done> {
  const holder = state.personal.devices.claimed.get(deviceClass);
  if (holder === deviceId) return nothingToDo;
  const claimed: DeviceClaimed = { type: 'DeviceClaimed', deviceId, deviceClass };
  return accepted(
    holder === undefined ? [claimed] : [loggedOut(holder, nowMs, 'device_displaced'), claimed],
    done,
  );
}

/** Why a device may not attach with a token of that time; undefined when it may. */
export function refusalOfDevice(
  state: UserState,
  deviceId: string,
  issuedAtMs: number,
): 'DEVICE_LOGGED_OUT' | 'DEVICE_DISPLACED' | undefined {
  const found = state.personal.devices.loggedOut.get(deviceId);
  if (found === undefined || issuedAtMs > found.atMs) return undefined;
  return found.reason === 'device_displaced' ? 'DEVICE_DISPLACED' : 'DEVICE_LOGGED_OUT';
}

export function applyDevice(
  { loggedOut: all, claimed }: Devices,
  event: DeviceLoggedOut | DeviceClaimed,
  loggedOutMax: number,
): void {
  if (event.type === 'DeviceClaimed') {
    claimed.set(event.deviceClass, event.deviceId);
    return;
  }
  // To the end: the one longest ago is forgotten first.
  all.delete(event.deviceId);
  all.set(event.deviceId, event);
  const [oldest] = all.keys();
  if (all.size > loggedOutMax) all.delete(oldest!);
  for (const [deviceClass, holder] of claimed) if (holder === event.deviceId) claimed.delete(deviceClass);
}

const loggedOut = (deviceId: string, atMs: number, reason: string): DeviceLoggedOut => ({
  type: 'DeviceLoggedOut',
  deviceId,
  atMs,
  reason,
});
