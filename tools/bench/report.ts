// The report of `all`: Markdown with plots beside it, one HTML page with everything in it, and the JSON lines it was made of.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { medianResult } from './median.ts';
import { type Line, barPlot, escaped, linePlot, shown } from './plot.ts';
import type { Result, Target } from './result.ts';
import type { Scenario } from './scenario.ts';
import { verdict } from './show-result.ts';

export interface ScenarioRuns {
  readonly scenario: Scenario;
  readonly results: readonly Result[];
}

/** What a report is made of; Markdown and HTML say the same. */
interface Block {
  readonly title?: string;
  readonly text?: string;
  readonly table?: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };
  readonly plot?: { readonly file: string; readonly svg: string };
}

export function writeReport(folder: string, runs: readonly ScenarioRuns[]): void {
  const blocks = reportBlocks(runs);
  const plots = path.join(folder, 'plots');
  rmSync(plots, { recursive: true, force: true });
  mkdirSync(plots, { recursive: true });
  for (const { plot } of blocks) if (plot) writeFileSync(path.join(plots, plot.file), plot.svg);
  const lines = runs.flatMap(({ results }) => results.map((result) => JSON.stringify(result)));
  writeFileSync(path.join(folder, 'results.jsonl'), `${lines.join('\n')}\n`);
  writeFileSync(path.join(folder, 'report.md'), markdown(blocks));
  writeFileSync(path.join(folder, 'report.html'), html(blocks));
}

/** @internal For the test. */
export function reportBlocks(runs: readonly ScenarioRuns[]): Block[] {
  const medians = new Map(runs.map(({ scenario, results }) => [scenario.name, medianResult(results)]));
  const judged = runs.map(({ scenario, results }) => {
    const result = medians.get(scenario.name)!;
    const targets = scenario.targetsOf(result, result.floors, (name) => medians.get(name));
    return { scenario, results, result, targets };
  });
  const [first] = runs.flatMap(({ results }) => results);
  return [
    { title: 'Parley: bench report', text: first === undefined ? 'No runs.' : surroundings(first) },
    { title: 'Targets', table: targetTable(judged) },
    ...overview(judged.map(({ result }) => result)),
    ...judged.flatMap((one) => scenarioBlocks(one)),
  ];
}

interface Judged {
  readonly scenario: Scenario;
  readonly results: readonly Result[];
  readonly result: Result;
  readonly targets: readonly Target[];
}

const surroundings = ({ machine, versions, commit }: Result): string =>
  `Commit ${commit ?? '?'} · ${pairs(machine)} · ${pairs(versions)} · ${new Date().toISOString().slice(0, 10)}. Load generator, NATS, Redis and history on the same machine. Figures are medians, with the least and the most of all runs in brackets.`;

const pairs = (fields: Readonly<Record<string, string | number>> | undefined): string =>
  Object.entries(fields ?? {})
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

function targetTable(judged: readonly Judged[]): Block['table'] {
  return {
    head: ['scenario', 'what', 'wanted', 'got', '', 'lost / doubled / out of order'],
    rows: judged.flatMap(({ scenario, result, targets }) =>
      targets.map(({ what, wanted, got, isMet }) => [
        scenario.name,
        what,
        wanted,
        got,
        verdict(isMet),
        `${result.lost} / ${result.duplicated} / ${result.out_of_order}`,
      ]),
    ),
  };
}

function overview(results: readonly Result[]): Block[] {
  const bars = results.flatMap((result) => {
    const value = result.deliveries_per_s ?? result.delivered_per_s;
    return value === undefined ? [] : [{ label: result.scenario, value }];
  });
  const floors = results.find((result) => result.floors !== undefined)?.floors;
  const floorBars =
    floors === undefined
      ? []
      : [
          { label: 'JetStream, 256 in flight', value: floors.jetstream_256, isFloor: true },
          { label: 'uWebSockets echo', value: floors.uws_echo, isFloor: true },
          { label: 'uWebSockets fan-out', value: floors.uws_fanout, isFloor: true },
        ];
  if (bars.length === 0) return [];
  return [
    {
      title: 'Deliveries',
      plot: { file: 'deliveries.svg', svg: barPlot('Messages delivered', [...bars, ...floorBars], '/s') },
    },
  ];
}

function scenarioBlocks({ scenario, results, result }: Judged): Block[] {
  const figures = Object.entries(result).flatMap(([name, value]) => figureRows(name, value, results));
  return [
    {
      title: scenario.name,
      text: `${scenario.work}. ${results.length} run${results.length === 1 ? '' : 's'} of ${result.seconds} s. ${result.durability ?? ''}`,
    },
    { table: { head: ['figure', 'median', 'least … most'], rows: figures } },
    { table: usageTable(result) },
    ...seriesPlots(results[0]!),
  ].filter((block) => block.table === undefined || block.table.rows.length > 0);
}

const notFigures = new Set([
  'seconds',
  'cpu_s',
  'cpu_s_per_1000',
  'written_bytes_per_1000',
  'rss_mb',
  'machine',
]);

function figureRows(name: string, value: unknown, results: readonly Result[]): string[][] {
  if (notFigures.has(name) || Array.isArray(value)) return [];
  if (typeof value === 'number') {
    const all = results.map((result) => (result as unknown as Record<string, number>)[name] ?? 0);
    const spread = results.length === 1 ? '' : `${shown(Math.min(...all))} … ${shown(Math.max(...all))}`;
    return [[name, shown(value), spread]];
  }
  if (typeof value !== 'object' || value === null || name === 'series') return [];
  return Object.entries(value).flatMap(([inner, one]) =>
    typeof one === 'number' ? [[`${name}.${inner}`, shown(one), '']] : [],
  );
}

function usageTable({
  cpu_s,
  cpu_s_per_1000,
  written_bytes_per_1000,
  rss_mb,
}: Result): NonNullable<Block['table']> {
  return {
    head: ['process', 'CPU s', 'CPU ms per 1,000', 'KB written per 1,000', 'RSS MB'],
    rows: Object.keys(cpu_s ?? {}).map((name) => [
      name,
      shown(cpu_s![name]!),
      shown((cpu_s_per_1000?.[name] ?? 0) * 1_000),
      shown((written_bytes_per_1000?.[name] ?? 0) / 1_024),
      shown(rss_mb?.[name] ?? 0),
    ]),
  };
}

function seriesPlots({ scenario, series = {} }: Result): Block[] {
  const lines = (names: readonly string[]): Line[] =>
    names.flatMap((name) => {
      const values = series[name];
      return values === undefined || values.length < 2 ? [] : [{ label: name, values }];
    });
  const groups: readonly (readonly [string, readonly string[]])[] = [
    ['messages', ['delivered', 'acked']],
    ['milliseconds', ['receive_p99_ms']],
    ['MB', ['rss_mb', 'actor_rss_mb']],
    ['seconds', ['history_lag_s']],
  ];
  return groups.flatMap(([unit, names]) => {
    const drawn = lines(names);
    if (drawn.length === 0) return [];
    const file = `${scenario}-${unit.toLowerCase()}.svg`;
    return [{ plot: { file, svg: linePlot(scenario, drawn, unit) } }];
  });
}

function markdown(blocks: readonly Block[]): string {
  return blocks
    .map(({ title, text, table, plot }, index) =>
      [
        title === undefined ? '' : `${index === 0 ? '#' : '##'} ${title}`,
        text ?? '',
        table === undefined
          ? ''
          : [table.head, table.head.map(() => '---'), ...table.rows]
              .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
              .join('\n'),
        plot === undefined ? '' : `![${plot.file}](plots/${plot.file})`,
      ]
        .filter((part) => part !== '')
        .join('\n\n'),
    )
    .join('\n\n')
    .concat('\n');
}

const style =
  'body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#0f172a}table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #e2e8f0;padding:.25rem .6rem;text-align:left}td:not(:first-child){font-variant-numeric:tabular-nums}svg{max-width:100%;height:auto}';

function html(blocks: readonly Block[]): string {
  const body = blocks.map(({ title, text, table, plot }, index) => {
    const level = index === 0 ? 'h1' : 'h2';
    const row = (cells: readonly string[], tag: string): string =>
      `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
    return [
      title === undefined ? '' : `<${level}>${escaped(title)}</${level}>`,
      text === undefined ? '' : `<p>${escaped(text)}</p>`,
      table === undefined
        ? ''
        : `<table>${row(table.head, 'th')}${table.rows.map((cells) => row(cells, 'td')).join('')}</table>`,
      plot?.svg ?? '',
    ].join('\n');
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Parley: bench report</title><style>${style}</style>\n${body.join('\n')}\n</html>\n`;
}
