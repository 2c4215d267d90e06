// Rows on their way into ClickHouse, serialised when they are added so that no turn of the event loop is long.
import { wellFormed } from './literals.ts';

export type CellValue = string | number;

/** Collects rows of one table as JSONCompactEachRow. */
export class RowBuffer {
  readonly table: string;
  readonly columns: readonly string[];
  #chunks: Buffer[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(table: string, columns: readonly string[]) {
    this.table = table;
    this.columns = columns;
  }

  /** Cells in the order of `columns`. */
  add(cells: readonly CellValue[]): void {
    if (cells.length !== this.columns.length)
      throw new Error(`${this.table} has ${this.columns.length} columns`);
    const line = JSON.stringify(cells.map((cell) => (typeof cell === 'string' ? wellFormed(cell) : cell)));
    const chunk = Buffer.from(`${line}\n`, 'utf8');
    this.#chunks.push(chunk);
    this.#rows += 1;
    this.#bytes += chunk.length;
  }

  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** All rows so far; the buffer may be sent again as often as needed. */
  toBytes(): Buffer {
    const whole = Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [whole];
    return whole;
  }
}

/** A moment as a DateTime64(3, 'UTC') cell or literal text: `2026-11-21 11:47:55.123`. */
export const dateTimeText = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').slice(0, 23);
