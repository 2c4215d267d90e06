// Reading and writing of our own binary envelopes: unsigned LEB128 varints, length-prefixed strings and blobs.
// Protobuf payloads travel inside as blobs; this is only the frame around them.
import { assert } from './assert.ts';

/**
 * Small values are written one behind the other into chunks that they share, so that each costs a view and no copy. A
 * writer takes the chunk while it writes and gives it back when it has finished; one that fails never does, and the
 * next takes a new one.
 */
const chunkBytes = 64 * 1024;
let spareChunk: Buffer | undefined;
let spareChunkAt = 0;
/** A chunk with less room than this is used up. */
const chunkRoomMin = 512;

/** What outgrows its chunk is written into a buffer that is used again and again, and copied out once. */
let spareLarge: Buffer | undefined;
/** A larger one is not kept. */
const spareLargeBytesMax = 2 * 1024 * 1024;

/** Longer texts are written by native code (17 ns at 22 characters, a loop takes 47); shorter ones are ASCII most of the time. */
const shortTextMax = 14;

/**
 * Writes envelopes. `finish` hands out exactly what was written; the writer is not used afterwards. Copy what you keep for
 * long: it is a view, and its whole chunk lives as long as it does. What goes in as a blob is best finished before: a
 * writer that is opened while another one writes costs a chunk.
 */
export class ByteWriter {
  #buffer: Buffer;
  #start: number;
  #at: number;
  readonly #isOwn: boolean;

  /** `ownBytes`: for a writer that stays open while others write, a buffer of its own, so large at first. */
  constructor(ownBytes = 0) {
    this.#isOwn = ownBytes > 0;
    if (this.#isOwn) {
      this.#buffer = Buffer.allocUnsafe(ownBytes);
      this.#start = this.#at = 0;
      return;
    }
    this.#buffer = spareChunk ?? Buffer.allocUnsafeSlow(chunkBytes);
    this.#start = this.#at = spareChunk === undefined ? 0 : spareChunkAt;
    spareChunk = undefined;
  }

  get length(): number {
    return this.#at - this.#start;
  }

  /** One byte, 0 … 255. */
  u8(value: number): this {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
    return this;
  }

  /** Four bytes, little endian. */
  u32(value: number): this {
    this.#reserve(4);
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
    return this;
  }

  /** An integer in 0 … 2^53-1, one byte for each 7 bits. */
  varint(value: number): this {
    this.#reserve(8);
    if (value < 0x80 && value >= 0 && (value | 0) === value) {
      this.#buffer[this.#at++] = value;
      return this;
    }
    assert(Number.isSafeInteger(value) && value >= 0, 'varint: not a safe unsigned integer');
    let rest = value;
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128)) this.#buffer[this.#at++] = (rest & 0x7f) | 0x80;
    for (; rest > 0x7f; rest >>>= 7) this.#buffer[this.#at++] = (rest & 0x7f) | 0x80;
    this.#buffer[this.#at++] = rest;
    return this;
  }

  /** The length in UTF-8 bytes, and those. */
  text(value: string): this {
    const { length } = value;
    this.#reserve(length * 3 + 4);
    if (length < shortTextMax && this.#ascii(value)) return this;
    const lengthAt = this.begin(length);
    this.#at += this.#buffer.write(value, this.#at);
    return this.end(lengthAt, length);
  }

  blob(value: Uint8Array): this {
    this.varint(value.length);
    return this.raw(value);
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  /** Leaves room for a length that is not known yet. Give the result, and the same `expected`, to `end`. */
  begin(expected: number): number {
    this.#reserve(4);
    const lengthAt = this.length;
    this.#at += lengthBytes(expected);
    return lengthAt;
  }

  /** Puts the length of what was written since `begin` in front of it, which moves if `expected` was far off. */
  end(lengthAt: number, expected: number): this {
    this.#reserve(4);
    const room = lengthBytes(expected);
    const from = this.#start + lengthAt;
    const length = this.#at - from - room;
    const shift = lengthBytes(length) - room;
    if (shift !== 0) this.#buffer.copyWithin(from + room + shift, from + room, this.#at);
    const end = this.#at + shift;
    this.#at = from;
    this.varint(length);
    this.#at = end;
    return this;
  }

  /** A view on what was written so far, valid until more is written. */
  written(): Buffer {
    return this.#buffer.subarray(this.#start, this.#at);
  }

  finish(): Buffer {
    const bytes = this.written();
    if (this.#isOwn) return bytes;
    if (this.#buffer.length === chunkBytes) {
      if (chunkBytes - this.#at >= chunkRoomMin) {
        spareChunk = this.#buffer;
        spareChunkAt = this.#at;
      }
      return bytes;
    }
    if (this.#buffer.length <= spareLargeBytesMax) spareLarge = this.#buffer;
    const copy = Buffer.allocUnsafe(bytes.length);
    copy.set(bytes);
    return copy;
  }

  /** The length and the characters; false when there is one beyond ASCII, and nothing has been written. */
  #ascii(value: string): boolean {
    const buffer = this.#buffer;
    let at = this.#at;
    buffer[at++] = value.length;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0x7f) return false;
      buffer[at++] = unit;
    }
    this.#at = at;
    return true;
  }

  #reserve(extraBytes: number): void {
    if (this.#at + extraBytes > this.#buffer.length) this.#grow(extraBytes);
  }

  #grow(extraBytes: number): void {
    const needed = this.length + extraBytes;
    const written = this.written();
    if (this.#isOwn) {
      this.#buffer = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.set(written);
      return;
    }
    const large = spareLarge;
    spareLarge = undefined;
    const grown =
      large !== undefined && large.length >= needed
        ? large
        : Buffer.allocUnsafeSlow(Math.max(needed, chunkBytes) * 2);
    grown.set(written);
    // The value may only have begun near the end of its chunk; then that is used up.
    if (this.#buffer.length === chunkBytes && this.#start < chunkBytes / 2) {
      spareChunk = this.#buffer;
      spareChunkAt = this.#start;
    }
    this.#buffer = grown;
    this.#at -= this.#start;
    this.#start = 0;
  }
}

/** Bytes a length takes as a varint. Nothing here is larger than 256 MiB. */
const lengthBytes = (length: number): number =>
  length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4;

/** Reads what ByteWriter wrote. Throws `RangeError` on truncated input; blobs are views, copy what you keep. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer =
      bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#buffer.length;
  }

  get offset(): number {
    return this.#at;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#buffer.length - this.#at;
  }

  u8(): number {
    const value = this.#buffer[this.#at];
    if (value === undefined) throw new RangeError('truncated: byte expected');
    this.#at++;
    return value;
  }

  u32(): number {
    const value = this.#buffer.readUInt32LE(this.#at);
    this.#at += 4;
    return value;
  }

  varint(): number {
    // Most are small: lengths, counts, references.
    const first = this.#buffer[this.#at];
    if (first !== undefined && first < 0x80) {
      this.#at++;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) throw new RangeError('varint: beyond 2^53-1');
        return value;
      }
      scale *= 128;
    }
    throw new RangeError('varint: longer than 8 bytes');
  }

  text(): string {
    const size = this.varint();
    const start = this.#take(size);
    return size <= wordBytesMax
      ? wordAt(this.#buffer, start, size)
      : this.#buffer.toString('utf8', start, start + size);
  }

  /** A text that will hardly come again: it is not looked for among those met before, nor kept. */
  freshText(): string {
    const size = this.varint();
    const start = this.#take(size);
    return this.#buffer.toString('utf8', start, start + size);
  }

  /** A count, and as many values. */
  list<T>(read: () => T): T[] {
    const count = this.varint();
    const values: T[] = [];
    for (let i = 0; i < count; i++) values.push(read());
    return values;
  }

  blob(): Buffer {
    const size = this.varint();
    const start = this.#take(size);
    return this.#buffer.subarray(start, start + size);
  }

  /** Passes over a text or a blob. Where its bytes begin; they end at `offset`. */
  skip(): number {
    return this.#take(this.varint());
  }

  /** Goes on at an offset it has been at before. */
  seek(offset: number): void {
    this.#at = offset;
  }

  /** The bytes from `start` up to here, one character for each: to look them up in a map. */
  latin1Since(start: number): string {
    return this.#buffer.toString('latin1', start, this.#at);
  }

  #take(size: number): number {
    const start = this.#at;
    if (start + size > this.#buffer.length) throw new RangeError('truncated: bytes expected');
    this.#at = start + size;
    return start;
  }
}

/** Longer texts are made anew each time. */
const wordBytesMax = 24;
/** Short texts met last: names of types, tenants and shards come again and again. A power of two. */
const words: string[] = Array.from({ length: 1024 }, () => '');

/** Four times as fast as making the string when it is one of them, and no garbage. */
function wordAt(buffer: Buffer, start: number, size: number): string {
  if (size === 0) return '';
  const middle = buffer[start + (size >> 1)]!;
  const place = (size * 37 + buffer[start]! * 131 + middle * 71 + buffer[start + size - 1]! * 257) & 1023;
  const known = words[place]!;
  if (known.length === size) {
    let at = 0;
    while (at < size && known.charCodeAt(at) === buffer[start + at]) at++;
    // Only ASCII can come here: any other character has a code that is no byte, or takes more bytes than one.
    if (at === size) return known;
  }
  return (words[place] = buffer.toString('utf8', start, start + size));
}

/** Length of `text` in UTF-8 bytes. */
export const utf8Bytes = (text: string): number => Buffer.byteLength(text);
