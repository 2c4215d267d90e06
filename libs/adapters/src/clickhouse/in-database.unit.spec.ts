// What is renamed, and what is not.
import { expect, it } from 'vitest';
import type { ClickHouse } from './clickhouse.ts';
import { inDatabase } from './in-database.ts';
import { oneServer } from './schema/table.ts';

it('means the other database wherever statements and tables name ours', async () => {
  const said: string[] = [];
  const say = (sql: string): Promise<never> => {
    said.push(sql);
    return Promise.resolve(undefined as never);
  };
  const engine = { insert: say, select: say, execute: say } as unknown as ClickHouse;
  const next = inDatabase(engine, 'parley_next');
  for (const statement of oneServer.createDatabase()) await next.execute(statement);
  await next.execute('DROP DATABASE IF EXISTS parley SYNC');
  await next.insert('parley.messages', ['text'], new Uint8Array());
  await next.select('SELECT 1 FROM parley.a JOIN `parley`.b USING id JOIN other.parley_c');
  expect(said).toEqual([
    'CREATE DATABASE IF NOT EXISTS parley_next',
    'DROP DATABASE IF EXISTS parley_next SYNC',
    'parley_next.messages',
    // Quoted, it stays what it is.
    'SELECT 1 FROM parley_next.a JOIN `parley`.b USING id JOIN other.parley_c',
  ]);
});
