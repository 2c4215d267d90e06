// What is stored for one entity: its state, and which commit of its shard it is up to date with.
//
//   format 1, epoch, n, state
//
// `n` is the last commit whose events the state has; the loader applies only later ones.
import { ByteReader, ByteWriter } from '@parley/std';

export interface StoredState {
  readonly epoch: number;
  readonly n: number;
  readonly state: Uint8Array;
}

export const encodeStoredState = (stored: StoredState): Buffer =>
  new ByteWriter().u8(1).varint(stored.epoch).varint(stored.n).blob(stored.state).finish();

/** Throws on malformed bytes. */
export function decodeStoredState(bytes: Uint8Array): StoredState {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== 1) throw new RangeError(`snapshot: unknown format ${format}`);
  return { epoch: reader.varint(), n: reader.varint(), state: reader.blob() };
}
