import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AssertionFailed, assert, assertNever } from './assert.ts';
import { ByteReader, ByteWriter, utf8Bytes } from './bytes.ts';
import { timeOrderedId } from './ids.ts';
import { seededRandom } from './random.ts';
import { err, ok } from './result.ts';

describe('bytes', () => {
  test('what a writer wrote a reader reads, whatever it is', () => {
    const part = fc.oneof(
      fc.record({ kind: fc.constant('varint' as const), value: fc.maxSafeNat() }),
      fc.record({ kind: fc.constant('text' as const), value: fc.string({ unit: 'grapheme' }) }),
      fc.record({ kind: fc.constant('blob' as const), value: fc.uint8Array() }),
      fc.record({ kind: fc.constant('u8' as const), value: fc.nat(255) }),
      fc.record({ kind: fc.constant('u32' as const), value: fc.nat(0xffff_ffff) }),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const writer = new ByteWriter();
        for (const { kind, value } of parts)
          (writer[kind] as (value: unknown) => unknown).call(writer, value);
        const bytes = writer.finish();
        expect(bytes.length).toBe(writer.length);
        const reader = new ByteReader(bytes);
        for (const { kind, value } of parts) {
          const read = reader[kind]();
          expect(typeof read === 'object' ? new Uint8Array(read) : read).toEqual(value);
        }
        expect(reader.isAtEnd).toBe(true);
      }),
    );
  });

  test('varints at the edges have the bytes they always had', () => {
    const hexOf = (value: number) => new ByteWriter().varint(value).finish().toString('hex');
    expect([0, 127, 128, 16_383, 16_384, Number.MAX_SAFE_INTEGER].map(hexOf)).toEqual([
      '00',
      '7f',
      '8001',
      'ff7f',
      '808001',
      'ffffffffffffff0f',
    ]);
    for (const value of [-1, 0.5, Number.MAX_SAFE_INTEGER + 1, NaN])
      expect(() => hexOf(value)).toThrow(AssertionFailed);
  });

  test('truncated input and varints beyond 2^53-1 are range errors', () => {
    expect(() => new ByteReader(Buffer.from([5, 1])).blob()).toThrow(RangeError);
    expect(() => new ByteReader(Buffer.from([5, 1])).text()).toThrow(RangeError);
    expect(() => new ByteReader(Buffer.from([1, 2, 3])).u32()).toThrow(RangeError);
    expect(() => new ByteReader(Buffer.from([0x80])).varint()).toThrow(RangeError);
    expect(() => new ByteReader(Buffer.alloc(9, 0xff)).varint()).toThrow(RangeError);
    expect(() => new ByteReader(Buffer.from('ffffffffffffff1f', 'hex')).varint()).toThrow(RangeError);
  });

  test('a reader of a view does not see what lies around it', () => {
    const whole = Buffer.from([9, 1, 7, 9]);
    const reader = new ByteReader(whole.subarray(1, 3));
    expect([...reader.blob()]).toEqual([7]);
    expect(() => reader.u8()).toThrow(RangeError);
  });

  test('texts that were met before are the same, also among others of the same length and bytes that are no UTF-8', () => {
    const bytes = fc.uint8Array({ maxLength: 30 }).map((value) => Buffer.from(value));
    const like = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\ufffd'), maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            bytes,
            like.map((value) => Buffer.from(value)),
          ),
        ),
        (given) => {
          const writer = new ByteWriter();
          for (const one of [...given, ...given]) writer.blob(one);
          const reader = new ByteReader(writer.finish());
          for (const one of [...given, ...given]) expect(reader.text()).toBe(one.toString('utf8'));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('texts of any length and alphabet are written as UTF-8 behind their length', () => {
    for (const unit of ['a', 'é', '中', '😀', '\ud800'])
      for (const count of [0, 1, 13, 39, 40, 42, 43, 63, 64, 127, 128, 5_461, 5_462, 16_384, 40_000]) {
        const text = unit.repeat(count);
        const bytes = Buffer.from(text);
        expect(new ByteWriter().u8(7).text(text).finish()).toEqual(
          new ByteWriter().u8(7).varint(bytes.length).raw(bytes).finish(),
        );
      }
  });

  test('lengths are put in front of what was written, whatever length was expected', () => {
    for (const expected of [0, 127, 128, 20_000, 3_000_000])
      for (const length of [0, 1, 127, 128, 16_383, 16_384, 70_000, 200_000]) {
        const inner = Buffer.alloc(length, 'x');
        const writer = new ByteWriter().u8(1);
        const outerAt = writer.begin(expected);
        const innerAt = writer.u8(2).begin(expected);
        writer.raw(inner).end(innerAt, expected).u8(3).end(outerAt, expected);
        const middle = new ByteWriter().u8(2).blob(inner).u8(3).finish();
        expect(writer.finish()).toEqual(new ByteWriter().u8(1).blob(middle).finish());
      }
  });

  test('what a writer has finished stays as it is, whoever writes meanwhile and afterwards', () => {
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(200_000)), { maxLength: 12 });
    fc.assert(
      fc.property(sizes, (given) => {
        const finished = given.map((size, index) => {
          const [outer, inner] = [new ByteWriter(), new ByteWriter()];
          const one = Buffer.alloc(size, index + 1);
          outer.raw(one.subarray(0, size >> 1));
          const within = inner.raw(one).finish();
          // One that is given up in the middle of it.
          new ByteWriter().raw(one);
          return [outer.raw(one.subarray(size >> 1)).finish(), within, one];
        });
        for (const [outer, within, one] of finished) {
          expect(outer!.equals(one!)).toBe(true);
          expect(within!.equals(one!)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('a reader passes over what nobody wants, and lists what there are several of', () => {
    const writer = new ByteWriter().text('skipped').varint(3).text('a').text('').text('é');
    const bytes = writer.finish();
    const reader = new ByteReader(bytes);
    reader.skip();
    const start = reader.offset;
    expect(reader.list(() => reader.text())).toEqual(['a', '', 'é']);
    expect(Buffer.from(reader.latin1Since(start), 'latin1')).toEqual(bytes.subarray(start));
    expect(() => new ByteReader(Buffer.from([5, 1])).skip()).toThrow(RangeError);
  });

  test('text is measured in UTF-8', () => {
    expect(utf8Bytes('aé你😀')).toBe(1 + 2 + 3 + 4);
  });
});

describe('ids and chance', () => {
  test('an id has the layout of UUID version 7 and sorts by time', () => {
    const random = seededRandom(1);
    const ids = [1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000].map((ms) =>
      timeOrderedId({ nowMs: () => ms }, random),
    );
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([...ids].sort()).toEqual(ids);
    const many = Array.from({ length: 10_000 }, () => timeOrderedId({ nowMs: () => 1 }, random));
    expect(new Set(many).size).toBe(many.length);
  });

  test('a seed gives the same numbers each time, all in [0, 1)', () => {
    const take = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 1_000 }, () => random.next());
    };
    expect(take(7)).toEqual(take(7));
    expect(take(7)).not.toEqual(take(8));
    expect(take(7).every((value) => value >= 0 && value < 1)).toBe(true);
    const mean = take(9).reduce((sum, value) => sum + value, 0) / 1_000;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
  });
});

test('a result is what it was made of', () => {
  expect(ok(1)).toEqual({ ok: true, value: 1 });
  expect(err('no')).toEqual({ ok: false, error: 'no' });
});

test('assertions name what does not hold', () => {
  expect(() => assert(true, 'fine')).not.toThrow();
  expect(() => assert(0, 'broken')).toThrow(new AssertionFailed('broken'));
  expect(() => assertNever('x' as never, 'kind')).toThrow('kind: unexpected "x"');
});
