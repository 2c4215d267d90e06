// Devices on a whole cluster: the list, logging one out from afar, and one device of each class where a tenant wants it.
import { DeviceClass, HttpApi, MemoryStore } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { People, codeOf, manyUsersFromOneAddress } from './people.ts';
import { RawSocket } from './raw-socket.ts';

let cluster: Cluster;
let people: People;

beforeAll(async () => {
  cluster = await startCluster({
    env: { ...manyUsersFromOneAddress, PARLEY_AUTH_ONE_DEVICE_OF_EACH_TENANTS: 'strict' },
  });
  people = new People(cluster);
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

const { phone, desktop } = DeviceClass;
const until = (holds: () => boolean | Promise<boolean>, what: string) => waitUntil(holds, { what });

const newTokenOf = async (handle: string, more: { tenant?: string; deviceId?: string } = {}) => {
  const api = new HttpApi({ url: cluster.gateways[0]!.httpUrl });
  return (await api.login({ handle, password: 'correct horse battery staple', ...more })).token;
};

describe('devices', () => {
  it('are listed; one that is logged out is told why, and needs a new login', async () => {
    const ann = await people.register('ann');
    const kept = new MemoryStore();
    const options = { deviceId: 'lost-phone', deviceClass: phone, store: kept };
    const lost = await ann.connect(options);
    const laptop = await ann.connect({ deviceId: 'laptop', deviceClass: desktop, encoding: 'json' });
    await until(async () => (await ann.api.devices()).length === 2, 'both devices are listed');
    const listed = await ann.api.devices();
    expect(listed.find(({ deviceId }) => deviceId === 'lost-phone')).toMatchObject({
      deviceClass: 'phone',
      isOnline: true,
    });
    const ended: string[] = [];
    lost.on('state', ({ state, detail }) => state === 'stopped' && ended.push(detail));
    const heard: string[] = [];
    laptop.on('personal', ({ deviceLoggedOut }) => deviceLoggedOut && heard.push(deviceLoggedOut.deviceId));

    await ann.api.logOutDevice('lost-phone');
    await until(() => lost.state === 'stopped', 'the phone is disconnected');
    expect(ended).toEqual(['DEVICE_LOGGED_OUT: this device was logged out from another one']);
    await until(() => heard.includes('lost-phone'), 'the other device knows');
    expect(laptop.state).toBe('ready');
    expect(await codeOf(ann.connect(options))).toBe('DEVICE_LOGGED_OUT');
    expect(await codeOf(ann.connect({ ...options, store: new MemoryStore(), encoding: 'json' }))).toBe(
      'DEVICE_LOGGED_OUT',
    );

    const token = await newTokenOf(ann.id);
    const again = await ann.connect({ ...options, store: new MemoryStore(), token });
    expect(again.state).toBe('ready');
  });

  it('a token for one device is of no use on another', async () => {
    const ann = await people.register('ann');
    const token = await newTokenOf(ann.id, { deviceId: 'mine' });
    expect(await codeOf(ann.connect({ deviceId: 'other', token }))).toBe('WRONG_DEVICE');
    expect((await ann.connect({ deviceId: 'mine', token })).state).toBe('ready');
  });

  it('one of each class: the displaced one is told why, by frame and close code', async () => {
    const ann = await people.register('ann', 'strict');
    const old = await ann.connect({ deviceId: 'old-phone', deviceClass: phone });
    const laptop = await ann.connect({ deviceId: 'laptop', deviceClass: desktop });
    const ended: string[] = [];
    old.on('state', ({ state, detail }) => state === 'stopped' && ended.push(detail));
    const fresh = await ann.connect({ deviceId: 'new-phone', deviceClass: phone, encoding: 'json' });
    await until(() => old.state === 'stopped', 'the old phone is displaced');
    expect(ended).toEqual(['DEVICE_DISPLACED: another device has taken the place of this one']);
    expect(await codeOf(ann.connect({ deviceId: 'old-phone', deviceClass: phone }))).toBe('DEVICE_DISPLACED');
    expect([laptop.state, fresh.state]).toEqual(['ready', 'ready']);

    // A device that does not say its class has a place of its own; the raw one shows the close code.
    const raw = await RawSocket.hello(cluster.gateways[0]!.wsUrl, ann.token);
    await ann.connect({ deviceId: 'unknown-2' });
    expect(await raw.closed).toBe(4412);
  });
});
