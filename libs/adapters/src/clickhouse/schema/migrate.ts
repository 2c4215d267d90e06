// The schema of the history store, as numbered steps, one file each. A step that has shipped is never edited; a change is a
// new step. Every step may be run again: a crash between a step and its record repeats it.
import { type ClickHouse, ClickHouseRefused } from '../clickhouse.ts';
import { RowBuffer, dateTimeText } from '../row-buffer.ts';
import { step1 } from './steps/0001-messages.ts';
import { step2 } from './steps/0002-events.ts';
import { step3 } from './steps/0003-message-details.ts';
import { step4 } from './steps/0004-roll-ups.ts';
import { step5 } from './steps/0005-analytics-views.ts';
import { step6 } from './steps/0006-message-content.ts';
import { step7 } from './steps/0007-smaller-messages.ts';
import { step8 } from './steps/0008-past.ts';
import { step9, step10, step11 } from './steps/0009-commits.ts';
import { step12 } from './steps/0012-no-block-numbers.ts';
import { type Layout, type Table, oneServer } from './table.ts';

export interface SchemaStep {
  readonly number: number;
  readonly name: string;
  readonly statements: (layout: Layout) => readonly string[];
}

/** In order of their numbers, which are dense from 1. */
export const schemaSteps: readonly SchemaStep[] = [
  step1,
  step2,
  step3,
  step4,
  step5,
  step6,
  step7,
  step8,
  step9,
  step10,
  step11,
  step12,
];

const migrations: Table = {
  name: 'migrations',
  columns: [
    { name: 'number', type: 'UInt32' },
    { name: 'name', type: 'String' },
    { name: 'at', type: "DateTime64(3, 'UTC')" },
  ],
  orderBy: ['number'],
  shardBy: 'number',
};

/** Brings the schema up to this program's. Rejects when a newer program has been here. */
export async function migrate(clickHouse: ClickHouse, layout: Layout = oneServer): Promise<void> {
  for (const statement of [...layout.createDatabase(), ...layout.createTable(migrations)])
    await clickHouse.execute(statement);
  const applied = await clickHouse.select('SELECT DISTINCT number FROM parley.migrations ORDER BY number');
  const numbers = new Set(applied.map((row) => row[0] as number));
  const newest = schemaSteps.at(-1)?.number ?? 0;
  for (const number of numbers) {
    if (number > newest) {
      throw new ClickHouseRefused(
        `the history store has schema ${number}; this program knows ${newest}`,
        0,
        undefined,
      );
    }
  }
  for (const step of schemaSteps) {
    if (numbers.has(step.number)) continue;
    for (const statement of step.statements(layout)) await clickHouse.execute(statement);
    await record(clickHouse, step);
  }
}

async function record(clickHouse: ClickHouse, step: SchemaStep): Promise<void> {
  const row = new RowBuffer('parley.migrations', ['number', 'name', 'at']);
  row.add([step.number, step.name, dateTimeText(Date.now())]);
  await clickHouse.insert(row.table, row.columns, row.toBytes());
}
