// Two stores row for row, by the engine: whatever columns the tables have.
import { type ClickHouse, sqlText } from '@parley/adapters';

/** Tables that the projection writes. */
export const projectedTables: readonly string[] = ['messages', 'memberships', 'reads', 'commits'];

/** What is compared, and what its rows are about. `events` is the view of what is in `commits`. */
const compared: Readonly<Record<string, string>> = {
  messages: "concat(tenant, '/', conversation)",
  memberships: "concat(tenant, '/', user)",
  reads: "concat(tenant, '/', conversation)",
  events: 'toString(shard)',
};

export interface StoreDifference {
  readonly table: string;
  /** A conversation, a user, a shard. */
  readonly about: string;
  readonly running: number;
  readonly rebuilt: number;
}

/** Beyond it nobody reads on. */
export const differencesMax = 100;
const limits = { timeoutMs: 3_600_000, memoryBytesMax: 2 * 1024 ** 3 };

/** At most differencesMax of each table. The same number of rows on both sides: their contents differ. */
export async function compareDatabases(
  clickHouse: ClickHouse,
  [running, rebuilt]: readonly [string, string],
): Promise<StoreDifference[]> {
  const differences: StoreDifference[] = [];
  for (const [table, about] of Object.entries(compared)) {
    const columns = await clickHouse.select(
      `SELECT name FROM system.columns
       WHERE database = ${sqlText(running)} AND table = ${sqlText(table)} AND default_kind != 'ALIAS' LIMIT 1000`,
    );
    const names = columns.map(([name]) => name as string).join(', ');
    const side = (database: string, isRebuilt: 0 | 1): string =>
      `SELECT ${about} AS about, sipHash64(${names}) AS hash, ${isRebuilt} AS is_rebuilt FROM ${database}.${table} FINAL`;
    // Rows that are on both sides cancel each other out.
    const rows = await clickHouse.select(
      `SELECT about, countIf(is_rebuilt = 0) AS here, countIf(is_rebuilt = 1) AS there
       FROM (${side(running, 0)} UNION ALL ${side(rebuilt, 1)})
       GROUP BY about HAVING here != there OR groupBitXor(hash) != 0 ORDER BY about LIMIT ${differencesMax}`,
      limits,
    );
    for (const [key, here, there] of rows)
      differences.push({ table, about: key as string, running: here as number, rebuilt: there as number });
  }
  return differences;
}
