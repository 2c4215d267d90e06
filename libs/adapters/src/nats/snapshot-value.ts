// What stands under a snapshot's key: the snapshot itself, or the manifest of its chunks. The first byte says which.
import { ByteReader, ByteWriter } from '@parley/std';

export interface Manifest {
  /** `<revision it replaces>-<unique>`; names the chunks' keys. */
  readonly generation: string;
  readonly chunkCount: number;
  readonly sizeBytes: number;
  /** CRC-32 of the whole snapshot. */
  readonly crc: number;
}

const formatInline = 1;
const formatManifest = 2;

export function encodeInline(bytes: Uint8Array): Uint8Array {
  const value = new Uint8Array(bytes.length + 1);
  value[0] = formatInline;
  value.set(bytes, 1);
  return value;
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  return new ByteWriter()
    .u8(formatManifest)
    .text(manifest.generation)
    .varint(manifest.chunkCount)
    .varint(manifest.sizeBytes)
    .u32(manifest.crc)
    .finish();
}

/** The snapshot, or the manifest of its chunks. */
export function decodeValue(value: Uint8Array): Uint8Array | Manifest {
  if (value[0] === formatInline) return value.subarray(1);
  const reader = new ByteReader(value);
  const format = reader.u8();
  if (format !== formatManifest) throw new Error(`snapshot: unknown format ${format}`);
  return {
    generation: reader.text(),
    chunkCount: reader.varint(),
    sizeBytes: reader.varint(),
    crc: reader.u32(),
  };
}
