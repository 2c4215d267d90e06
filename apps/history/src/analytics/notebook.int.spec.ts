// docs/analytics.md is run: every query over the same small history gives what stands under it, the views and questions are
// those it lists, and so is Grafana's dashboard. `vitest -u` writes what comes out into the page: look at it before you keep it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Row, analyticsViews } from '@parley/adapters';
import { notebookStartMs, notebookWeeks, writeNotebook } from '../testing/notebook-history.ts';
import { type RolledBench, openRolledBench } from '../testing/rolled-bench.ts';
import { questions } from './questions.ts';

const docs = path.join(import.meta.dirname, '../../../../docs');
const pageFile = path.join(docs, 'analytics.md');
const page = readFileSync(pageFile, 'utf8');

let bench: RolledBench;
beforeAll(async () => {
  bench = await openRolledBench();
  writeNotebook(bench.journal);
  await bench.countAll();
});
afterAll(() => bench.close());

describe('docs/analytics.md', () => {
  it('has under each query what it gives', async () => {
    const block = /```sql\n([^`]+)```\n\n```text\n([^`]*)```/g;
    let filled = '';
    let end = 0;
    const found = [...page.matchAll(block)];
    for (const { index, 0: all, 1: sql = '' } of found) {
      filled += `${page.slice(end, index)}\`\`\`sql\n${sql}\`\`\`\n\n\`\`\`text\n${await resultOf(sql)}\`\`\``;
      end = index + all.length;
    }
    expect(found.length).toBeGreaterThan(9);
    expect(page.match(/```sql/g)).toHaveLength(found.length);
    await expect(filled + page.slice(end)).toMatchFileSnapshot(pageFile);
  });

  it('lists the views with their columns, and the questions with theirs', async () => {
    for (const { name } of analyticsViews) {
      const columns = await columnsOf(`SELECT * FROM parley.${name}`);
      const told = columns.flatMap(([column]) => (column === 'tenant' ? [] : [`\`${column}\``])).join(', ');
      expect(lineOf(name)).toContain(`| ${told} `);
    }
    for (const { name, columns, parameters } of questions) {
      for (const word of [...columns, ...parameters.map((parameter) => parameter.name)])
        expect(lineOf(name)).toContain(`\`${word}\``);
    }
  });
});

const lineOf = (name: string): string =>
  page.split('\n').find((line) => line.startsWith(`| \`${name}\``)) ?? `no line about ${name}`;

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly rawSql: string; readonly queryType: string }[];
}

describe("Grafana's dashboard", () => {
  const { panels } = JSON.parse(
    readFileSync(path.join(docs, 'analytics/grafana-dashboard.json'), 'utf8'),
  ) as { panels: Panel[] };

  it.each(panels.flatMap(({ title, targets }) => targets.map((target) => ({ title, ...target }))))(
    'asks what the store can answer: $title',
    async ({ rawSql, queryType }) => {
      const sql = expanded(rawSql);
      expect(sql).not.toMatch(/\$/);
      const columns = await columnsOf(sql);
      const rows = await bench.clickHouse.select(sql, { rowsMax: 100_000 });
      expect(rows.length).toBeGreaterThan(0);
      if (queryType === 'timeseries')
        expect(columns[0]?.slice(0, 2)).toEqual(['time', expect.stringMatching(/^Date/)]);
    },
  );

  it('has a panel for each ready question that has a span of time', () => {
    const titles = panels.map(({ title }) => title);
    const wanted = questions.flatMap(({ name, title }) => (name === 'reach' ? [] : [title]));
    expect(wanted.filter((title) => !titles.includes(title))).toEqual([]);
  });
});

/** What the data source plugin makes of its macros and variables. */
function expanded(sql: string): string {
  const from = Math.floor(notebookStartMs / 1_000);
  const to = from + notebookWeeks * 7 * 86_400;
  return sql
    .replace(/\$__timeFilter\((\w+)\)/g, `$1 >= toDateTime(${from}) AND $1 <= toDateTime(${to})`)
    .replace(/\$__dateFilter\((\w+)\)/g, `$1 >= toDate(${from}) AND $1 <= toDate(${to})`)
    .replaceAll('${tenant:sqlstring}', "'acme'");
}

const columnsOf = (sql: string): Promise<readonly Row[]> =>
  bench.clickHouse.select(`DESCRIBE TABLE (${sql})`);

/** As a person reads it: a line for the names, columns under each other. */
async function resultOf(sql: string): Promise<string> {
  const names = (await columnsOf(sql)).map(([name]) => String(name));
  const rows = (await bench.clickHouse.select(sql)).map((row) =>
    row.map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value))),
  );
  const widths = names.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join('  ')
      .trimEnd();
  return [names, ...rows].map((cells) => `${line(cells)}\n`).join('');
}
