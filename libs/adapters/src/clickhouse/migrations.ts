// The schema of the history store, as numbered steps. A step that has shipped is never edited; a change is a new step.
// Every step may be run again: a crash between a step and its record repeats it.
import { type ClickHouse, ClickHouseRefused } from './clickhouse.ts';
import { RowBuffer, dateTimeText } from './row-buffer.ts';
import { searchTermsExpression } from './search-text.ts';

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly statements: readonly string[];
}

/** Durable before an insert resolves, because its watermark lets the journal be trimmed; sources outlive a merge. */
const durableSettings = [
  'fsync_after_insert=1',
  'fsync_part_directory=1',
  'min_rows_to_fsync_after_merge=1',
  'old_parts_lifetime=480',
].join(', ');

const migrations: readonly Migration[] = [
  {
    number: 1,
    name: 'messages, memberships, watermarks',
    statements: [
      // One row for each element of a conversation's log. All versions of one must lie in one partition, hence the
      // original send time.
      `CREATE TABLE IF NOT EXISTS parley.messages (
         tenant LowCardinality(String),
         conversation String CODEC(ZSTD(1)),
         sequence UInt64 CODEC(Delta, ZSTD(1)),
         version UInt64 CODEC(Delta, ZSTD(1)),
         sender String CODEC(ZSTD(1)),
         at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
         kind LowCardinality(String),
         client_message_id String CODEC(ZSTD(1)),
         text String CODEC(ZSTD(1)),
         system String CODEC(ZSTD(1)),
         terms String ALIAS ${searchTermsExpression('text')},
         INDEX terms_index terms TYPE text(tokenizer = splitByNonAlpha)
       ) ENGINE = ReplacingMergeTree(version)
       PARTITION BY toYear(at) ORDER BY (tenant, conversation, sequence)
       SETTINGS index_granularity=1024, enable_block_number_column=1, enable_block_offset_column=1, ${durableSettings}`,
      // Every change of membership; spans are made of them when they are asked for, so that a replayed journal gives
      // the same rows in any state of the table.
      `CREATE TABLE IF NOT EXISTS parley.memberships (
         tenant LowCardinality(String),
         user String CODEC(ZSTD(1)),
         conversation String CODEC(ZSTD(1)),
         sequence UInt64 CODEC(Delta, ZSTD(1)),
         is_member UInt8,
         version UInt64 CODEC(Delta, ZSTD(1))
       ) ENGINE = ReplacingMergeTree(version) ORDER BY (tenant, user, conversation, sequence)
       SETTINGS index_granularity=1024, ${durableSettings}`,
      // How far each shard's journal is in the other tables. Written after them, always.
      `CREATE TABLE IF NOT EXISTS parley.watermarks (
         shard String,
         sequence UInt64,
         epoch UInt64,
         n UInt64,
         at DateTime64(3, 'UTC')
       ) ENGINE = ReplacingMergeTree(sequence) ORDER BY shard
       SETTINGS ${durableSettings}`,
    ],
  },
];

/** Brings the schema up to this program's. Rejects when a newer program has been here. */
export async function migrate(clickHouse: ClickHouse): Promise<void> {
  await clickHouse.execute('CREATE DATABASE IF NOT EXISTS parley');
  await clickHouse.execute(
    `CREATE TABLE IF NOT EXISTS parley.migrations (number UInt32, name String, at DateTime64(3, 'UTC'))
     ENGINE = ReplacingMergeTree ORDER BY number SETTINGS ${durableSettings}`,
  );
  const applied = await clickHouse.select('SELECT DISTINCT number FROM parley.migrations ORDER BY number');
  const numbers = new Set(applied.map((row) => row[0] as number));
  const newest = migrations.at(-1)?.number ?? 0;
  for (const number of numbers) {
    if (number > newest) {
      throw new ClickHouseRefused(
        `the history store has schema ${number}; this program knows ${newest}`,
        0,
        undefined,
      );
    }
  }
  for (const migration of migrations) {
    if (numbers.has(migration.number)) continue;
    for (const statement of migration.statements) await clickHouse.execute(statement);
    await record(clickHouse, migration);
  }
}

async function record(clickHouse: ClickHouse, migration: Migration): Promise<void> {
  const row = new RowBuffer('parley.migrations', ['number', 'name', 'at']);
  row.add([migration.number, migration.name, dateTimeText(Date.now())]);
  await clickHouse.insert(row.table, row.columns, row.toBytes());
}
