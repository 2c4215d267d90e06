// A shard's checkpoint: where replay starts, and the shard's own numbers at that commit.
//
//   format 1, epoch, n, sequence, replay from, input offset, lanes in, lanes out, lane cursors
import { ByteReader, ByteWriter } from '@parley/std';
import type { LaneMark } from '../wire/commit-codec.ts';

export interface Checkpoint {
  readonly epoch: number;
  /** The commit the numbers below belong to, and its journal sequence. */
  readonly n: number;
  readonly sequence: number;
  /** First journal sequence replay needs; at most `sequence` + 1. */
  readonly replayFrom: number;
  readonly inputOffset: number;
  readonly lanesIn: readonly LaneMark[];
  /** Last number given out on each lane. */
  readonly lanesOut: readonly LaneMark[];
  /** Last number acknowledged on each lane. */
  readonly laneCursors: readonly LaneMark[];
}

export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const writer = new ByteWriter()
    .u8(1)
    .varint(checkpoint.epoch)
    .varint(checkpoint.n)
    .varint(checkpoint.sequence);
  writer.varint(checkpoint.replayFrom).varint(checkpoint.inputOffset);
  for (const marks of [checkpoint.lanesIn, checkpoint.lanesOut, checkpoint.laneCursors]) {
    writer.varint(marks.length);
    for (const mark of marks) writer.text(mark.shard).varint(mark.number);
  }
  return writer.finish();
}

/** Throws on malformed bytes. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== 1) throw new RangeError(`checkpoint: unknown format ${format}`);
  const marks = () =>
    Array.from({ length: reader.varint() }, () => ({ shard: reader.text(), number: reader.varint() }));
  return {
    epoch: reader.varint(),
    n: reader.varint(),
    sequence: reader.varint(),
    replayFrom: reader.varint(),
    inputOffset: reader.varint(),
    lanesIn: marks(),
    lanesOut: marks(),
    laneCursors: marks(),
  };
}
