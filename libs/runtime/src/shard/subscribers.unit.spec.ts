import { expect, test } from 'vitest';
import { Subscribers } from './subscribers.ts';

const entry = (connection: number, gatewayId = 'gw1') => ({
  gatewayId,
  connection,
  device: 'phone',
  pushedPosition: 0,
  pushedAtMs: 0,
  acknowledgedPosition: 0,
  nudges: 0,
  next: undefined,
});
const alice = { type: 'user', tenant: 't', id: 'a' };

test('an entity keeps its newest subscribers, up to the maximum', () => {
  const subscribers = new Subscribers(3);
  for (let connection = 1; connection <= 5; connection++) subscribers.attach(alice, entry(connection));
  expect(subscribers.of(alice).map(({ connection }) => connection)).toEqual([3, 4, 5]);
});

test('attaching again replaces, detaching and a lost gateway leave nothing behind', () => {
  const subscribers = new Subscribers(3);
  subscribers.attach(alice, entry(1));
  subscribers.attach(alice, entry(1));
  subscribers.attach(alice, entry(1, 'gw2'));
  expect(subscribers.of(alice)).toHaveLength(2);
  subscribers.detach(alice, 'gw1', 1);
  subscribers.dropGateway('gw2');
  expect(subscribers.entityCount).toBe(0);
});

test('an acknowledgement never goes back', () => {
  const subscribers = new Subscribers(3);
  const mine = { ...entry(1), pushedPosition: 9 };
  subscribers.attach(alice, mine);
  subscribers.acknowledge(alice, { gatewayId: 'gw1', connection: 1, position: 9 });
  subscribers.acknowledge(alice, { gatewayId: 'gw1', connection: 1, position: 3 });
  expect(mine.acknowledgedPosition).toBe(9);
  expect([...subscribers.overdue(1, 3)]).toEqual([]);
});
