// Rows of the history store, counted and summed up by what they are about, so that two ways to the same rows can be compared
// without keeping them: what the journals say ought to be there, and what the store says is there.
import { crc32 } from 'node:zlib';

export interface Tally {
  rows: number;
  /** Of the CRC-32 of each row, in any order, modulo 2^32. */
  sum: number;
}

export const tallyTables = ['messages', 'memberships', 'events'] as const;
export type TallyTable = (typeof tallyTables)[number];

/** By table: conversations (`tenant/conversation`), users (`tenant/user`), shards. */
export class RowTally {
  readonly #tallies = Object.fromEntries(
    tallyTables.map((table) => [table, new Map<string, Tally>()]),
  ) as Record<TallyTable, Map<string, Tally>>;

  /** Cells in the order of `rowCells`, parted by tabs. */
  add(table: TallyTable, key: string, cells: readonly (string | number | Uint8Array)[]): void {
    let sum = 0;
    for (const [index, cell] of cells.entries())
      sum = crc32(typeof cell === 'number' ? String(cell) : cell, index === 0 ? 0 : crc32('\t', sum));
    this.addAll(table, key, { rows: 1, sum });
  }

  addAll(table: TallyTable, key: string, { rows, sum }: Tally): void {
    const tallies = this.#tallies[table];
    const tally = tallies.get(key);
    if (tally === undefined) {
      tallies.set(key, { rows, sum });
      return;
    }
    tally.rows += rows;
    tally.sum = (tally.sum + sum) % 2 ** 32;
  }

  of(table: TallyTable): ReadonlyMap<string, Tally> {
    return this.#tallies[table];
  }

  rows(table: TallyTable): number {
    let rows = 0;
    for (const tally of this.#tallies[table].values()) rows += tally.rows;
    return rows;
  }
}

export interface TallyDifference {
  readonly table: TallyTable;
  readonly key: string;
  readonly expected: number;
  readonly found: number;
}

/** Empty: row for row the same. Of a key with other rows in the same number, `expected` and `found` are equal. */
export function tallyDifferences(expected: RowTally, found: RowTally): TallyDifference[] {
  return tallyTables.flatMap((table) => {
    const keys = new Set([...expected.of(table).keys(), ...found.of(table).keys()]);
    return [...keys].flatMap((key) => {
      const [one, other] = [expected.of(table).get(key), found.of(table).get(key)];
      if (one?.rows === other?.rows && one?.sum === other?.sum) return [];
      return { table, key, expected: one?.rows ?? 0, found: other?.rows ?? 0 };
    });
  });
}

/** Rows that are missing, more than there should be, or (at least so many) not what they should be. */
export function countDifferences(differences: readonly TallyDifference[]): {
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
} {
  const sumOf = (of: (one: TallyDifference) => number): number =>
    differences.reduce((sum, one) => sum + of(one), 0);
  return {
    missing: sumOf(({ expected, found }) => Math.max(0, expected - found)),
    extra: sumOf(({ expected, found }) => Math.max(0, found - expected)),
    different: sumOf(({ expected, found }) => Number(expected === found)),
  };
}
