// What projections need of a journal record: where it stands, and the events of some types. Most of a record is neither
// (inbox entries, effects), and passing over it costs a small part of decoding it. Reads what commit-codec.ts writes.
import { ByteReader } from '@parley/std';
import { BadCommitRecord, type CommitRecord, type CommittedEvent, undamagedBody } from './commit-codec.ts';

export interface CommitExcerpt extends Pick<
  CommitRecord,
  'epoch' | 'n' | 'previousSequence' | 'atMs' | 'events'
> {
  /** The record from its events on, of all types: see EventCursor. */
  readonly allEvents: Uint8Array;
}

/** Throws BadCommitRecord. Payloads and `allEvents` are views on `bytes`. */
export function decodeCommitExcerpt(bytes: Uint8Array, types: ReadonlySet<string>): CommitExcerpt {
  const body = undamagedBody(bytes);
  const reader = new ByteReader(body);
  const { epoch, n, previousSequence, atMs } = readHead(reader);
  const allEvents = body.subarray(reader.offset);
  return { epoch, n, previousSequence, atMs, events: readEvents(reader, body, types), allEvents };
}

function readHead(reader: ByteReader): Omit<CommitExcerpt, 'events' | 'allEvents'> {
  const format = reader.u8();
  if (format !== 1) throw new BadCommitRecord(`format ${format} is newer than this program`);
  const kind = reader.u8();
  if (kind > 5) throw new BadCommitRecord('unknown record kind');
  reader.skip(); // shard
  const epoch = reader.varint();
  const n = reader.varint();
  const previousSequence = reader.varint();
  reader.varint(); // input offset
  if (kind > 2) {
    reader.varint(); // input part: sequence,
    reader.varint(); // records
  }
  const atMs = reader.varint();
  skipMarks(reader); // lanes in
  skipMarks(reader); // lane cursors
  return { epoch, n, previousSequence, atMs };
}

function skipMarks(reader: ByteReader): void {
  for (let count = reader.varint(); count > 0; count--) {
    reader.skip();
    reader.varint();
  }
}

function readEvents(reader: ByteReader, body: Uint8Array, types: ReadonlySet<string>): CommittedEvent[] {
  const events: CommittedEvent[] = [];
  const lists = new LazyIdLists(reader, body);
  for (let count = reader.varint(); count > 0; count--) {
    const type = reader.text();
    if (types.has(type)) {
      events.push({ type, tenant: reader.text(), ids: lists.read(), payload: reader.blob() });
    } else {
      reader.skip();
      lists.skip();
      reader.skip();
    }
  }
  return events;
}

/** As IdListReader; but a list that was passed over is made only when an event that is wanted refers to it. */
class LazyIdLists {
  readonly #reader: ByteReader;
  readonly #body: Uint8Array;
  /** Each list met so far, or where it begins. */
  readonly #known: (readonly string[] | number)[] = [];

  constructor(reader: ByteReader, body: Uint8Array) {
    this.#reader = reader;
    this.#body = body;
  }

  read(): readonly string[] {
    const number = this.#reader.varint();
    if (number === 0) {
      const ids = readIds(this.#reader);
      this.#known.push(ids);
      return ids;
    }
    const known = this.#known[number - 1];
    if (known === undefined) throw new RangeError(`id list ${number} is not known`);
    if (typeof known !== 'number') return known;
    return (this.#known[number - 1] = readIds(new ByteReader(this.#body.subarray(known))));
  }

  skip(): void {
    if (this.#reader.varint() > 0) return;
    this.#known.push(this.#reader.offset);
    for (let count = this.#reader.varint(); count > 0; count--) this.#reader.skip();
  }
}

const readIds = (reader: ByteReader): readonly string[] => reader.list(() => reader.text());
