// Rows on their way into ClickHouse, serialised when they are added so that no turn of the event loop is long.
import { wellFormed } from './literals.ts';

export type CellValue = string | number;

/**
 * Collects rows of one table as TabSeparated, which the engine reads faster than JSON, in one growing buffer: an object for
 * each row would outlive its time.
 */
export class RowBuffer {
  readonly table: string;
  readonly columns: readonly string[];
  #buffer: Buffer = Buffer.alloc(0);
  readonly #firstBytes: number;
  #rows = 0;
  #bytes = 0;

  /** `expectedBytes`: as many fit before it must grow. */
  constructor(table: string, columns: readonly string[], expectedBytes = 0) {
    this.table = table;
    this.columns = columns;
    this.#firstBytes = Math.max(expectedBytes, firstBytesMin);
  }

  /** Cells in the order of `columns`. */
  add(cells: readonly CellValue[]): void {
    if (cells.length !== this.columns.length)
      throw new Error(`${this.table} has ${this.columns.length} columns`);
    let line = cells.join('\t');
    if (isSpecial.test(line) || tabsIn(line) !== cells.length - 1) line = cells.map(escaped).join('\t');
    this.#reserve(line.length * utf8BytesPerUnitMax + 1);
    this.#bytes += this.#buffer.write(wellFormed(line), this.#bytes, 'utf8');
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

  #reserve(extraBytes: number): void {
    const needed = this.#bytes + extraBytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length, this.#firstBytes));
    this.#buffer.copy(grown, 0, 0, this.#bytes);
    this.#buffer = grown;
  }
}

const isSpecial = /[\n\r\\]/;

function tabsIn(line: string): number {
  let count = 0;
  for (let at = line.indexOf('\t'); at !== -1; at = line.indexOf('\t', at + 1)) count += 1;
  return count;
}

const escaped = (cell: CellValue): string =>
  String(cell).replace(/[\t\n\r\\]/g, (character) => escapes[character] ?? '');

const escapes: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };
const newLine = 10;

/** UTF-8 bytes that one UTF-16 code unit takes at most. */
const utf8BytesPerUnitMax = 3;
const firstBytesMin = 4_096;

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
