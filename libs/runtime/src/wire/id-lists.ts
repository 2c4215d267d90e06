// Lists of entity ids inside one message. A busy group addresses the same members again and again, so a list that was
// written before is only referred to: 0 and the list the first time, its number (from 1) afterwards. Lists are compared
// by identity; the runtime keeps one array per group of recipients.
import type { ByteReader, ByteWriter } from '@parley/std';

export class IdListWriter {
  readonly #writer: ByteWriter;
  readonly #known = new Map<readonly string[], number>();

  constructor(writer: ByteWriter) {
    this.#writer = writer;
  }

  write(ids: readonly string[]): void {
    const number = this.#known.get(ids);
    if (number !== undefined) {
      this.#writer.varint(number);
      return;
    }
    this.#known.set(ids, this.#known.size + 1);
    this.#writer.varint(0).varint(ids.length);
    for (const id of ids) this.#writer.text(id);
  }
}

export class IdListReader {
  readonly #reader: ByteReader;
  readonly #known: (readonly string[])[] = [];

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  /** Throws RangeError on a reference to a list that was not written. */
  read(): readonly string[] {
    const number = this.#reader.varint();
    if (number > 0) {
      const known = this.#known[number - 1];
      if (known === undefined) throw new RangeError(`id list ${number} is not known`);
      return known;
    }
    const ids = Array.from({ length: this.#reader.varint() }, () => this.#reader.text());
    this.#known.push(ids);
    return ids;
  }
}
