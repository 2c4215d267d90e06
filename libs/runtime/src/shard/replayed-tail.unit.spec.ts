// What is kept from replay: events in the order in which they happened, whoever else they happened to, and only effects
// that have perhaps not arrived.
import { describe, expect, test } from 'vitest';
import { EntityTable } from '../entity/entity-table.ts';
import type { EntityType } from '../entity/entity-type.ts';
import { Lanes } from '../lane/lanes.ts';
import { defaultLimits } from '../limits.ts';
import { silentLog } from '../ports/index.ts';
import {
  type CommitRecord,
  type LaneBatch,
  FamiliarIdLists,
  decodeCommit,
  decodeIntake,
  encodeCommit,
} from '../wire/index.ts';
import { ReplayedTail } from './replayed-tail.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Its state is the list of its events. */
const type = {
  name: 'user',
  decider: { initialState: () => [], evolve: (state: string[], event: string) => [...state, event] },
  codec: { decodeEvent: text },
} as unknown as EntityType<string[]>;

const bare = {
  kind: 'commit' as const,
  shard: 'user.0',
  epoch: 1,
  inputOffset: 0,
  atMs: 0,
  lanesIn: [],
  laneCursors: [],
  events: [],
  effects: [],
};

function setUp() {
  const snapshots = {
    load: () => Promise.resolve(undefined),
    save: () => Promise.reject(new Error('not here')),
  };
  const entities = new EntityTable([type], snapshots, defaultLimits);
  const published: { target: string; batch: LaneBatch }[] = [];
  const lanes = new Lanes({
    source: 'user.0',
    epoch: 2,
    commandLog: {
      publish: ({ kind, index }, bytes) => {
        published.push({ target: `${kind}.${index}`, batch: decodeIntake(bytes) as LaneBatch });
        return new Promise(() => undefined);
      },
      offer: () => undefined,
      read: () => ({ take: () => Promise.resolve([]), stop: () => undefined }),
      lastSequence: () => Promise.resolve(0),
      trim: () => Promise.resolve(),
    },
    clock: { nowMs: () => 0, monotonicMs: () => 0, after: () => ({ cancel: () => undefined }) },
    limits: defaultLimits,
    log: silentLog,
    onDrained: () => undefined,
  });
  const tail = new ReplayedTail(entities, lanes);
  const familiar = new FamiliarIdLists();
  let n = 0;
  const replay = (fields: Partial<CommitRecord>): void => {
    const record = encodeCommit({ ...bare, n: ++n, previousSequence: n - 1, ...fields });
    tail.add(decodeCommit(record, familiar));
  };
  return { entities, lanes, tail, published, replay };
}

const event = (id: string, ids: string[]) => ({
  type: 'user',
  tenant: 'acme',
  ids,
  payload: Buffer.from(id),
});

describe('events of replayed commits', () => {
  test('reach each entity in order, whichever lists of recipients it was on', async () => {
    const { entities, replay } = setUp();
    replay({ events: [event('1', ['a', 'b']), event('2', ['b']), event('3', ['b', 'a'])] });
    replay({ events: [event('4', ['b']), event('5', ['a', 'b'])] });
    replay({ events: [event('6', ['a'])] });
    expect((await entities.load('user.acme.a')).state).toEqual(['1', '3', '5', '6']);
    expect((await entities.load('user.acme.b')).state).toEqual(['1', '2', '3', '4', '5']);
  });

  test('are told apart by tenant though the recipients have the same names', async () => {
    const { entities, replay } = setUp();
    replay({ events: [event('1', ['a']), { ...event('2', ['a']), tenant: 'other' }, event('3', ['a'])] });
    expect((await entities.load('user.acme.a')).state).toEqual(['1', '3']);
    expect((await entities.load('user.other.a')).state).toEqual(['2']);
  });

  test('keep the journal from the first of each entity on', () => {
    const { entities, replay } = setUp();
    replay({ events: [event('1', ['a'])] });
    replay({ events: [event('2', ['b'])] });
    replay({ events: [event('3', ['a', 'b'])] });
    expect(entities.dirtyKeys()).toEqual(['user.acme.a', 'user.acme.b']);
    expect(entities.coveredUpTo()).toBe(0);
  });
});

describe('effects of replayed commits', () => {
  const effect = (id: string, targets: [string, number][]) => ({
    type: 'user',
    tenant: 'acme',
    payload: Buffer.from(id),
    targets: targets.map(([shard, number]) => ({ shard, number, ids: ['x'] })),
  });

  test('go on their lanes from behind the cursors', () => {
    const { lanes, tail, published, replay } = setUp();
    replay({
      effects: [
        effect('1', [
          ['user.1', 1],
          ['user.2', 1],
        ]),
      ],
    });
    replay({ effects: [effect('2', [['user.1', 2]])] });
    lanes.restoreCursor('user.1', 1);
    tail.dropSent();
    replay({ effects: [effect('3', [['user.1', 3]])] });
    lanes.restoreCursor('user.1', 2);
    tail.dropSent();
    tail.finish();
    lanes.pump();
    const sent = published.map(({ target, batch }) => [
      target,
      batch.firstNumber,
      batch.effects.map(({ payload }) => text(payload)),
    ]);
    expect(sent).toEqual([
      ['user.1', 3, ['3']],
      ['user.2', 1, ['1']],
    ]);
    expect(lanes.queued).toBe(2);
  });
});
