// The stable hash that places entities on shards. Golden test: it may never change, or entities move.

/** MurmurHash3 x86 32-bit (Austin Appleby, public domain algorithm) over the UTF-8 bytes of `text`; 0 … 2^32-1. */
export function stableHash(text: string, seed = 0): number {
  const bytes = bytesOf(text);
  const length = bytes === scratch ? text.length : bytes.length;
  const blocks = length & ~3;
  let hash = seed | 0;
  for (let i = 0; i < blocks; i += 4) {
    const block = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    hash ^= scramble(block);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = length - 1; i >= blocks; i--) tail = (tail << 8) | bytes[i]!;
  if (blocks < length) hash ^= scramble(tail);
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const encoder = new TextEncoder();
/** Ids are short and ASCII: they are hashed without an allocation. Filled and read within one call. */
const scratch = new Uint8Array(256);

function bytesOf(text: string): Uint8Array {
  if (text.length > scratch.length) return encoder.encode(text);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return encoder.encode(text);
    scratch[i] = unit;
  }
  return scratch;
}

function scramble(block: number): number {
  const multiplied = Math.imul(block, 0xcc9e2d51);
  return Math.imul((multiplied << 15) | (multiplied >>> 17), 0x1b873593);
}
