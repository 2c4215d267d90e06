// Reading and writing of our own binary envelopes: unsigned LEB128 varints, length-prefixed strings and blobs.
// Protobuf payloads travel inside as blobs; this is only the frame around them.
import { assert } from './assert.ts';

/** A growing buffer. `finish` hands out a view of exactly what was written; the writer is not used afterwards. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacityBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** One byte, 0 … 255. */
  u8(value: number): this {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
    return this;
  }

  /** Four bytes, little endian. */
  u32(value: number): this {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
    return this;
  }

  /** An integer in 0 … 2^53-1, one byte for each 7 bits. */
  varint(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, 'varint: not a safe unsigned integer');
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
    return this;
  }

  text(value: string): this {
    const size = Buffer.byteLength(value);
    this.varint(size);
    this.#reserve(size);
    this.#length += this.#buffer.write(value, this.#length);
    return this;
  }

  blob(value: Uint8Array): this {
    this.varint(value.length);
    return this.raw(value);
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(extraBytes: number): void {
    const needed = this.#length + extraBytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

/** Reads what ByteWriter wrote. Throws `RangeError` on truncated input; blobs are views, copy what you keep. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#buffer.length;
  }

  get offset(): number {
    return this.#at;
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

  /** Passes over a text or a blob. */
  skip(): void {
    this.#take(this.varint());
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
