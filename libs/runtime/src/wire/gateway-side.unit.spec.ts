// What gateways write and read item by item has the bytes of the codecs that do it at once.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClientBatchWriter, encodeAddress } from './client-batch-writer.ts';
import { type IntakeRecord, attachedEntities, encodeClientBatch, encodeLaneBatch } from './intake-codec.ts';
import { type OutboundBatch, decodeOutbound, encodeOutbound } from './outbound-codec.ts';
import { type OutboundItems, readOutbound } from './outbound-reader.ts';
import { OutboundWriter } from './outbound-writer.ts';

const name = fc.string({ maxLength: 20 });
const number = fc.maxSafeNat();
const blob = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

test('a client batch written record by record', () => {
  const record = fc.record({
    kind: fc.constantFrom('command', 'attach', 'detach'),
    requestId: number,
    type: name,
    tenant: name,
    id: name,
    payload: blob,
  });
  const batch = fc.record({
    gatewayId: name,
    deadlineMs: number,
    records: fc.array(record as fc.Arbitrary<IntakeRecord>, { maxLength: 200 }),
    capacityBytes: fc.nat(500),
  });
  fc.assert(
    fc.property(batch, ({ capacityBytes, ...given }) => {
      const writer = new ClientBatchWriter(given.gatewayId, capacityBytes);
      for (const { kind, requestId, type, tenant, id, payload } of given.records)
        writer.begin(kind, requestId, encodeAddress(type, tenant, id), payload.length).raw(payload);
      expect(writer.records).toBe(given.records.length);
      expect(writer.finish(given.deadlineMs)).toEqual(encodeClientBatch(given));
    }),
  );
});

test('the entities devices attach to are found among other records, as far as a batch can be read', () => {
  const record = (kind: IntakeRecord['kind'], id: string): IntakeRecord => ({
    kind,
    requestId: 300,
    type: 'user',
    tenant: 'acme',
    id,
    payload: Buffer.alloc(200),
  });
  const records = [
    record('command', 'a'),
    record('attach', 'b'),
    record('detach', 'c'),
    record('attach', 'd'),
  ];
  const bytes = encodeClientBatch({ gatewayId: 'gw-1', deadlineMs: 1_790_000_000_000, records });
  const found = (cut: number) => attachedEntities(bytes.subarray(0, cut)).map(({ id }) => id);
  expect(attachedEntities(bytes)[0]).toEqual({ type: 'user', tenant: 'acme', id: 'b' });
  expect(found(bytes.length)).toEqual(['b', 'd']);
  expect(found(bytes.length - 250)).toEqual(['b']);
  expect(found(0)).toEqual([]);
  const lane = { source: 'user.1', sourceEpoch: 1, firstNumber: 1, effects: [] };
  expect(attachedEntities(encodeLaneBatch(lane))).toEqual([]);
});

const reply = fc.record({ kind: fc.constant('reply' as const), requestId: number, payload: blob });
const target = fc.record({ connection: number, position: number });
const push = fc.record({
  kind: fc.constant('push' as const),
  payload: blob,
  targets: fc.array(target, { minLength: 1 }),
});
const outbound = fc.record({ shard: name, epoch: number, items: fc.array(fc.oneof(reply, push)) });

function written({ shard, epoch, items }: OutboundBatch): Buffer[] {
  const writer = new OutboundWriter();
  for (const item of items) {
    if (item.kind === 'reply') writer.reply(item.requestId, item.payload);
    else {
      expect(writer.isPushing(item)).toBe(false);
      writer.push(item, item.payload);
      for (const { connection, position } of item.targets) {
        writer.target(connection, position);
        expect(writer.isPushing(item)).toBe(true);
      }
    }
  }
  return writer.finish(shard, epoch);
}

test('an outbound batch written and read item by item', () => {
  fc.assert(
    fc.property(outbound, (given) => {
      const bytes = encodeOutbound(given);
      expect(written(given)).toEqual([bytes]);
      expect(decodeOutbound(bytes)).toEqual(given);
      expect(collected(bytes)).toEqual(given);
    }),
  );
});

test('an outbound batch that is too large goes in several messages, in order', () => {
  const items = Array.from({ length: 7 }, (_, requestId) => ({
    kind: 'reply' as const,
    requestId,
    payload: Buffer.alloc(200 * 1024, requestId),
  }));
  const batches = written({ shard: 'user.1', epoch: 3, items }).map((bytes) => decodeOutbound(bytes));
  expect(batches.map((batch) => batch.items.length)).toEqual([2, 2, 2, 1]);
  expect(batches.flatMap((batch) => batch.items)).toEqual(items);
});

test('a batch that is cut off is told up to there, and throws', () => {
  const bytes = encodeOutbound({
    shard: 'user.1',
    epoch: 3,
    items: [{ kind: 'push', payload: Buffer.from('entry'), targets: [{ connection: 1, position: 300 }] }],
  });
  for (let end = 0; end < bytes.length; end++)
    expect(() => collected(bytes.subarray(0, end))).toThrow(RangeError);
});

function collected(bytes: Uint8Array): OutboundBatch {
  let head = { shard: '', epoch: 0 };
  const read: { kind: string; targets?: { connection: number; position: number }[] }[] = [];
  const items: OutboundItems = {
    begin: (shard, epoch) => void (head = { shard, epoch }),
    reply: (requestId, payload) => void read.push({ kind: 'reply', requestId, payload } as never),
    push: (payload) => void read.push({ kind: 'push', payload, targets: [] } as never),
    target: (connection, position) => void read.at(-1)!.targets!.push({ connection, position }),
  };
  readOutbound(bytes, items);
  return { ...head, items: read as never };
}
