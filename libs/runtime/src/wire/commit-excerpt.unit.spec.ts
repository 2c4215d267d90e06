// The reader of projections against the reader of owners: it sees the same record, and less of it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BadCommitRecord,
  type CommitRecord,
  type CommittedEvent,
  decodeCommit,
  encodeCommit,
} from './commit-codec.ts';
import { EventCursor } from './commit-events.ts';
import { decodeCommitExcerpt } from './commit-excerpt.ts';

const wanted = new Set(['direct', 'group']);
/** Few lists, so that events refer to lists of others, wanted or not. */
const lists = [['a'], ['a', 'b'], ['ü'.repeat(40)], []];
const name = fc.string({ maxLength: 12 });
const number = fc.maxSafeNat();
const marks = fc.array(fc.record({ shard: name, number }), { maxLength: 3 });
const payload = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const ids = fc.constantFrom(...lists);
const record: fc.Arbitrary<CommitRecord> = fc.record(
  {
    kind: fc.constantFrom('commit' as const, 'epoch' as const, 'hand-off' as const),
    shard: name,
    epoch: number,
    n: number,
    previousSequence: number,
    inputOffset: number,
    inputPart: fc.record({ sequence: number, records: number }),
    atMs: number,
    lanesIn: marks,
    laneCursors: marks,
    events: fc.array(
      fc.record({ type: fc.constantFrom('direct', 'group', 'user'), tenant: name, ids, payload }),
      { maxLength: 8 },
    ),
    effects: fc.array(
      fc.record({
        type: name,
        tenant: name,
        payload,
        targets: fc.array(fc.record({ shard: name, number, ids })),
      }),
      { maxLength: 2 },
    ),
  },
  {
    requiredKeys: [
      'kind',
      'shard',
      'epoch',
      'n',
      'previousSequence',
      'inputOffset',
      'atMs',
      'lanesIn',
      'laneCursors',
      'events',
      'effects',
    ],
  },
);

describe('an excerpt of a commit record', () => {
  test('has the wanted events as the whole record has them', () => {
    fc.assert(
      fc.property(record, (given) => {
        const bytes = encodeCommit(given);
        const { epoch, n, previousSequence, atMs, events } = decodeCommit(bytes);
        const { allEvents: _, ...excerpt } = decodeCommitExcerpt(bytes, wanted);
        expect(excerpt).toEqual({
          epoch,
          n,
          previousSequence,
          atMs,
          events: events.filter((event) => wanted.has(event.type)),
        });
      }),
    );
  });

  test('is refused of bytes that are truncated, damaged or of a newer format', () => {
    const [given] = fc.sample(record, { numRuns: 1, seed: 7 });
    const bytes = encodeCommit(given!);
    for (let end = 0; end < bytes.length; end++)
      expect(() => decodeCommitExcerpt(bytes.subarray(0, end), wanted)).toThrow(BadCommitRecord);
    for (let at = 0; at < bytes.length; at += 3) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x10;
      expect(() => decodeCommitExcerpt(damaged, wanted)).toThrow(BadCommitRecord);
    }
  });
});

describe('the events of an excerpt', () => {
  test('are all of the record, in order, with the same bytes', () => {
    fc.assert(
      fc.property(record, (given) => {
        const bytes = encodeCommit(given);
        const cursor = new EventCursor(decodeCommitExcerpt(bytes, wanted).allEvents);
        const text = (start: number, end: number) => cursor.bytes.toString('utf8', start, end);
        const events: CommittedEvent[] = [];
        while (cursor.next()) {
          const ids: string[] = [];
          // Whatever was looked at before, or not at all, the next event is found.
          if (events.length % 2 === 0) cursor.eachId((start, end) => ids.push(text(start, end)));
          expect(cursor.position).toBe(events.length);
          events.push({
            type: cursor.type,
            tenant: text(cursor.tenantStart, cursor.tenantEnd),
            ids,
            payload: cursor.bytes.subarray(cursor.payloadStart, cursor.payloadEnd),
          });
        }
        const expected = decodeCommit(bytes).events;
        expect(events).toEqual(
          expected.map((event, index) => ({ ...event, ids: index % 2 === 0 ? event.ids : [] })),
        );
      }),
    );
  });
});
