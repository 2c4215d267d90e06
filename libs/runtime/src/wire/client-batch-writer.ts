// Writes a client batch (see intake-codec.ts) record by record while the commands come in: no record objects, and no
// payload that is encoded first and copied then. The head counts the records, so it is put in front of them last.
import { ByteWriter } from '@parley/std';
import { type IntakeRecord, recordKinds } from './intake-codec.ts';

/** Longest varint. */
const varintBytesMax = 8;

/** `type`, `tenant` and `id` as a record has them: made once for an entity that is addressed again and again. */
export const encodeAddress = (type: string, tenant: string, id: string): Uint8Array =>
  new ByteWriter().text(type).text(tenant).text(id).finish();

export class ClientBatchWriter {
  readonly #gatewayId: string;
  readonly #headBytesMax: number;
  #buffer: Buffer;
  #at: number;
  #records = 0;

  constructor(gatewayId: string, capacityBytes: number) {
    this.#gatewayId = gatewayId;
    this.#headBytesMax = 1 + Buffer.byteLength(gatewayId) + 3 * varintBytesMax;
    this.#buffer = Buffer.allocUnsafe(this.#headBytesMax + capacityBytes);
    this.#at = this.#headBytesMax;
  }

  get records(): number {
    return this.#records;
  }

  /** Of the records so far. */
  get bytes(): number {
    return this.#at - this.#headBytesMax;
  }

  /** Begins a record whose payload, of exactly so many bytes, follows by `raw` and `varint`. */
  begin(kind: IntakeRecord['kind'], requestId: number, address: Uint8Array, payloadBytes: number): this {
    this.#reserve(1 + 2 * varintBytesMax + address.length + payloadBytes);
    this.#records++;
    this.#buffer[this.#at++] = recordKinds.indexOf(kind);
    return this.varint(requestId).raw(address).varint(payloadBytes);
  }

  raw(bytes: Uint8Array): this {
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  varint(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#at++] = rest;
    return this;
  }

  /** The whole message. The writer is not used afterwards. */
  finish(deadlineMs: number): Buffer {
    const head = new ByteWriter()
      .u8(1)
      .text(this.#gatewayId)
      .varint(deadlineMs)
      .varint(this.#records)
      .finish();
    const start = this.#headBytesMax - head.length;
    this.#buffer.set(head, start);
    return this.#buffer.subarray(start, this.#at);
  }

  #reserve(extraBytes: number): void {
    const needed = this.#at + extraBytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = grown;
  }
}
