// What is in the history store, counted and summed up by the engine itself.
import type { ClickHouse } from '@parley/adapters';
import { RowTally, type TallyTable, tallyTables } from './row-tally.ts';

/** By table: what its rows are about, and the cells a row is compared by. */
const rowCells: Readonly<Record<TallyTable, { readonly key: string; readonly cells: readonly string[] }>> = {
  messages: {
    key: "concat(tenant, '/', conversation)",
    cells: [
      'sequence',
      'version',
      'sender',
      'toUnixTimestamp64Milli(at)',
      'kind',
      'client_message_id',
      'text',
      'system',
    ],
  },
  memberships: {
    key: "concat(tenant, '/', user)",
    cells: ['conversation', 'sequence', 'is_member', 'version'],
  },
  events: {
    key: 'shard',
    cells: [
      'sequence',
      'position',
      'epoch',
      'toUnixTimestamp64Milli(at)',
      'type',
      'tenant',
      "arrayStringConcat(ids, ',')",
      'payload',
    ],
  },
};

const keysMax = 10_000_000;
const limits = { timeoutMs: 600_000, rowsMax: keysMax, memoryBytesMax: 4 * 1024 ** 3 };

/** `database`: where the tables are. */
export async function tallyStore(clickHouse: ClickHouse, database = 'parley'): Promise<RowTally> {
  const tally = new RowTally();
  for (const table of tallyTables) {
    const { key, cells } = rowCells[table];
    const text = cells.map((cell) => `toString(${cell})`).join(", '\\t', ");
    const rows = await clickHouse.select(
      `SELECT ${key} AS about, count(), sum(CRC32(concat(${text}))) % 4294967296 FROM ${database}.${table} FINAL
       GROUP BY about LIMIT ${keysMax}`,
      limits,
    );
    for (const [about, count, sum] of rows)
      tally.addAll(table, about as string, { rows: count as number, sum: sum as number });
  }
  return tally;
}
