// One point of the scaling curves: what came through, who used how much, and what was full.
import os from 'node:os';
import { kindOf, sumByKind } from './process-kind.ts';
import { type Result, round } from './result.ts';

export interface ScalingPoint {
  readonly session_actors: number;
  readonly gateways: number;
  /** Whose processes had a slice of a core each, and how much of one. */
  readonly sliced?: string;
  readonly slice?: number;
  readonly delivered_per_s: number;
  readonly cores: number;
  /** Cores of the machine that were busy, with whatever. */
  readonly cores_busy: number;
  /** Of them, by processes of the run without the load generator, and by the load generator. */
  readonly cores_served: number;
  readonly cores_load: number;
  /** Delivered in a second for each core that the servers used: the load generator's CPU is taken out. */
  readonly per_served_core: number;
  readonly busiest_thread: string;
  readonly busiest_thread_busy: number;
  /** By kind of process. */
  readonly cpu_s_per_1000: Readonly<Record<string, number>>;
  /** Of each process. */
  readonly cpu_s: Readonly<Record<string, number>>;
  readonly wall: string;
}

/** Schedulers and clocks leave a little of everything unused. */
const full = 0.92;
/** Cores: more than this and the point says little about the processes it is about. */
const othersMax = 0.2;

export const allCores = 'all cores';
export const othersToo = 'all cores, other programs on them too';

export const pointName = (setup: {
  readonly sessionActors: number;
  readonly gateways: number;
  readonly sliced?: { readonly name: string; readonly share: number };
}): string => {
  const { sessionActors, gateways, sliced } = setup;
  const slices = sliced === undefined ? '' : `, ${sliced.name}s with a slice each`;
  return `${plural(sessionActors, 'session-actor')}, ${plural(gateways, 'gateway')}${slices}`;
};

const plural = (count: number, name: string): string => `${count} ${name}${count === 1 ? '' : 's'}`;

export function pointOf(
  result: Result,
  sliced?: { readonly name: string; readonly share: number },
  cores = os.availableParallelism(),
): ScalingPoint {
  const { delivered_per_s = 0, cpu_s = {}, cpu_s_per_1000 = {}, main_thread_busy = {} } = result;
  const used = byKind(cpu_s);
  const load = used['load'] ?? 0;
  const all = Object.values(used).reduce((sum, one) => sum + one, 0);
  const coresServed = (all - load) / result.seconds;
  const busiest = Object.entries(main_thread_busy).reduce(
    (most, one) => (one[1] > most[1] ? one : most),
    ['', 0],
  );
  const names = Object.keys(cpu_s);
  const countOf = (kind: string): number => names.filter((name) => kindOf(name) === kind).length;
  const slicedUsed = sliced === undefined ? 0 : (used[sliced.name] ?? 0) / result.seconds;
  const point = {
    session_actors: countOf('session-actor'),
    gateways: countOf('gateway'),
    ...(sliced === undefined ? {} : { sliced: sliced.name, slice: sliced.share }),
    delivered_per_s,
    cores,
    cores_busy: result.cores_busy ?? 0,
    cores_served: round(coresServed, 2),
    cores_load: round(load / result.seconds, 2),
    per_served_core: coresServed > 0 ? round(delivered_per_s / coresServed) : 0,
    busiest_thread: busiest[0],
    busiest_thread_busy: busiest[1],
    cpu_s_per_1000: byKind(cpu_s_per_1000),
    cpu_s,
  };
  const slices = sliced === undefined ? Infinity : sliced.share * countOf(sliced.name);
  return { ...point, wall: wallOf(point, slicedUsed / slices) };
}

function wallOf(
  {
    cores,
    cores_busy,
    cores_served,
    cores_load,
    busiest_thread,
    busiest_thread_busy,
    sliced,
  }: Omit<ScalingPoint, 'wall'>,
  slicesUsed: number,
): string {
  const others = cores_busy - cores_served - cores_load;
  if (cores_busy >= full * cores) return others > othersMax ? othersToo : allCores;
  if (slicesUsed >= full * full) return `the slices of the ${sliced}s`;
  if (busiest_thread_busy >= full) return `the thread of ${busiest_thread}`;
  return 'nothing is full: messages wait for something else';
}

const byKind = (values: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(sumByKind(values)).map(([kind, value]) => [kind, round(value, 4)]));
