// Adding up what several load processes, or several people, have counted.
import type { LoadCounts } from './plan.ts';

export const noCounts: LoadCounts = { sent: 0, acked: 0, delivered: 0, entries: 0, frames: 0 };

export const minus = (one: LoadCounts, other: LoadCounts): LoadCounts => ({
  sent: one.sent - other.sent,
  acked: one.acked - other.acked,
  delivered: one.delivered - other.delivered,
  entries: one.entries - other.entries,
  frames: one.frames - other.frames,
});

export function sumCounts(all: readonly LoadCounts[]): LoadCounts {
  const sum = (of: keyof LoadCounts): number => all.reduce((total, one) => total + one[of], 0);
  return {
    sent: sum('sent'),
    acked: sum('acked'),
    delivered: sum('delivered'),
    entries: sum('entries'),
    frames: sum('frames'),
  };
}

export function sumByName(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of all)
    for (const [name, count] of Object.entries(one)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
