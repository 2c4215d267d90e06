import { expect, test } from 'vitest';
import { EntityTable } from '../entity/entity-table.ts';
import { type IntakeRecord, encodeClientBatch } from '../wire/index.ts';
import { foresee } from './foresight.ts';

const message = (sequence: number, kind: IntakeRecord['kind'], ...ids: string[]) => {
  const records = ids.map((id) => ({
    kind,
    requestId: 1,
    type: 'user',
    tenant: 'acme',
    id,
    payload: Buffer.alloc(9),
  }));
  return { sequence, bytes: encodeClientBatch({ gatewayId: 'gw-1', deadlineMs: 1, records }) };
};

test('entities that devices behind the first message attach to begin to load, unless they are in memory', () => {
  const loading: string[] = [];
  const entities = {
    knowsType: (type: string) => type === 'user',
    find: (_type: string, _tenant: string, id: string) => (id === 'known' ? {} : undefined),
    anticipate: EntityTable.prototype.anticipate,
    load: (key: string) => {
      loading.push(key);
      return Promise.reject(new Error('the store is away'));
    },
  } as unknown as EntityTable;
  const unreadable = { sequence: 4, bytes: Buffer.from([9, 9, 9]) };
  foresee(
    [
      message(1, 'attach', 'first'),
      message(2, 'attach', 'alice', 'known', 'bob'),
      message(3, 'command', 'carol'),
      unreadable,
      message(5, 'attach', 'dora'),
    ],
    entities,
  );
  expect(loading).toEqual(['user.acme.alice', 'user.acme.bob', 'user.acme.dora']);
});
