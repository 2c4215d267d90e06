// Golden bytes and properties of everything the runtime writes: journals are for ever, the rest crosses versions.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from '../checkpoint/checkpoint-codec.ts';
import { decodeStoredState, encodeStoredState } from '../checkpoint/snapshot-codec.ts';
import { BadCommitRecord, type CommitRecord, decodeCommit, encodeCommit } from './commit-codec.ts';
import { FamiliarIdLists } from './id-lists.ts';
import {
  decodeIntake,
  decodeSubscriber,
  encodeClientBatch,
  encodeLaneBatch,
  encodeSubscriber,
} from './intake-codec.ts';
import { decodeOutbound, encodeOutbound } from './outbound-codec.ts';
import { decodeOwnerBeat, encodeOwnerBeat } from './owner-beat-codec.ts';
import { decodeSignals, encodeSignals } from './signal-codec.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (text: string) => Buffer.from(text, 'hex');
const payload = Buffer.from([1, 2, 3]);

const commit: CommitRecord = {
  kind: 'commit',
  shard: 'user.3',
  epoch: 300,
  n: 7,
  previousSequence: 1_000,
  inputOffset: 99,
  atMs: 1_700_000_000_000,
  lanesIn: [{ shard: 'group.1', number: 5 }],
  laneCursors: [{ shard: 'user.2', number: 4 }],
  events: [{ type: 'user', tenant: 'acme', ids: ['a', 'b'], payload }],
  effects: [{ type: 'user', tenant: 'acme', payload, targets: [{ shard: 'user.2', number: 5, ids: ['c'] }] }],
};
const bare = { ...commit, lanesIn: [], laneCursors: [], events: [], effects: [] };

const goldenCommits: [string, CommitRecord, string][] = [
  [
    'a commit',
    commit,
    '010006757365722e33ac0207e8076380d095ffbc31010767726f75702e31050106757365722e32040104757365720461636d65000201610162030102030104757365720461636d65030102030106757365722e32050001016365d32abd',
  ],
  [
    'a commit inside a message',
    { ...bare, inputPart: { sequence: 100, records: 12 } },
    '010306757365722e33ac0207e80763640c80d095ffbc3100000000cb1ac386',
  ],
  ['an epoch', { ...bare, kind: 'epoch' }, '010106757365722e33ac0207e8076380d095ffbc31000000002731a26b'],
  [
    'an epoch inside a message',
    { ...bare, kind: 'epoch', inputPart: { sequence: 100, records: 12 } },
    '010406757365722e33ac0207e80763640c80d095ffbc3100000000ed61005e',
  ],
  ['a hand-off', { ...bare, kind: 'hand-off' }, '010206757365722e33ac0207e8076380d095ffbc31000000000f98bc33'],
];

const golden: [string, unknown, Uint8Array, (bytes: Uint8Array) => unknown, string][] = [...goldenWire()];

function goldenWire(): [string, unknown, Uint8Array, (bytes: Uint8Array) => unknown, string][] {
  const client = {
    gatewayId: 'gw1',
    deadlineMs: 1_700_000_000_000,
    records: [
      { kind: 'command' as const, requestId: 9, type: 'user', tenant: 'acme', id: 'a', payload },
      { kind: 'detach' as const, requestId: 0, type: 'user', tenant: 'acme', id: 'a', payload },
    ],
  };
  const ids = ['a', 'b'];
  const lane = {
    source: 'group.1',
    sourceEpoch: 3,
    firstNumber: 200,
    effects: [
      { type: 'user', tenant: 'acme', ids, payload },
      { type: 'user', tenant: 'acme', ids, payload },
    ],
  };
  const subscriber = { connection: 300, device: 'phone', request: payload };
  const outbound = {
    shard: 'user.3',
    epoch: 300,
    items: [
      { kind: 'reply' as const, requestId: 9, payload },
      { kind: 'push' as const, payload, targets: [{ connection: 1, position: 128 }] },
    ],
  };
  const beat = { shard: 'user.3', epoch: 300, nodeId: 'n1' };
  const signals = [
    {
      kind: 'acknowledge' as const,
      type: 'user',
      tenant: 'acme',
      id: 'a',
      gatewayId: 'gw1',
      connection: 1,
      position: 128,
    },
    { kind: 'relay' as const, type: 'user', tenant: 'acme', ids, payload },
  ];
  const checkpoint = {
    epoch: 300,
    n: 7,
    sequence: 1_000,
    replayFrom: 900,
    inputOffset: 99,
    lanesIn: [{ shard: 'group.1', number: 5 }],
    lanesOut: [{ shard: 'user.2', number: 5 }],
    laneCursors: [{ shard: 'user.2', number: 4 }],
  };
  const stored = { epoch: 300, n: 7, state: payload };
  return [
    [
      'client batch',
      { kind: 'client', ...client },
      encodeClientBatch(client),
      decodeIntake,
      '010367773180d095ffbc3102000904757365720461636d65016103010203020004757365720461636d65016103010203',
    ],
    [
      'lane batch',
      { kind: 'lane', ...lane },
      encodeLaneBatch(lane),
      decodeIntake,
      '020767726f75702e3103c8010204757365720461636d650002016101620301020304757365720461636d650103010203',
    ],
    ['subscriber', subscriber, encodeSubscriber(subscriber), decodeSubscriber, 'ac020570686f6e6503010203'],
    [
      'outbound',
      outbound,
      encodeOutbound(outbound),
      decodeOutbound,
      '0106757365722e33ac0202000903010203010301020301018001',
    ],
    ['owner beat', beat, encodeOwnerBeat(beat), decodeOwnerBeat, '0106757365722e33ac02026e31'],
    [
      'signals',
      signals,
      encodeSignals(signals),
      decodeSignals,
      '01020004757365720461636d650161036777310180010104757365720461636d65020161016203010203',
    ],
    [
      'checkpoint',
      checkpoint,
      encodeCheckpoint(checkpoint),
      decodeCheckpoint,
      '01ac0207e807840763010767726f75702e31050106757365722e32050106757365722e3204',
    ],
    ['snapshot', stored, encodeStoredState(stored), decodeStoredState, '01ac020703010203'],
  ];
}

describe('commit records', () => {
  test.each(goldenCommits)('%s is written and read as it always was', (_name, record, bytes) => {
    expect(hex(encodeCommit(record))).toBe(bytes);
    expect(decodeCommit(unhex(bytes))).toEqual(record);
  });

  test('a truncated or damaged record is never taken for one', () => {
    const bytes = encodeCommit(commit);
    for (let end = 0; end < bytes.length; end++)
      expect(() => decodeCommit(bytes.subarray(0, end))).toThrow(BadCommitRecord);
    for (let at = 0; at < bytes.length; at += 3) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x10;
      expect(() => decodeCommit(damaged)).toThrow(BadCommitRecord);
    }
  });

  test('whatever is written is read back', () => {
    const name = fc.string({ maxLength: 12 });
    const number = fc.maxSafeNat();
    const marks = fc.array(fc.record({ shard: name, number }), { maxLength: 3 });
    const ids = fc.array(name, { maxLength: 4 });
    const blob = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
    const target = fc.record({ shard: name, number, ids });
    const record = fc.record({
      kind: fc.constantFrom('commit' as const, 'epoch' as const, 'hand-off' as const),
      shard: name,
      epoch: number,
      n: number,
      previousSequence: number,
      inputOffset: number,
      atMs: number,
      lanesIn: marks,
      laneCursors: marks,
      events: fc.array(fc.record({ type: name, tenant: name, ids, payload: blob }), { maxLength: 4 }),
      effects: fc.array(
        fc.record({ type: name, tenant: name, payload: blob, targets: fc.array(target, { maxLength: 3 }) }),
        { maxLength: 4 },
      ),
    });
    fc.assert(
      fc.property(record, (given) => {
        expect(decodeCommit(encodeCommit(given))).toEqual(given);
        const familiar = new FamiliarIdLists();
        for (let i = 0; i < 2; i++) expect(decodeCommit(encodeCommit(given), familiar)).toEqual(given);
      }),
    );
  });

  test('a list of ids that was met in another commit comes back as the same array', () => {
    const familiar = new FamiliarIdLists();
    const [first, second] = [commit, { ...commit, n: 8 }].map((each) =>
      decodeCommit(encodeCommit(each), familiar),
    );
    expect(second!.events[0]!.ids).toBe(first!.events[0]!.ids);
    expect(second!.effects[0]!.targets[0]!.ids).toBe(first!.effects[0]!.targets[0]!.ids);
  });
});

describe('everything else', () => {
  test.each(golden)('%s is written and read as it always was', (_name, value, bytes, decode, gold) => {
    expect(hex(bytes)).toBe(gold);
    expect(decode(unhex(gold))).toEqual(value);
  });

  test.each(golden)('a truncated %s is refused', (_name, _value, bytes, decode) => {
    for (let end = 0; end < bytes.length; end++)
      expect(() => decode(bytes.subarray(0, end))).toThrow(RangeError);
  });

  test.each(golden)('random bytes instead of a %s never hang, and fail only in the known way', (...row) => {
    const decode = row[3];
    const isKnown = (bytes: Uint8Array) => {
      try {
        decode(bytes);
      } catch (cause) {
        expect(cause).toBeInstanceOf(RangeError);
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(0, 1, 2), (bytes, first) => {
        isKnown(bytes);
        isKnown(Uint8Array.from([first, ...bytes]));
      }),
      { numRuns: 200 },
    );
  });

  test('a count that promises more than there can be costs nothing', () => {
    // Signals, 2^53-1 of them.
    const bytes = Buffer.from([1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    const startedMs = performance.now();
    expect(() => decodeSignals(bytes)).toThrow(RangeError);
    expect(() => decodeOutbound(Buffer.from([1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]))).toThrow(RangeError);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
