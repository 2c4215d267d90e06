// The rules of devices: who may not come back with an old token, and one device of each class where a tenant wants it.
import { type UserEvent, createUserDecider, refusalOfDevice, userDecider, userLimits } from '@parley/domain';
import { userCodec } from '@parley/protocol';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';

const address = { type: 'user', tenant: 'acme', id: 'ann' };
const asJournaled = (event: UserEvent) => userCodec.decodeEvent(userCodec.encodeEvent(event));
const spec = decidesAs(userDecider, { address, nowMs: 1_000, asJournaled });
const loggedOut = (deviceId: string, reason = 'logged_out', atMs = 1_000) =>
  ({ type: 'DeviceLoggedOut', deviceId, atMs, reason }) as const;
const claimed = (deviceId: string, deviceClass = 1) =>
  ({ type: 'DeviceClaimed', deviceId, deviceClass }) as const;
const pushed = (position: number, change: object) =>
  ({ kind: 'push', position, payload: { type: 'Personal', change } }) as const;

describe('user: devices', () => {
  it('one that is logged out does not come back with a token of before, and does with a newer one', () => {
    const { state } = spec
      .given()
      .when({ type: 'LogOutDevice', deviceId: 'phone' })
      .thenEvents(loggedOut('phone'))
      .thenEffects(pushed(1, loggedOut('phone')));
    const restored = userCodec.decodeSnapshot(userCodec.encodeSnapshot(state), address);
    for (const each of [state, restored]) {
      expect(refusalOfDevice(each, 'phone', 1_000)).toBe('DEVICE_LOGGED_OUT');
      expect(refusalOfDevice(each, 'phone', 0)).toBe('DEVICE_LOGGED_OUT');
      expect(refusalOfDevice(each, 'phone', 1_001)).toBeUndefined();
      expect(refusalOfDevice(each, 'laptop', 0)).toBeUndefined();
    }
  });

  it('the newer device of a class displaces the older one, other classes stay', () => {
    const command = { type: 'ClaimDevice', deviceId: 'new', deviceClass: 1 } as const;
    spec.given().when(command).thenEvents(claimed('new')).thenEffects();
    spec.given(claimed('new')).when(command).thenNothing();
    const { state } = spec
      .given(claimed('old'), claimed('laptop', 2))
      .when(command)
      .thenEvents(loggedOut('old', 'device_displaced'), claimed('new'))
      .thenEffects(pushed(1, loggedOut('old', 'device_displaced')));
    expect(refusalOfDevice(state, 'old', 999)).toBe('DEVICE_DISPLACED');
    expect([...state.personal.devices.claimed]).toEqual([
      [2, 'laptop'],
      [1, 'new'],
    ]);
  });

  it('a device that is logged out gives its place free; the list is bounded', () => {
    const narrow = createUserDecider({ ...userLimits, devicesLoggedOutMax: 2 });
    const events = [claimed('a'), loggedOut('a'), loggedOut('b'), loggedOut('c')];
    const state = events.reduce<ReturnType<typeof narrow.initialState>>(
      narrow.evolve,
      narrow.initialState(address),
    );
    expect([...state.personal.devices.loggedOut.keys()]).toEqual(['b', 'c']);
    expect(state.personal.devices.claimed.size).toBe(0);
  });
});
