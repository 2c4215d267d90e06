// Lists of entity ids inside one message. A busy group addresses the same members again and again, so a list that was
// written before is only referred to: 0 and the list the first time, its number (from 1) afterwards. Lists are compared
// by identity; the runtime keeps one array per group of recipients.
import { ByteReader, type ByteWriter } from '@parley/std';

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
  readonly #familiar: FamiliarIdLists | undefined;
  readonly #known: (readonly string[])[] = [];

  constructor(reader: ByteReader, familiar?: FamiliarIdLists) {
    this.#reader = reader;
    this.#familiar = familiar;
  }

  /** Throws RangeError on a reference to a list that was not written. */
  read(): readonly string[] {
    const number = this.#reader.varint();
    if (number > 0) {
      const known = this.#known[number - 1];
      if (known === undefined) throw new RangeError(`id list ${number} is not known`);
      return known;
    }
    const ids = this.#familiar?.read(this.#reader) ?? readIds(this.#reader);
    this.#known.push(ids);
    return ids;
  }
}

/** Bytes of all lists that are remembered; beyond it all are forgotten, and remembered anew. */
const familiarBytesMax = 16 * 1024 * 1024;

/**
 * Lists met in other messages, found again by their bytes: who reads many messages meets the same recipients all the
 * time, and gets the same array each time.
 */
export class FamiliarIdLists {
  readonly #lists = new Map<string, readonly string[]>();
  #bytes = 0;

  read(reader: ByteReader): readonly string[] {
    const start = reader.offset;
    for (let count = reader.varint(); count > 0; count--) reader.skip();
    const bytes = reader.latin1Since(start);
    return this.#lists.get(bytes) ?? this.#remember(bytes);
  }

  #remember(bytes: string): readonly string[] {
    if (this.#bytes + bytes.length > familiarBytesMax) {
      this.#lists.clear();
      this.#bytes = 0;
    }
    const ids = readIds(new ByteReader(Buffer.from(bytes, 'latin1')));
    this.#lists.set(bytes, ids);
    this.#bytes += bytes.length;
    return ids;
  }
}

const readIds = (reader: ByteReader): readonly string[] => reader.list(() => reader.text());
