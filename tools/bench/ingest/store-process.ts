// A process of its own for the embedded engine, as history is one: an engine serves one folder for the life of a process.
//
//   store-process.ts rows <folder> [export folder]     tells all rows of a history folder as tallies, and exports them
//   store-process.ts insert <folder> <export folder>   inserts what was exported into an empty folder, and tells how fast
process.env['UV_THREADPOOL_SIZE'] ??= '16';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type ClickHouse, migrate, openEmbeddedClickHouse } from '@parley/adapters';
import { membershipColumns, messageColumns } from '../../../apps/history/src/projection/history-batch.ts';
import { commitColumns } from '../../../apps/history/src/projection/event-rows.ts';
import { type TallyTable, tallyTables } from '../../history/row-tally.ts';
import { tallyStore } from '../../history/store-tally.ts';

/** What `rows` tells: table, what the rows are about, how many, sum. */
export type TalliedRows = readonly (readonly [TallyTable, string, number, number])[];

export interface InsertRates {
  /** Of messages in a second, all tables together. */
  readonly all: number;
  /** With nothing but the table of messages. */
  readonly messagesAlone: number;
  /** Of this process for 1,000 messages, all tables together. */
  readonly cpuSecondsPer1000: number;
}

/** Rows in the order of the journals, as ingesting them is. */
const exported: Readonly<
  Record<TallyTable, { readonly columns: readonly string[]; readonly order: string }>
> = {
  messages: {
    columns: messageColumns,
    order: 'version, conversation, sequence',
  },
  memberships: {
    columns: membershipColumns,
    order: 'version, user',
  },
  events: {
    columns: commitColumns,
    order: 'sequence, shard',
  },
};

/** Where the rows are that history writes: `events` is a view. */
const storageOf = (table: TallyTable): string => `parley.${table === 'events' ? 'commits' : table}`;

/** Messages in a block: as projections write when they catch up, and larger. The better one is the floor. */
const blockRows = [20_000, 100_000];

const [role, folder = '', exportFolder = ''] = process.argv.slice(2);
const engine = await openEmbeddedClickHouse({ folder });
const answer = role === 'rows' ? await tellRows(engine) : await insertAll(engine);
await engine.close();
process.send?.(answer, () => process.disconnect());

async function tellRows(clickHouse: ClickHouse): Promise<TalliedRows> {
  for (const table of exportFolder === '' ? [] : tallyTables) {
    const { columns, order } = exported[table];
    await clickHouse.execute(
      `INSERT INTO FUNCTION file('${fileOf(table)}', 'TabSeparated')
       SELECT ${columns.join(', ')} FROM ${storageOf(table)} FINAL ORDER BY ${order}`,
    );
  }
  const tally = await tallyStore(clickHouse);
  return tallyTables.flatMap((table) =>
    [...tally.of(table)].map(([key, { rows, sum }]) => [table, key, rows, sum] as const),
  );
}

async function insertAll(clickHouse: ClickHouse): Promise<InsertRates> {
  await migrate(clickHouse);
  const files = Object.fromEntries(
    tallyTables.map((table) => [table, readFileSync(fileOf(table))]),
  ) as unknown as Record<TallyTable, Buffer>;
  const rates = { all: 0, messagesAlone: 0, cpuSecondsPer1000: Infinity };
  for (const rows of blockRows) {
    for (const [name, tables] of [
      ['messagesAlone', ['messages']],
      ['all', tallyTables],
    ] as const) {
      const messages = blocksOf(files.messages, rows);
      const others = tables
        .filter((table) => table !== 'messages')
        .map((table) => ({ table, blocks: inParts(files[table], messages.length) }));
      for (const table of tallyTables) await clickHouse.execute(`TRUNCATE TABLE ${storageOf(table)}`);
      const [startedMs, usage] = [performance.now(), process.cpuUsage()];
      for (const [index, block] of messages.entries()) {
        await clickHouse.insert('parley.messages', exported.messages.columns, block);
        for (const { table, blocks } of others) {
          const bytes = blocks[index];
          if (bytes !== undefined && bytes.length > 0)
            await clickHouse.insert(storageOf(table), exported[table].columns, bytes);
        }
      }
      const seconds = (performance.now() - startedMs) / 1_000;
      const count = countRows(files.messages);
      rates[name] = Math.max(rates[name], count / seconds);
      const { user, system } = process.cpuUsage(usage);
      if (name === 'all')
        rates.cpuSecondsPer1000 = Math.min(rates.cpuSecondsPer1000, (user + system) / 1_000 / count);
    }
  }
  return rates;
}

function fileOf(table: TallyTable): string {
  return path.join(exportFolder, `${table}.tsv`);
}

/** Blocks of so many rows. A row is a line: line feeds in values are escaped. */
function blocksOf(bytes: Buffer, rows: number): Buffer[] {
  const blocks: Buffer[] = [];
  let start = 0;
  let count = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) {
    if (++count % rows !== 0 && at + 1 < bytes.length) continue;
    blocks.push(bytes.subarray(start, at + 1));
    start = at + 1;
  }
  return blocks;
}

function inParts(bytes: Buffer, parts: number): Buffer[] {
  return blocksOf(bytes, Math.max(1, Math.ceil(countRows(bytes) / parts)));
}

function countRows(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count += 1;
  return count;
}
