import { expect, it } from 'vitest';
import type { ShardLine } from '../dispatch/shard-line.ts';
import type { ClientConnection } from './client-connection.ts';
import { Connections } from './connections.ts';

let lastNumber = 0;

function come(all: Connections, user: string, device: string, tenant = 'acme') {
  const connection = { number: ++lastNumber } as ClientConnection;
  const line = { name: 'user.1' } as ShardLine;
  all.add(connection);
  const older = all.identify(connection, {
    token: { tenant, user, expiresAtMs: 1, issuedAtMs: 0 },
    deviceClass: 0,
    device,
    line,
  });
  return { connection, older };
}

it('counts the connections of a user, whoever leaves first', () => {
  for (const leaving of [0, 1, 2]) {
    const all = new Connections();
    const alice = ['phone', 'desk', 'tablet'].map((device) => come(all, 'alice', device).connection);
    come(all, 'bob', 'phone');
    come(all, 'alice', 'phone', 'other');
    expect(all.countOfUser('acme', 'alice')).toBe(3);
    all.remove(alice[leaving]!);
    expect(all.countOfUser('acme', 'alice')).toBe(2);
    const devices = ['phone', 'desk', 'tablet'].filter((device) =>
      all.isKnownDevice('acme', 'alice', device),
    );
    expect(devices).toEqual(['phone', 'desk', 'tablet'].filter((_, index) => index !== leaving));
    for (const each of alice) all.remove(each);
    expect(all.countOfUser('acme', 'alice')).toBe(0);
    expect(all.countOfUser('acme', 'bob') + all.countOfUser('other', 'alice')).toBe(2);
  }
});

it('tells the older connection of a device, which counts no longer', () => {
  const all = new Connections();
  const first = come(all, 'alice', 'phone').connection;
  come(all, 'alice', 'desk');
  const { connection, older } = come(all, 'alice', 'phone');
  expect(older).toBe(first);
  expect(all.countOfUser('acme', 'alice')).toBe(2);
  all.remove(first);
  expect(all.countOfUser('acme', 'alice')).toBe(2);
  expect(all.isKnownDevice('acme', 'alice', 'phone')).toBe(true);
  expect(all.get(connection.number)).toBe(connection);
  expect([...all.ofShard('user.1')]).toHaveLength(2);
});

it('takes another hello of the same connection for the same one', () => {
  const all = new Connections();
  const { connection } = come(all, 'alice', 'phone');
  const line = { name: 'user.1' } as ShardLine;
  const identity = {
    token: { tenant: 'acme', user: 'alice', expiresAtMs: 1, issuedAtMs: 0 },
    deviceClass: 0,
    device: 'phone',
    line,
  };
  expect(all.identify(connection, identity)).toBeUndefined();
  expect(all.countOfUser('acme', 'alice')).toBe(1);
});
