// The part of a report about one scenario: targets, plots, and behind a fold every figure.
import type { Result } from '../result.ts';
import { verdict } from '../show-result.ts';
import { type Block, type Plot, costsByKind, pairs } from './block.ts';
import type { Judged } from './judged.ts';
import { shown } from './plot-frame.ts';
import { type LatencyRow, type Line, latencyPlot, linePlot, runsPlot, stackedPlot } from './plots.ts';
import { scalingBlocks } from './scaling-blocks.ts';

/** `notes`: paragraphs by people. */
export function scenarioBlocks(judged: Judged, notes: readonly string[]): Block[] {
  const { scenario, results, median, targets } = judged;
  const settings = median.settings === undefined ? '' : ` With ${pairs(median.settings)}.`;
  const counted = `${results.length} run${results.length === 1 ? '' : 's'} of ${median.seconds} s, commit ${median.commit ?? '?'}`;
  const plots = [
    ...runsPlots(judged),
    ...latencyPlots(judged),
    ...costPlots(judged),
    ...seriesPlots(middleRun(judged)),
  ];
  const blocks: Block[] = [
    {
      level: 2,
      title: scenario.name,
      text: `${scenario.work}. ${counted}.${settings} Durability: ${median.durability ?? 'unknown'}.`,
    },
    {
      table: {
        head: ['target', 'wanted', 'median', 'worst … best', ''],
        rows: targets.map(({ what, wanted, got, spread = '', ...target }) => [
          what,
          wanted,
          got,
          spread,
          verdict(target),
        ]),
      },
    },
    ...notes.map((text) => ({ text })),
    { plots },
    ...scalingBlocks(median.scaling),
    {
      folded: 'all figures',
      table: { head: ['figure', 'median', 'least', 'most'], rows: figureRows(median, results) },
    },
    { folded: 'processes', table: usageTable(median) },
  ];
  return blocks.filter(
    ({ text, table, plots }) => text !== undefined || (table?.rows.length ?? 0) + (plots?.length ?? 0) > 0,
  );
}

/** The run with the median figure: one that happened, for what has a course in time. */
function middleRun({ scenario, results }: Judged): Result {
  const { figure } = scenario;
  if (figure === undefined) return results[0]!;
  const sorted = results.toSorted((one, other) => (one[figure.name] ?? 0) - (other[figure.name] ?? 0));
  return sorted[(sorted.length - 1) >> 1]!;
}

function runsPlots({ scenario, results, median, targets }: Judged): Plot[] {
  const { figure } = scenario;
  if (figure === undefined || results.length < 2) return [];
  const values = results.map((result) => result[figure.name] ?? 0);
  const drawn = runsPlot(`${scenario.name}: ${figure.name}, run by run`, values, {
    median: median[figure.name] ?? 0,
    target: targets[0]?.goal,
    unit: '',
  });
  return [{ file: `${scenario.name}-runs.svg`, says: `${figure.name} of each run`, svg: drawn }];
}

const ways = { ack: 'send → ack', receive: 'send → arrival' } as const;
const percentileNames = { p50: 'p50', p95: 'p95', p99: 'p99', p999: 'p99.9' } as const;

function latencyPlots({ scenario, results, median }: Judged): Plot[] {
  const rows = Object.entries(percentileNames).flatMap(([key, name]): LatencyRow[] => {
    const dots = (Object.keys(ways) as (keyof typeof ways)[]).map((way) => {
      const field = `${way}_${key}_ms` as 'ack_p50_ms';
      const runs = results.length > 1 ? results.flatMap((result) => result[field] ?? []) : [];
      return { median: median[field], runs };
    });
    return dots.every((dot) => dot.median === undefined) ? [] : [{ name, dots }];
  });
  if (rows.length === 0) return [];
  const svg = latencyPlot(`${scenario.name}: latency in ms`, rows, Object.values(ways));
  return [{ file: `${scenario.name}-latency.svg`, says: 'latency percentiles', svg }];
}

function costPlots({ scenario, results }: Judged): Plot[] {
  const rows = results.flatMap(({ cpu_s_per_1000 }, index) =>
    cpu_s_per_1000 === undefined ? [] : [{ label: `run ${index + 1}`, parts: costsByKind(cpu_s_per_1000) }],
  );
  if (rows.length === 0) return [];
  const title = `${scenario.name}: CPU for 1,000 ${scenario.name === 'recovery' ? 'events' : 'messages'}`;
  const drawn = stackedPlot(title, rows, { unit: 'ms', width: 430 });
  return [{ file: `${scenario.name}-cpu.svg`, says: 'CPU by process', svg: drawn }];
}

const seriesShown: readonly {
  readonly unit: string;
  readonly names: readonly string[];
  readonly says: string;
}[] = [
  { unit: '/s', names: ['acked', 'delivered'], says: 'messages a second' },
  { unit: 'ms', names: ['receive_p99_ms'], says: 'send to arrival, p99 of each second' },
  { unit: 'MB', names: ['rss_mb', 'actor_rss_mb'], says: 'resident memory' },
  { unit: 's', names: ['history_lag_s'], says: 'how far history is behind' },
];

/** Seconds tell little of a short run; what grows is shown for any. */
const courseSecondsMin = 60;

function seriesPlots({ scenario, seconds, series = {} }: Result): Plot[] {
  const isShort = seconds < courseSecondsMin;
  return seriesShown.flatMap(({ unit, names, says }, at) => {
    if (isShort && unit !== 'MB') return [];
    const lines = names.flatMap((name): Line[] => {
      const values = series[name];
      return values === undefined || values.length < 2 ? [] : [{ label: name, values }];
    });
    if (lines.length === 0) return [];
    const limit = names.includes('history_lag_s') ? 2 : undefined;
    const svg = linePlot(`${scenario}: ${says}`, lines, { unit, limit });
    return [{ file: `${scenario}-over-time-${at + 1}.svg`, says, svg }];
  });
}

/** Told elsewhere, or no figures. */
const notFigures = new Set([
  'seconds',
  'cpu_s',
  'cpu_s_per_1000',
  'written_bytes_per_1000',
  'rss_mb',
  'main_thread_busy',
  'machine',
  'scaling',
  'settings',
  'series',
]);

function figureRows(median: Result, results: readonly Result[]): string[][] {
  return Object.entries(median).flatMap(([name, value]: [string, unknown]) => {
    if (notFigures.has(name) || Array.isArray(value)) return [];
    const of = (result: Result): unknown => (result as unknown as Record<string, unknown>)[name];
    if (typeof value === 'number') return [row(name, value, results.map(of))];
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([inner, one]: [string, unknown]) =>
      typeof one === 'number'
        ? [
            row(
              `${name}.${inner}`,
              one,
              results.map((result) => (of(result) as Record<string, unknown> | undefined)?.[inner]),
            ),
          ]
        : [],
    );
  });
}

function row(name: string, median: number, all: readonly unknown[]): string[] {
  const numbers = all.filter((value) => typeof value === 'number');
  return [
    name,
    shown(median),
    ...(numbers.length < 2 ? ['', ''] : [shown(Math.min(...numbers)), shown(Math.max(...numbers))]),
  ];
}

function usageTable({
  cpu_s = {},
  cpu_s_per_1000,
  written_bytes_per_1000,
  rss_mb,
  main_thread_busy,
}: Result): NonNullable<Block['table']> {
  return {
    head: ['process', 'CPU s', 'CPU ms per 1,000', 'main thread busy', 'KB written per 1,000', 'RSS MB'],
    rows: Object.keys(cpu_s).map((name) => [
      name,
      shown(cpu_s[name]!),
      shown((cpu_s_per_1000?.[name] ?? 0) * 1_000),
      main_thread_busy?.[name] === undefined ? '' : `${shown(main_thread_busy[name] * 100)} %`,
      shown((written_bytes_per_1000?.[name] ?? 0) / 1_024),
      shown(rss_mb?.[name] ?? 0),
    ]),
  };
}
