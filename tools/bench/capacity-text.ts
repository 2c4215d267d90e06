// The calculation of other machines as text: for the terminal, and as tables in docs/capacity.md.
import { type Capacity, type Costs, busyMax, walls } from './capacity.ts';
import { median } from '../percentile.ts';
import type { Result } from './result.ts';

const parts = ['gateway', 'actors', 'history', 'nats', 'redis'] as const;

const whole = (value: number): string => Math.round(value).toLocaleString('en');
/** Beyond what anybody asks for; a part that costs nothing has no limit. */
const endless = 1e9;
const rate = (value: number): string => (value > endless ? 'no limit' : whole(value));

function costRows(costs: Costs): string[][] {
  const total = parts.reduce((sum, part) => sum + costs[part], 0);
  const threads = { actors: costs.actor_thread, history: costs.history_thread } as Readonly<
    Record<string, number>
  >;
  return [
    ['part', 'ms of CPU for 1,000 messages', 'share', 'of it, main thread'],
    ...parts.map((part) => [
      part,
      costs[part].toFixed(1),
      `${((100 * costs[part]) / total).toFixed(0)} %`,
      threads[part] === undefined ? '' : threads[part].toFixed(1),
    ]),
    ['all', total.toFixed(1), '', ''],
  ];
}

const plantRows = (capacities: readonly Capacity[]): string[][] => [
  [
    'cores',
    'NATS servers',
    'shards',
    'histories',
    'messages/s',
    'the wall',
    'gateways',
    'session-actors',
    'NATS writes, each',
  ],
  ...capacities.map((one) => [
    String(one.cores),
    String(one.nats_servers),
    String(one.shards),
    String(one.histories),
    whole(one.messages_per_s),
    walls[one.wall].means,
    String(one.gateways),
    String(one.session_actors),
    `${whole(one.nats_mb_per_s)} MB/s`,
  ]),
];

const limitRows = (capacities: readonly Capacity[]): string[][] => [
  ['cores / NATS / shards / histories', ...Object.keys(walls)],
  ...capacities.map(({ cores, nats_servers, shards, histories, limits }) => [
    [cores, nats_servers, shards, histories].join(' / '),
    ...Object.values(limits).map(rate),
  ]),
];

export interface Calculated {
  readonly results: readonly Result[];
  readonly costs: Costs;
  readonly capacities: readonly Capacity[];
}

export function capacityText({ results, costs, capacities }: Calculated): string {
  const first = capacities[0];
  const moved =
    first === undefined || capacities.length > 1 ? '' : `\nmoved by: ${walls[first.wall].movedBy}\n`;
  return [
    `measured: ${sourceOf(results)}`,
    columns(costRows(costs)),
    `\ncalculated, at ${busyMax * 100} % busy:`,
    columns(plantRows(capacities)),
    '\nwhat each part alone would carry, messages/s:',
    columns(limitRows(capacities)) + moved,
  ].join('\n');
}

export function capacityMarkdown({ results, costs, capacities }: Calculated): string {
  return [
    `Measured: ${sourceOf(results)}.`,
    tableText(costRows(costs)),
    `Calculated from it, at ${busyMax * 100} % busy:`,
    tableText(plantRows(capacities)),
    'What each part alone would carry, in messages a second; the least of a line is the wall:',
    tableText(limitRows(capacities)),
  ].join('\n\n');
}

function sourceOf(results: readonly Result[]): string {
  const { scenario, seconds, commit = '?', measured_at = '', machine } = results.at(-1)!;
  const rates = results.map(({ acked_per_s = 0 }) => acked_per_s);
  return [
    `${results.length} run${results.length === 1 ? '' : 's'} of ${seconds} s of \`${scenario}\``,
    `commit ${commit}`,
    measured_at.slice(0, 10),
    `${machine?.['cpu'] ?? 'unknown CPU'}, ${machine?.['cores'] ?? '?'} cores`,
    `${whole(median(rates))} messages/s there`,
  ].join(', ');
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(rows);
  return rows
    .map((cells) => `  ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join('  ')}`.trimEnd())
    .join('\n');
}

/** Aligned, as the formatter of the repository wants it. */
function tableText(rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(rows);
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
  const [head, ...rest] = rows;
  return [line(head!), line(widths.map((width) => '-'.repeat(width))), ...rest.map(line)].join('\n');
}

const widthsOf = (rows: readonly (readonly string[])[]): number[] =>
  rows[0]!.map((_, at) => Math.max(3, ...rows.map((cells) => cells[at]!.length)));

export const generatedFrom = '<!-- generated: npm run bench -- capacity --write -->';
export const generatedTo = '<!-- end of what is generated -->';

/** The document with what stands between its marks replaced. */
export function withGenerated(document: string, generated: string): string {
  const [from, to] = [document.indexOf(generatedFrom), document.indexOf(generatedTo)];
  if (from < 0 || to < from) throw new Error(`the document lacks ${generatedFrom} … ${generatedTo}`);
  return `${document.slice(0, from + generatedFrom.length)}\n\n${generated}\n\n${document.slice(to)}`;
}
