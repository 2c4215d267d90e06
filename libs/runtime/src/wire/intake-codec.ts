// The messages of the command log: what gateways (client batch) and other shards (lane batch) put on a shard's input.
//
//   client batch: 1, gateway id, deadline ms, count, count × { record kind, request id, type, tenant, id, payload }
//   lane batch:   2, source shard name, source epoch, first lane number, count, count × { type, tenant, ids, payload }
//
// Integers are varints, texts and blobs carry their length. Lists of ids that repeat are written once (id-lists.ts).
import { ByteReader, ByteWriter } from '@parley/std';
import { IdListReader, IdListWriter } from './id-lists.ts';

/** What a gateway asks of one entity. `requestId` is the gateway's own number, 0 when it wants no answer. */
export interface IntakeRecord {
  readonly kind: 'command' | 'attach' | 'detach';
  readonly requestId: number;
  readonly type: string;
  readonly tenant: string;
  readonly id: string;
  /** command: the encoded command. attach and detach: the subscriber, see encodeSubscriber. */
  readonly payload: Uint8Array;
}

export interface ClientBatch {
  readonly kind: 'client';
  readonly gatewayId: string;
  /** Wall clock after which the records are refused with `EXPIRED` instead of decided. */
  readonly deadlineMs: number;
  readonly records: readonly IntakeRecord[];
}

/** One effect on its way: the same command for several entities of the target shard. */
export interface LaneEffect {
  readonly type: string;
  readonly tenant: string;
  readonly ids: readonly string[];
  readonly payload: Uint8Array;
}

export interface LaneBatch {
  readonly kind: 'lane';
  /** `user.3` */
  readonly source: string;
  readonly sourceEpoch: number;
  /** Lane number of the first effect; the others follow without gaps. */
  readonly firstNumber: number;
  readonly effects: readonly LaneEffect[];
}

/** The payload of attach and detach records. */
export interface Subscriber {
  /** The gateway's own number of the connection, unique in this incarnation of the gateway. */
  readonly connection: number;
  readonly device: string;
  /** What the entity's `attach` gets. */
  readonly request: Uint8Array;
}

/** @internal The byte of a kind is its place here. */
export const recordKinds = ['command', 'attach', 'detach'] as const;

export function encodeClientBatch(batch: Omit<ClientBatch, 'kind'>): Buffer {
  const writer = new ByteWriter()
    .u8(1)
    .text(batch.gatewayId)
    .varint(batch.deadlineMs)
    .varint(batch.records.length);
  for (const record of batch.records) {
    writer
      .u8(recordKinds.indexOf(record.kind))
      .varint(record.requestId)
      .text(record.type)
      .text(record.tenant)
      .text(record.id)
      .blob(record.payload);
  }
  return writer.finish();
}

export function encodeLaneBatch(batch: Omit<LaneBatch, 'kind'>): Buffer {
  const writer = new ByteWriter()
    .u8(2)
    .text(batch.source)
    .varint(batch.sourceEpoch)
    .varint(batch.firstNumber)
    .varint(batch.effects.length);
  const lists = new IdListWriter(writer);
  for (const effect of batch.effects) {
    writer.text(effect.type).text(effect.tenant);
    lists.write(effect.ids);
    writer.blob(effect.payload);
  }
  return writer.finish();
}

/** Throws on bytes that are neither. Blobs are views on `bytes`. */
export function decodeIntake(bytes: Uint8Array): ClientBatch | LaneBatch {
  const reader = new ByteReader(bytes);
  const tag = reader.u8();
  if (tag === 1) return decodeClientBatch(reader);
  if (tag === 2) return decodeLaneBatch(reader);
  throw new RangeError(`intake: unknown tag ${tag}`);
}

/**
 * The entities that the attach records of a client batch name, passing over everything else; none for other messages.
 * Of malformed bytes those in front of the flaw.
 */
export function attachedEntities(bytes: Uint8Array): { type: string; tenant: string; id: string }[] {
  const found: { type: string; tenant: string; id: string }[] = [];
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== 1) return found;
    reader.skip();
    reader.varint();
    for (let count = reader.varint(); count > 0; count--) {
      const isAttach = recordKinds[reader.u8()] === 'attach';
      reader.varint();
      if (isAttach) found.push({ type: reader.text(), tenant: reader.text(), id: reader.text() });
      else for (let part = 0; part < 3; part++) reader.skip();
      reader.skip();
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
  }
  return found;
}

export const encodeSubscriber = (subscriber: Subscriber): Buffer =>
  new ByteWriter().varint(subscriber.connection).text(subscriber.device).blob(subscriber.request).finish();

export function decodeSubscriber(bytes: Uint8Array): Subscriber {
  const reader = new ByteReader(bytes);
  return { connection: reader.varint(), device: reader.text(), request: reader.blob() };
}

function decodeClientBatch(reader: ByteReader): ClientBatch {
  const gatewayId = reader.text();
  const deadlineMs = reader.varint();
  const records = Array.from({ length: reader.varint() }, (): IntakeRecord => {
    const kind = recordKinds[reader.u8()];
    if (kind === undefined) throw new RangeError('intake: unknown record kind');
    return {
      kind,
      requestId: reader.varint(),
      type: reader.text(),
      tenant: reader.text(),
      id: reader.text(),
      payload: reader.blob(),
    };
  });
  return { kind: 'client', gatewayId, deadlineMs, records };
}

function decodeLaneBatch(reader: ByteReader): LaneBatch {
  const source = reader.text();
  const sourceEpoch = reader.varint();
  const firstNumber = reader.varint();
  const lists = new IdListReader(reader);
  const effects = Array.from({ length: reader.varint() }, () => ({
    type: reader.text(),
    tenant: reader.text(),
    ids: lists.read(),
    payload: reader.blob(),
  }));
  return { kind: 'lane', source, sourceEpoch, firstNumber, effects };
}
