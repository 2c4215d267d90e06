// What a report is made of, without how it looks: Markdown and HTML show the same blocks.
import { sumByKind } from '../process-kind.ts';

export interface Block {
  readonly level?: 1 | 2;
  readonly title?: string;
  readonly text?: string;
  /** Cells that say `met` or `missed` are coloured. */
  readonly table?: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };
  /** The table is behind this line until it is asked for. */
  readonly folded?: string;
  readonly plots?: readonly Plot[];
}

export interface Plot {
  readonly file: string;
  readonly says: string;
  readonly svg: string;
}

export const pairs = (fields: Readonly<Record<string, string | number>> | undefined): string =>
  Object.entries(fields ?? {})
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/** Milliseconds, by kind of process; those that cost nothing are left out. */
export function costsByKind(cpuSeconds: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(sumByKind(cpuSeconds)).map(
    ([kind, seconds]) => [kind, seconds * 1_000] as const,
  );
  return Object.fromEntries(entries.filter(([, ms]) => ms >= 0.05));
}
