// Rows on their way into ClickHouse, serialised when they are added so that no turn of the event loop is long.
import { wellFormed } from './literals.ts';

export type CellValue = string | number | readonly string[];

/**
 * Collects rows of one table as TabSeparated, which the engine reads faster than JSON, in one growing buffer: an object for
 * each row would outlive its time. A row is added as a whole, or, where its cells are bytes already, cell by cell.
 */
export class RowBuffer {
  readonly table: string;
  readonly columns: readonly string[];
  #buffer: Buffer = Buffer.alloc(0);
  #rows = 0;
  #bytes = 0;

  constructor(table: string, columns: readonly string[]) {
    this.table = table;
    this.columns = columns;
  }

  /**
   * Forgets all rows and keeps the room, unless most of it was not used: whoever writes batch after batch asks the system for
   * memory only once. Nobody may still be sending what `toBytes` gave.
   */
  clear(): void {
    if (this.#buffer.length > spareBytesMax && 4 * this.#bytes < this.#buffer.length)
      this.#buffer = Buffer.alloc(0);
    this.#rows = 0;
    this.#bytes = 0;
  }

  /** Cells in the order of `columns`. */
  add(cells: readonly CellValue[]): void {
    if (cells.length !== this.columns.length)
      throw new Error(`${this.table} has ${this.columns.length} columns`);
    let line = cells.join('\t');
    if (cells.some(isList)) line = cells.map(escaped).join('\t');
    else if (isSpecial.test(line) || tabsIn(line) !== cells.length - 1) line = cells.map(escaped).join('\t');
    this.#reserve(line.length * utf8BytesPerUnitMax + 1);
    this.#bytes += this.#buffer.write(wellFormed(line), this.#bytes, 'utf8');
    this.#buffer[this.#bytes++] = newLine;
    this.#rows += 1;
  }

  /** Begins a row, or goes on with it, with numbers and names without special characters, and what stands between cells. */
  plain(text: string): void {
    this.#reserve(text.length);
    this.#bytes += this.#buffer.write(text, this.#bytes, 'latin1');
  }

  /** Begins a row, or goes on with it, as bytes that this buffer has already: from `start` to `end`, places told by `bytes`. */
  repeat(start: number, end: number): void {
    this.#reserve(end - start);
    this.#buffer.copyWithin(this.#bytes, start, end);
    this.#bytes += end - start;
  }

  /** The row goes on with one character that is not escaped: a tab between cells, brackets and commas of lists. */
  mark(character: number): void {
    this.#reserve(1);
    this.#buffer[this.#bytes++] = character;
  }

  /** The row goes on with a whole number of at least 0. */
  number(value: number): void {
    this.#reserve(16);
    let scale = 1;
    while (value >= scale * 10) scale *= 10;
    for (; scale >= 1; scale /= 10) this.#buffer[this.#bytes++] = zero + (Math.floor(value / scale) % 10);
  }

  /** The row goes on with a String of any bytes, as it stands in a list. */
  quoted(source: Uint8Array, start: number, end: number): void {
    this.#reserve(2 + escapedBytesMax * (end - start));
    this.#buffer[this.#bytes++] = quote;
    this.#escape(source, start, end);
    this.#buffer[this.#bytes++] = quote;
  }

  /** Ends a row that was begun. */
  end(): void {
    this.#reserve(1);
    this.#buffer[this.#bytes++] = newLine;
    this.#rows += 1;
  }

  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** All rows so far, as a view; the buffer may be sent again as often as needed. */
  toBytes(): Buffer {
    return this.#buffer.subarray(0, this.#bytes);
  }

  /** There is room for escapedBytesMax times as many bytes. */
  #escape(source: Uint8Array, start: number, end: number): void {
    const buffer = this.#buffer;
    let at = this.#bytes;
    for (let from = start; from < end; from++) {
      const byte = source[from]!;
      const escape = byteEscapes[byte]!;
      if (escape === 0) {
        buffer[at++] = byte;
      } else {
        buffer[at++] = backslash;
        buffer[at++] = escape;
        if (byte !== openingBrace) continue;
        buffer[at++] = seven;
        buffer[at++] = capitalB;
      }
    }
    this.#bytes = at;
  }

  #reserve(extraBytes: number): void {
    const needed = this.#bytes + extraBytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length, firstBytesMin));
    this.#buffer.copy(grown, 0, 0, this.#bytes);
    this.#buffer = grown;
  }
}

const isSpecial = /[\n\r\\{]/;

function tabsIn(line: string): number {
  let count = 0;
  for (let at = line.indexOf('\t'); at !== -1; at = line.indexOf('\t', at + 1)) count += 1;
  return count;
}

const isList = (cell: CellValue): cell is readonly string[] => typeof cell === 'object';

/** A list is escaped once, inside its quotes. */
const escaped = (cell: CellValue): string =>
  isList(cell)
    ? `[${cell.map((each) => `'${escapedText(each).replaceAll("'", "\\'")}'`).join(',')}]`
    : escapedText(String(cell));

const escapedText = (text: string): string =>
  text.replace(/[\t\n\r\\{]/g, (character) => escapes[character] ?? '');

/**
 * The brace has nothing to do with the format: the embedded engine reads a statement as its own test files are read, rows
 * included, and takes `-- { error NAME }` for an order. Without a brace there is none.
 */
const escapes: Readonly<Record<string, string>> = {
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\\': '\\\\',
  '{': '\\x7B',
};

/** What one byte takes at most. */
const escapedBytesMax = 4;
const openingBrace = 123;
const seven = 55;
const capitalB = 66;
const newLine = 10;
const quote = 39;
const zero = 48;
const backslash = 92;

/** By byte: what stands behind a backslash in its place; 0: the byte stands for itself. Good in and out of quotes. */
const byteEscapes = new Uint8Array(256);
for (const [character, escape] of Object.entries({ ...escapes, "'": "\\'" }))
  byteEscapes[character.charCodeAt(0)] = escape.charCodeAt(1);

/** UTF-8 bytes that one UTF-16 code unit takes at most. */
const utf8BytesPerUnitMax = 3;
const firstBytesMin = 4_096;
/** So much room is kept in any case. */
const spareBytesMax = 1024 * 1024;

/** The cell of a moment that never was: takes no room in a column of others like it. */
export const noTimeText = '1970-01-01 00:00:00.000';

/** A moment as a DateTime64(3, 'UTC') cell or literal text: `2026-11-21 11:47:55.123`. */
export function dateTimeText(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== lastSecond) {
    lastSecondText = new Date(second * 1000).toISOString().replace('T', ' ').slice(0, 20);
    lastSecond = second;
  }
  return lastSecondText + String(1000 + (ms - second * 1000)).slice(1);
}

/** Rows of one moment come together, and making the text of a date costs more than the rest of a row. */
let lastSecond: number | undefined;
let lastSecondText = '';
