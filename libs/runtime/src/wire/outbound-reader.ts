// Reads an outbound batch (see outbound-codec.ts) item by item, without making objects of its items: gateways read
// thousands of them in one message.
import { ByteReader } from '@parley/std';

export interface OutboundItems {
  /** First of all: whose batch it is, and how many items follow. */
  begin(shard: string, epoch: number, count: number): void;
  reply(requestId: number, payload: Uint8Array): void;
  /** `targetCount` calls of `target` follow. */
  push(payload: Uint8Array, targetCount: number): void;
  /** A connection that gets the last push, and its position there; 0 for pushes without one. */
  target(connection: number, position: number): void;
}

/**
 * Tells `items` what is in the batch, in order. Throws on malformed bytes, when what comes before them has been told.
 * Payloads are views on `bytes`.
 */
export function readOutbound(bytes: Uint8Array, items: OutboundItems): void {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== 1) throw new RangeError(`outbound: unknown format ${format}`);
  const [shard, epoch, count] = [reader.text(), reader.varint(), reader.varint()];
  items.begin(shard, epoch, count);
  for (let item = 0; item < count; item++) {
    if (reader.u8() === 0) {
      items.reply(reader.varint(), reader.blob());
      continue;
    }
    const payload = reader.blob();
    const targetCount = reader.varint();
    items.push(payload, targetCount);
    for (let target = 0; target < targetCount; target++) items.target(reader.varint(), reader.varint());
  }
}
