// A result for people: targets first, then the figures, what each process used, and what all of it was measured on.
import type { Result, Target } from './result.ts';

const figures = [
  'sent_per_s',
  'acked_per_s',
  'delivered_per_s',
  'deliveries_per_s',
  'entries_per_s',
  'events_per_s',
  'messages_per_s',
  'connects_per_s',
  'ack_p50_ms',
  'ack_p95_ms',
  'ack_p99_ms',
  'ack_p999_ms',
  'receive_p50_ms',
  'receive_p95_ms',
  'receive_p99_ms',
  'receive_p999_ms',
  'late_p99_ms',
  'messages',
  'rare_p50_ms',
  'rare_p95_ms',
  'common_p95_ms',
  'page_p95_ms',
  'rollup_p95_ms',
  'bytes_per_message',
  'wrong_results',
  'lag_ms_max',
  'rss_per_connection_kb',
  'actor_rss_per_connection_kb',
  'missing',
  'lost',
  'duplicated',
  'out_of_order',
  'repairs',
  'pushes_repeated',
  'resent',
] as const satisfies readonly (keyof Result)[];

export function showResult(result: Result): string {
  const lines = [`${result.scenario}, ${result.seconds} s measured`, ''];
  for (const target of result.targets ?? [])
    lines.push(`  ${verdict(target).padEnd(8)} ${target.what}: ${target.got} (wanted ${target.wanted})`);
  lines.push('');
  for (const name of figures) {
    const value = result[name];
    if (value !== undefined) lines.push(row(name, value));
  }
  for (const [name, value] of Object.entries(result.details ?? {})) lines.push(row(name, value));
  for (const [name, value] of Object.entries({ ...result.batches })) lines.push(row(`batch ${name}`, value));
  for (const [name, value] of Object.entries({ ...result.floors })) lines.push(row(`floor ${name}`, value));
  for (const [code, count] of Object.entries(result.errors ?? {})) lines.push(row(`error ${code}`, count));
  lines.push('', ...usageTable(result), '');
  lines.push(
    `  ${result.durability}`,
    `  ${pairsOf(result.machine)}`,
    `  ${pairsOf(result.versions)}, commit ${result.commit}`,
  );
  return `${lines.join('\n')}\n`;
}

export function verdict({ isMet, isAim = false }: Pick<Target, 'isMet' | 'isAim'>): string {
  if (isMet === undefined) return 'unknown';
  if (isAim) return isMet ? 'reached' : 'not yet';
  return isMet ? 'met' : 'missed';
}

export const number = (value: number): string =>
  Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(4)));

const row = (name: string, value: number): string => `  ${name.padEnd(34)} ${number(value).padStart(12)}`;

function usageTable({ cpu_s, cpu_s_per_1000, written_bytes_per_1000, rss_mb }: Result): string[] {
  if (cpu_s === undefined) return [];
  const head = ['process', 'CPU s', 'CPU ms/1000', 'KB written/1000', 'RSS MB'];
  const rows = Object.keys(cpu_s).map((name) => [
    name,
    number(cpu_s[name]!),
    number((cpu_s_per_1000?.[name] ?? 0) * 1_000),
    number((written_bytes_per_1000?.[name] ?? 0) / 1_024),
    number(rss_mb?.[name] ?? 0),
  ]);
  return [head, ...rows].map(
    ([name, ...rest]) => `  ${name!.padEnd(18)}${rest.map((cell) => cell.padStart(16)).join('')}`,
  );
}

const pairsOf = (fields: Readonly<Record<string, string | number>> | undefined): string =>
  Object.entries(fields ?? {})
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
