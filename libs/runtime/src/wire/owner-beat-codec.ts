// What the owner of a shard says every few seconds: gateways learn from it that a shard changed hands, and announce
// the connections they hold for it again.
import { ByteReader, ByteWriter } from '@parley/std';

export interface OwnerBeat {
  readonly shard: string;
  readonly epoch: number;
  readonly nodeId: string;
}

export const encodeOwnerBeat = (beat: OwnerBeat): Buffer =>
  new ByteWriter().u8(1).text(beat.shard).varint(beat.epoch).text(beat.nodeId).finish();

export function decodeOwnerBeat(bytes: Uint8Array): OwnerBeat {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== 1) throw new RangeError(`owner beat: unknown format ${format}`);
  return { shard: reader.text(), epoch: reader.varint(), nodeId: reader.text() };
}
