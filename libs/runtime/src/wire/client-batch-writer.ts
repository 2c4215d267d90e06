// Writes a client batch (see intake-codec.ts) record by record while the commands come in: no record objects, and no
// payload that is encoded first and copied then. The head counts the records, so it comes last.
import { ByteWriter } from '@parley/std';
import { type IntakeRecord, recordKinds } from './intake-codec.ts';

/** `type`, `tenant` and `id` as a record has them: made once for an entity that is addressed again and again. */
export const encodeAddress = (type: string, tenant: string, id: string): Uint8Array =>
  new ByteWriter().text(type).text(tenant).text(id).finish();

export class ClientBatchWriter {
  readonly #gatewayId: string;
  readonly #writer: ByteWriter;
  #records = 0;

  constructor(gatewayId: string, capacityBytes: number) {
    this.#gatewayId = gatewayId;
    this.#writer = new ByteWriter(capacityBytes);
  }

  get records(): number {
    return this.#records;
  }

  /** Of the records so far. */
  get bytes(): number {
    return this.#writer.length;
  }

  /** Begins a record; its payload, of exactly so many bytes, is written with what this returns, at once. */
  begin(
    kind: IntakeRecord['kind'],
    requestId: number,
    address: Uint8Array,
    payloadBytes: number,
  ): ByteWriter {
    this.#records++;
    return this.#writer.u8(recordKinds.indexOf(kind)).varint(requestId).raw(address).varint(payloadBytes);
  }

  /** The whole message. The writer is not used afterwards. */
  finish(deadlineMs: number): Buffer {
    const head = new ByteWriter()
      .u8(1)
      .text(this.#gatewayId)
      .varint(deadlineMs)
      .varint(this.#records)
      .finish();
    return Buffer.concat([head, this.#writer.finish()]);
  }
}
