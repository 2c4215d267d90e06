// Volatile hints for the owner of a shard, several in one message. Losing one costs a repeated push, never a message.
//
//   1, count, count × signal
//   acknowledge: 0, type, tenant, id, gateway id, connection, position
//   relay:       1, type, tenant, ids, payload    (push to all subscribers of these entities, position 0)
import { ByteReader, ByteWriter } from '@parley/std';

export type Signal =
  | {
      readonly kind: 'acknowledge';
      readonly type: string;
      readonly tenant: string;
      readonly id: string;
      readonly gatewayId: string;
      readonly connection: number;
      readonly position: number;
    }
  | {
      readonly kind: 'relay';
      readonly type: string;
      readonly tenant: string;
      readonly ids: readonly string[];
      readonly payload: Uint8Array;
    };

export function encodeSignals(signals: readonly Signal[]): Buffer {
  const writer = new ByteWriter().u8(1).varint(signals.length);
  for (const signal of signals) {
    if (signal.kind === 'acknowledge') {
      writer.u8(0).text(signal.type).text(signal.tenant).text(signal.id).text(signal.gatewayId);
      writer.varint(signal.connection).varint(signal.position);
    } else {
      writer.u8(1).text(signal.type).text(signal.tenant).varint(signal.ids.length);
      for (const id of signal.ids) writer.text(id);
      writer.blob(signal.payload);
    }
  }
  return writer.finish();
}

/** Throws on malformed bytes. */
export function decodeSignals(bytes: Uint8Array): Signal[] {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== 1) throw new RangeError(`signals: unknown format ${format}`);
  return Array.from({ length: reader.varint() }, () => readSignal(reader));
}

function readSignal(reader: ByteReader): Signal {
  if (reader.u8() === 0) {
    return {
      kind: 'acknowledge',
      type: reader.text(),
      tenant: reader.text(),
      id: reader.text(),
      gatewayId: reader.text(),
      connection: reader.varint(),
      position: reader.varint(),
    };
  }
  const type = reader.text();
  const tenant = reader.text();
  const ids = Array.from({ length: reader.varint() }, () => reader.text());
  return { kind: 'relay', type, tenant, ids, payload: reader.blob() };
}
