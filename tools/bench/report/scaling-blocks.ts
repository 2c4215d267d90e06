// The part of a report about scaling: throughput by number of processes, who had the cores, and what was full.
import { sumByKind } from '../process-kind.ts';
import { round } from '../result.ts';
import type { ScalingPoint } from '../scaling-point.ts';
import type { Block, Plot } from './block.ts';
import { shown } from './plot-frame.ts';
import { curvePlot, stackedPlot } from './plots.ts';

type Points = Readonly<Record<string, ScalingPoint>>;

export function scalingBlocks(points: Points | undefined): Block[] {
  if (points === undefined) return [];
  return [
    { plots: [curve(points, 'session-actor'), curve(points, 'gateway'), cores(points)] },
    { table: pointTable(points) },
    { folded: 'CPU seconds of each process', table: processTable(points) },
  ];
}

function curve(points: Points, name: 'session-actor' | 'gateway'): Plot {
  const countOf = (point: ScalingPoint): number =>
    name === 'gateway' ? point.gateways : point.session_actors;
  const othersOf = (point: ScalingPoint): number =>
    name === 'gateway' ? point.session_actors : point.gateways;
  const seriesOf = (sliced: string | undefined): ScalingPoint[] =>
    Object.values(points)
      .filter((point) => point.sliced === sliced && othersOf(point) === 1)
      .toSorted((one, other) => countOf(one) - countOf(other));
  const [free, slices] = [seriesOf(undefined), seriesOf(name)];
  const lines = [
    { label: 'all cores for everybody', points: free },
    { label: `${shown((slices[0]?.slice ?? 0) * 100)} % of a core each`, points: slices },
  ].filter((one) => one.points.length > 0);
  const svg = curvePlot(
    `Delivered by number of ${name}s`,
    lines.map(({ label, points: of }) => ({ label, values: of.map((point) => point.delivered_per_s) })),
    { unit: '/s', ticks: free.map((point) => String(countOf(point))) },
  );
  return { file: `scaling-${name}s.svg`, says: `throughput by number of ${name}s`, svg };
}

function cores(points: Points): Plot {
  const rows = Object.entries(points).map(([name, point]) => {
    const used = Object.values(point.cpu_s).reduce((sum, one) => sum + one, 0);
    // Seconds over the same time: their shares are those of the cores.
    const scale = (point.cores_served + point.cores_load) / used;
    const parts = Object.entries(sumByKind(point.cpu_s)).map(([kind, seconds]) => [kind, seconds * scale]);
    return { label: nameOf(name, point), parts: Object.fromEntries(parts) as Record<string, number> };
  });
  const svg = stackedPlot('Cores in use, by process', rows, { unit: 'cores' });
  return { file: 'scaling-cores.svg', says: 'who had the cores', svg };
}

function pointTable(points: Points): NonNullable<Block['table']> {
  return {
    head: [
      'processes',
      'delivered/s',
      'for each core of the servers',
      'cores: servers + load + others',
      'busiest thread',
      'what is full',
    ],
    rows: Object.entries(points).map(([name, point]) => [
      nameOf(name, point),
      shown(point.delivered_per_s),
      shown(point.per_served_core),
      `${point.cores_served} + ${point.cores_load} + ${othersOf(point)} of ${point.cores}`,
      `${point.busiest_thread}: ${shown(point.busiest_thread_busy * 100)} %`,
      point.wall,
    ]),
  };
}

function processTable(points: Points): NonNullable<Block['table']> {
  const names = [...new Set(Object.values(points).flatMap(({ cpu_s }) => Object.keys(cpu_s)))].toSorted();
  return {
    head: ['processes', ...names],
    rows: Object.entries(points).map(([name, point]) => [
      nameOf(name, point),
      ...names.map((process) => (point.cpu_s[process] === undefined ? '' : shown(point.cpu_s[process]))),
    ]),
  };
}

const othersOf = ({ cores_busy, cores_served, cores_load }: ScalingPoint): number =>
  round(Math.max(0, cores_busy - cores_served - cores_load), 2);

const nameOf = (name: string, { slice }: ScalingPoint): string =>
  slice === undefined ? name : name.replace('with a slice each', `${shown(slice * 100)} % of a core each`);
