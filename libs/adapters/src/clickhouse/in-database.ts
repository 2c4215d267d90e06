// The same store under another database's name, beside the usual one. For programs that build or compare a store: it renames
// `parley.` wherever it stands, so what people search for must never come through here.
import type { ClickHouse } from './clickhouse.ts';

export function inDatabase(clickHouse: ClickHouse, database: string): ClickHouse {
  const renamed = (sql: string): string =>
    sql
      .replace(/\bparley\./g, `${database}.`)
      .replace(/\bDATABASE (IF (?:NOT )?EXISTS )?parley\b/g, `DATABASE $1${database}`);
  return {
    insert: (table, columns, rows) => clickHouse.insert(renamed(table), columns, rows),
    select: (sql, limits) => clickHouse.select(renamed(sql), limits),
    stream: (sql, format, limits) => clickHouse.stream(renamed(sql), format, limits),
    execute: (sql, options) => clickHouse.execute(renamed(sql), options),
    version: () => clickHouse.version(),
    close: () => clickHouse.close(),
  };
}
