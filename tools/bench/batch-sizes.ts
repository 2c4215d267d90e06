// How many things travel together at each hop, from the processes' own metrics: differences between two looks.

export type Samples = ReadonlyMap<string, number>;

/** Prometheus text: sums over all label sets but `kind` and `table`, by `name` or `name{kind}`. */
export function parseMetrics(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const found = /^(parley_\w+)(?:\{([^}]*)\})? (\S+)$/.exec(line);
    if (found === null || line.includes('_bucket{')) continue;
    const kind = /\b(?:kind|table)="(\w+)"/.exec(found[2] ?? '')?.[1];
    const name = kind === undefined ? found[1]! : `${found[1]!}{${kind}}`;
    samples.set(name, (samples.get(name) ?? 0) + Number(found[3]));
  }
  return samples;
}

export async function scrape(urls: readonly string[]): Promise<Samples> {
  const total = new Map<string, number>();
  const texts = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
  for (const text of texts)
    for (const [name, value] of parseMetrics(text)) total.set(name, (total.get(name) ?? 0) + value);
  return total;
}

export interface BatchSizes {
  readonly user_events_per_commit?: number;
  readonly group_events_per_commit?: number;
  readonly user_bytes_per_commit?: number;
  readonly group_bytes_per_commit?: number;
  readonly commands_per_batch?: number;
  readonly outbound_per_batch?: number;
  readonly entries_per_frame?: number;
  readonly bytes_per_frame_out?: number;
}

export function batchSizes(before: Samples, after: Samples): BatchSizes {
  const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const ratio = (one: string, other: string): number | undefined =>
    grown(other) > 0 ? round(grown(one) / grown(other)) : undefined;
  const mean = (name: string): number | undefined => ratio(`${name}_sum`, `${name}_count`);
  const sizes: Record<string, number | undefined> = {
    commands_per_batch: mean('parley_gateway_command_batch_records'),
    outbound_per_batch: mean('parley_gateway_outbound_batch_items'),
    bytes_per_frame_out: ratio('parley_gateway_bytes_out_total', 'parley_gateway_frames_out_total'),
  };
  for (const kind of ['user', 'group']) {
    const of = (name: string): string => `parley_shard_${name}{${kind}}`;
    sizes[`${kind}_events_per_commit`] = ratio(of('commit_events_sum'), of('commit_events_count'));
    sizes[`${kind}_bytes_per_commit`] = ratio(of('commit_bytes_total'), of('commits_total'));
  }
  return Object.fromEntries(Object.entries(sizes).filter(([, size]) => size !== undefined));
}

const round = (value: number): number => Math.round(value * 10) / 10;
