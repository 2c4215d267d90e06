// The events of a journal record one after another, as places in its bytes: for who copies them elsewhere and needs no
// strings. Reads what commit-codec.ts writes.
import { ByteReader } from '@parley/std';

/**
 * Stands on one event after the other. All places are offsets in `bytes`. Throws RangeError on bytes that decodeCommitExcerpt
 * did not give.
 */
export class EventCursor {
  /** The record from its events on. */
  readonly bytes: Buffer;
  /** Index of the event in its commit; -1 before the first. */
  position = -1;
  typeStart = 0;
  typeEnd = 0;
  tenantStart = 0;
  tenantEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;
  readonly #reader: ByteReader;
  readonly #count: number;
  /** Where each id list that was written out begins, for events that refer to it. */
  readonly #lists: number[] = [];
  /** Number of this event's list of ids in the record, from 0: events with the same number have the same entities. */
  list = 0;
  /** Where the next event begins. */
  #next: number;

  /** `events`: of a CommitExcerpt. */
  constructor(events: Uint8Array) {
    this.bytes = Buffer.from(events.buffer, events.byteOffset, events.byteLength);
    this.#reader = new ByteReader(this.bytes);
    this.#count = this.#reader.varint();
    this.#next = this.#reader.offset;
  }

  /** False behind the last event. */
  next(): boolean {
    if (this.position + 1 >= this.#count) return false;
    this.position += 1;
    const reader = this.#reader;
    reader.seek(this.#next);
    this.typeStart = reader.skip();
    this.typeEnd = reader.offset;
    this.tenantStart = reader.skip();
    this.tenantEnd = reader.offset;
    this.#passList();
    this.payloadStart = reader.skip();
    this.payloadEnd = this.#next = reader.offset;
    return true;
  }

  get type(): string {
    return this.bytes.toString('utf8', this.typeStart, this.typeEnd);
  }

  /** The entities of this event, in order. */
  eachId(visit: (start: number, end: number) => void): void {
    const reader = this.#reader;
    reader.seek(this.#lists[this.list]!);
    for (let count = reader.varint(); count > 0; count--) visit(reader.skip(), reader.offset);
  }

  #passList(): void {
    const reader = this.#reader;
    const number = reader.varint();
    if (number > 0) {
      if (number > this.#lists.length) throw new RangeError(`id list ${number} is not known`);
      this.list = number - 1;
      return;
    }
    this.list = this.#lists.push(reader.offset) - 1;
    for (let count = reader.varint(); count > 0; count--) reader.skip();
  }
}
