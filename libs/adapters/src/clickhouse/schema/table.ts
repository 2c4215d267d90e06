// What a table of the history store is, and how it is written down for one server and for a cluster: one source, two
// renderings. SELECT and INSERT name a table the same way in both; whatever changes stored rows or the schema names its
// storage, which a cluster keeps beside the table that spreads over all servers.

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly codec?: string;
  /** Computed from other columns whenever it is read, and not stored. */
  readonly alias?: string;
  /** Of rows that were written before the column was there, or without it. */
  readonly byDefault?: string;
}

/** Rows with the same `orderBy` are versions of one row: all are kept until a merge, the newest counts. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** `name expression TYPE …` */
  readonly indexes?: readonly string[];
  /** Column whose highest value is the newest version. Without it: the row written last. */
  readonly version?: string;
  /** The same for all versions of a row. */
  readonly partitionBy?: string;
  readonly orderBy: readonly string[];
  /** In a cluster, which server has the row: made of `orderBy` columns alone, so that all versions meet. */
  readonly shardBy: string;
  readonly settings?: Readonly<Record<string, number>>;
}

/** Statements that may be run again: a crash between them repeats all of a step. */
export interface Layout {
  createDatabase(): readonly string[];
  createTable(table: Table): readonly string[];
  addColumn(table: Table, column: Column): readonly string[];
  /** Of a column that is there: parts written or merged from now on are compressed in this way. */
  changeCodec(table: Table, column: Column): readonly string[];
  /** Of a table that is there: parts written or merged from now on are as the settings say. */
  changeSettings(table: Table, settings: Readonly<Record<string, number>>): readonly string[];
  /**
   * `index` as in a table's `indexes`, with a name that was never used. Parts get it one by one in the background; what
   * is asked of one without it is answered the same, and slower.
   */
  replaceIndex(table: Table, oldName: string, index: string): readonly string[];
  /** `select` names tables as `parley.<name>`. Replaces a view of that name. */
  createView(name: string, select: string): readonly string[];
  /** The table with its rows; readers and writers of its old name have to change. */
  renameTable(name: string, newName: string): readonly string[];
  dropTable(name: string): readonly string[];
  /** How DELETE, UPDATE, ALTER and OPTIMIZE name the table. */
  storage(table: string): string;
}

/** Durable before an insert resolves, because its watermark lets the journal be trimmed; sources outlive a merge. */
const durable = {
  fsync_after_insert: 1,
  fsync_part_directory: 1,
  min_rows_to_fsync_after_merge: 1,
  old_parts_lifetime: 480,
};

/** The embedded engine, or one server. */
export const oneServer: Layout = {
  createDatabase: () => ['CREATE DATABASE IF NOT EXISTS parley'],
  createTable: (table) => [
    `CREATE TABLE IF NOT EXISTS parley.${table.name} (${bodyOf(table)}) ENGINE = ReplacingMergeTree(${table.version ?? ''})` +
      tailOf(table, { ...table.settings, ...durable }),
  ],
  addColumn: (table, column) => [
    `ALTER TABLE parley.${table.name} ADD COLUMN IF NOT EXISTS ${columnText(column)}`,
  ],
  changeCodec: (table, column) => [codecStatement(`parley.${table.name}`, column)],
  changeSettings: (table, settings) => [settingsStatement(`parley.${table.name}`, settings)],
  replaceIndex: (table, oldName, index) => indexStatements(`parley.${table.name}`, oldName, index),
  createView: (name, select) => [`CREATE OR REPLACE VIEW parley.${name} AS ${select}`],
  renameTable: (name, newName) => [`RENAME TABLE IF EXISTS parley.${name} TO parley.${newName}`],
  dropTable: (name) => [`DROP TABLE IF EXISTS parley.${name} SYNC`],
  storage: (table) => `parley.${table}`,
};

const codecStatement = (storage: string, column: Column): string =>
  `ALTER TABLE ${storage} MODIFY COLUMN ${columnText(column)}`;

const settingsStatement = (storage: string, settings: Readonly<Record<string, number>>): string =>
  `ALTER TABLE ${storage} MODIFY SETTING ${settingList(settings)}`;

const settingList = (settings: Readonly<Record<string, number>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');

/** One column takes one index for words at a time. */
const indexStatements = (storage: string, oldName: string, index: string): readonly string[] => [
  `ALTER TABLE ${storage} DROP INDEX IF EXISTS ${oldName}`,
  `ALTER TABLE ${storage} ADD INDEX IF NOT EXISTS ${index}`,
  `ALTER TABLE ${storage} MATERIALIZE INDEX ${index.slice(0, index.indexOf(' '))}`,
];

/**
 * Servers of the cluster that ClickHouse's own configuration calls `name`; their macros {shard} and {replica} tell them
 * apart. Replication makes rows durable, and an insert waits for a quorum by the settings of its user (docs/operations.md).
 */
export function clusterOf(name: string): Layout {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) throw new Error(`not a cluster's name: ${name}`);
  const on = `ON CLUSTER '${name}'`;
  return {
    createDatabase: () => [`CREATE DATABASE IF NOT EXISTS parley ${on}`],
    createTable: (table) => {
      const version = table.version === undefined ? '' : `, ${table.version}`;
      const path = `/clickhouse/tables/{shard}/parley/${table.name}`;
      return [
        `CREATE TABLE IF NOT EXISTS parley.${table.name}_local ${on} (${bodyOf(table)})` +
          ` ENGINE = ReplicatedReplacingMergeTree('${path}', '{replica}'${version})` +
          tailOf(table, table.settings ?? {}),
        `CREATE TABLE IF NOT EXISTS parley.${table.name} ${on} AS parley.${table.name}_local` +
          ` ENGINE = Distributed('${name}', parley, ${table.name}_local, ${table.shardBy})`,
      ];
    },
    addColumn: (table, column) =>
      [`${table.name}_local`, table.name].map(
        (storage) => `ALTER TABLE parley.${storage} ${on} ADD COLUMN IF NOT EXISTS ${columnText(column)}`,
      ),
    changeCodec: (table, column) => [codecStatement(`parley.${table.name}_local ${on}`, column)],
    changeSettings: (table, settings) => [settingsStatement(`parley.${table.name}_local ${on}`, settings)],
    replaceIndex: (table, oldName, index) =>
      indexStatements(`parley.${table.name}_local ${on}`, oldName, index),
    createView: (view, select) => [`CREATE OR REPLACE VIEW parley.${view} ${on} AS ${select}`],
    // What spreads over all servers holds nothing: `createTable` of the new name makes it again.
    renameTable: (name, newName) => [
      `RENAME TABLE IF EXISTS parley.${name}_local TO parley.${newName}_local ${on}`,
      `DROP TABLE IF EXISTS parley.${name} ${on} SYNC`,
    ],
    dropTable: (name) =>
      [name, `${name}_local`].map((each) => `DROP TABLE IF EXISTS parley.${each} ${on} SYNC`),
    storage: (table) => `parley.${table}_local ${on}`,
  };
}

const bodyOf = ({ columns, indexes = [] }: Table): string =>
  [...columns.map(columnText), ...indexes.map((index) => `INDEX ${index}`)].join(', ');

function columnText({ name, type, codec, alias, byDefault }: Column): string {
  const parts = [name, type];
  if (alias !== undefined) parts.push(`ALIAS ${alias}`);
  if (byDefault !== undefined) parts.push(`DEFAULT ${byDefault}`);
  if (codec !== undefined) parts.push(`CODEC(${codec})`);
  return parts.join(' ');
}

function tailOf({ partitionBy, orderBy }: Table, settings: Readonly<Record<string, number>>): string {
  const partition = partitionBy === undefined ? '' : ` PARTITION BY ${partitionBy}`;
  const list = settingList(settings);
  return `${partition} ORDER BY (${orderBy.join(', ')})${list === '' ? '' : ` SETTINGS ${list}`}`;
}
