// The kinds of plots, as SVG text.
import { colorOf, legend, line, niceTicks, plotWidth, shown, svg, text } from './plot-frame.ts';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Drawn paler: what the others are compared with. */
  readonly isFloor?: boolean;
}

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
}

/** Where everything is 0 the axis has to end somewhere. */
const leastMost = 0.001;
const rowHeight = 24;
const top = 34;

export function barPlot(title: string, bars: readonly Bar[], unit: string): string {
  const width = plotWidth.full;
  const left = 190;
  const room = width - left - 130;
  const most = Math.max(...bars.map(({ value }) => value), leastMost);
  const rows = bars.map(({ label, value, isFloor }, index) => {
    const y = top + index * rowHeight;
    const length = Math.max(1, (value / most) * room);
    return [
      text(left - 8, y + 13, label, { anchor: 'end' }),
      rect({ x: left, y, width: length, color: isFloor ? 'c6' : 'c0' }),
      text(left + length + 6, y + 13, `${shown(value)} ${unit}`, { kind: 'dim' }),
    ].join('');
  });
  return svg(title, { width, height: top + 10 + bars.length * rowHeight, body: rows.join('\n') });
}

/** How far each target is reached: 1 just meets it. What is beyond the right end is drawn up to it. */
export function targetPlot(
  title: string,
  rows: readonly {
    readonly label: string;
    readonly reached: number;
    readonly note: string;
    readonly isAim: boolean;
  }[],
): string {
  const width = plotWidth.full;
  const [left, right, most] = [430, 120, 2];
  const room = width - left - right;
  const x = (value: number): number => left + (Math.min(value, most) / most) * room;
  const bars = rows.map(({ label, reached, note, isAim }, index) => {
    const missed = isAim ? 'c6' : 'bad';
    const y = top + index * rowHeight;
    return [
      text(left - 8, y + 13, label, { anchor: 'end' }),
      rect({ x: left, y, width: Math.max(1, x(reached) - left), color: reached >= 1 ? 'good' : missed }),
      text(x(reached) + 6, y + 13, `${reached > most ? '› ' : ''}${note}`, { kind: 'dim' }),
    ].join('');
  });
  const bottom = top + rows.length * rowHeight;
  const goal =
    line([x(1), top - 6], [x(1), bottom], 'mark') +
    text(x(1), bottom + 14, 'target', { kind: 'dim', anchor: 'middle' });
  return svg(title, { width, height: bottom + 24, body: [...bars, goal].join('\n') });
}

/** Bars made of parts, by kind of process. */
export function stackedPlot(
  title: string,
  rows: readonly { readonly label: string; readonly parts: Readonly<Record<string, number>> }[],
  { unit, width = plotWidth.full }: { readonly unit: string; readonly width?: number },
): string {
  const left = 24 + 6.2 * Math.max(...rows.map(({ label }) => label.length));
  const sumOf = (parts: Readonly<Record<string, number>>): number =>
    Object.values(parts).reduce((sum, one) => sum + one, 0);
  const most = Math.max(...rows.map(({ parts }) => sumOf(parts)), leastMost);
  const scale = (width - left - 100) / most;
  const bars = rows.map(({ label, parts }, index) => {
    const y = top + index * rowHeight;
    let x = left;
    const pieces = Object.entries(parts).map(([kind, value]) => {
      const piece = rect({ x, y, width: value * scale, color: colorOf(kind) });
      x += value * scale;
      return piece;
    });
    return [
      text(left - 8, y + 13, label, { anchor: 'end' }),
      ...pieces,
      text(x + 6, y + 13, `${shown(sumOf(parts))} ${unit}`, { kind: 'dim' }),
    ].join('');
  });
  const kinds = [...new Set(rows.flatMap(({ parts }) => Object.keys(parts)))];
  const bottom = top + rows.length * rowHeight + 14;
  const names = legend(
    kinds.map((kind) => ({ label: kind, color: colorOf(kind) })),
    { x: 10, y: bottom, width },
  );
  return svg(title, { width, height: bottom + names.height, body: [...bars, names.body].join('\n') });
}

/** One dot for each run, the median as a line, and the target where there is one. */
export function runsPlot(
  title: string,
  values: readonly number[],
  {
    median,
    target,
    unit,
  }: { readonly median: number; readonly target?: number | undefined; readonly unit: string },
): string {
  const plane = planeOf({ most: Math.max(...values, target ?? 0, leastMost) * 1.1, unit, height: 190 });
  const x = (index: number): number =>
    plane.x(values.length === 1 ? 0.5 : 0.08 + (0.84 * index) / (values.length - 1));
  const dots = values.map(
    (value, index) =>
      `<circle class="c0" cx="${x(index).toFixed(1)}" cy="${plane.y(value).toFixed(1)}" r="4.5"/>${text(x(index), plane.bottom + 15, `run ${index + 1}`, { kind: 'dim', anchor: 'middle' })}`,
  );
  const marks = [
    line([plane.x(0), plane.y(median)], [plane.x(1), plane.y(median)], 'l0'),
    target === undefined ? '' : line([plane.x(0), plane.y(target)], [plane.x(1), plane.y(target)], 'mark'),
    target === undefined
      ? ''
      : text(plane.x(1), plane.y(target) - 4, 'target', { kind: 'dim', anchor: 'end' }),
  ];
  return svg(title, { width: plotWidth.half, height: 190, body: [plane.grid, ...marks, ...dots].join('\n') });
}

export interface LatencyRow {
  readonly name: string;
  /** One for each way: the median of all runs, and each run. */
  readonly dots: readonly { readonly median: number | undefined; readonly runs: readonly number[] }[];
}

/** A row for each percentile, a dot for each way, paler ones for the single runs; on a logarithmic axis. */
export function latencyPlot(title: string, rows: readonly LatencyRow[], ways: readonly string[]): string {
  const width = plotWidth.half;
  const [left, right, height] = [50, 110, 30];
  const all = rows
    .flatMap(({ dots }) => dots.flatMap(({ median, runs }) => [median ?? 0, ...runs]))
    .filter((value) => value > 0);
  const from = Math.min(...all) / 1.3;
  const to = Math.max(...all, from * 10) * 1.2;
  const x = (ms: number): number =>
    left + (Math.log10(Math.max(ms, from) / from) / Math.log10(to / from)) * (width - left - right);
  const bottom = top + rows.length * height;
  const ticks = logTicks(from, to).map(
    (tick) =>
      line([x(tick), top - 4], [x(tick), bottom], 'grid') +
      text(x(tick), bottom + 14, shown(tick), { kind: 'dim', anchor: 'middle' }),
  );
  const drawn = rows.map(({ name, dots }, row) => {
    const y = top + row * height + height / 2;
    const circle = (ms: number, at: number, rest: string): string =>
      `<circle class="c${at}" cx="${x(ms).toFixed(1)}" cy="${y + at * 6 - 3}" ${rest}/>`;
    const circles = dots.flatMap(({ median, runs }, at) => [
      ...runs.map((run) => circle(run, at, 'r="3" opacity=".3"')),
      median === undefined ? '' : circle(median, at, 'r="4.5"'),
    ]);
    const values = dots.map(({ median }) => (median === undefined ? '–' : shown(median))).join(' · ');
    return (
      text(8, y + 4, name) +
      circles.join('') +
      text(width - 10, y + 4, values, { kind: 'dim', anchor: 'end' })
    );
  });
  const names = legend(
    ways.map((label, index) => ({ label, color: `c${index}` })),
    { x: left, y: bottom + 34, width },
  );
  const body = [...ticks, ...drawn, names.body].join('\n');
  return svg(title, { width, height: bottom + 28 + names.height, body });
}

/** 1, 2 and 5 times powers of ten; only the powers when those would be many. */
function logTicks(from: number, to: number): readonly number[] {
  const steps = to / from > 300 ? [1] : [1, 2, 5];
  const powers = Array.from({ length: 16 }, (_, index) => 10 ** (index - 6));
  return powers
    .flatMap((power) => steps.map((step) => step * power))
    .filter((tick) => tick >= from && tick <= to);
}

export function linePlot(
  title: string,
  lines: readonly Line[],
  { unit, limit }: { readonly unit: string; readonly limit?: number | undefined },
): string {
  const values = lines.flatMap((one) => one.values.map((value) => value ?? 0));
  const plane = planeOf({ most: Math.max(...values, limit ?? 0, leastMost) * 1.05, unit, height: 210 });
  const longest = Math.max(...lines.map((one) => one.values.length), 2);
  const drawn = lines.map((one, index) => {
    const points = one.values
      .map((value, at) =>
        value === null ? '' : `${plane.x(at / (longest - 1)).toFixed(1)},${plane.y(value).toFixed(1)}`,
      )
      .filter((point) => point !== '');
    return `<polyline class="l${index}" points="${points.join(' ')}"/>`;
  });
  const seconds = niceTicks(longest - 1).map((second) =>
    text(plane.x(second / (longest - 1)), plane.bottom + 14, `${second} s`, {
      kind: 'dim',
      anchor: 'middle',
    }),
  );
  const allowed =
    limit === undefined ? '' : line([plane.x(0), plane.y(limit)], [plane.x(1), plane.y(limit)], 'mark');
  const names = legend(
    lines.map(({ label }, index) => ({ label, color: `c${index}` })),
    { x: plane.x(0), y: 200, width: plotWidth.half },
  );
  const body = [plane.grid, allowed, ...drawn, ...seconds, lines.length > 1 ? names.body : ''].join('\n');
  return svg(title, { width: plotWidth.half, height: 210, body });
}

/** Values at 1, 2, 3 …, one line for each series. */
export function curvePlot(
  title: string,
  lines: readonly (Line & { readonly notes?: readonly string[] })[],
  { unit, ticks }: { readonly unit: string; readonly ticks: readonly string[] },
): string {
  const most = Math.max(...lines.flatMap(({ values }) => values.map((value) => value ?? 0)), leastMost);
  const plane = planeOf({ most: most * 1.15, unit, height: 230 });
  const x = (index: number): number => plane.x(0.06 + (0.88 * index) / Math.max(1, ticks.length - 1));
  const drawn = lines.map(({ values }, index) => {
    const points = values.flatMap((value, at) => (value === null ? [] : [[x(at), plane.y(value)] as const]));
    const dots = points.map(
      ([cx, cy]) => `<circle class="c${index}" cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="4"/>`,
    );
    return `<polyline class="l${index}" points="${points.map(([cx, cy]) => `${cx.toFixed(1)},${cy.toFixed(1)}`).join(' ')}"/>${dots.join('')}`;
  });
  const marks = ticks.map((tick, index) =>
    text(x(index), plane.bottom + 14, tick, { kind: 'dim', anchor: 'middle' }),
  );
  const names = legend(
    lines.map(({ label }, index) => ({ label, color: `c${index}` })),
    { x: plane.x(0), y: 220, width: plotWidth.half },
  );
  return svg(title, {
    width: plotWidth.half,
    height: 230,
    body: [plane.grid, ...drawn, ...marks, names.body].join('\n'),
  });
}

/** Axes from 0 to `most`, for plots of half the width. `x` takes 0 … 1. */
function planeOf({
  most,
  unit,
  height,
}: {
  readonly most: number;
  readonly unit: string;
  readonly height: number;
}) {
  const [left, right, bottom] = [66, 14, height - 40];
  const y = (value: number): number => bottom - (value / most) * (bottom - top - 6);
  const grid = niceTicks(most).map(
    (tick) =>
      line([left, y(tick)], [plotWidth.half - right, y(tick)], 'grid') +
      text(left - 6, y(tick) + 4, shown(tick), { kind: 'dim', anchor: 'end' }),
  );
  const unitText = text(plotWidth.half - right, 20, unit, { kind: 'dim', anchor: 'end' });
  return {
    x: (share: number) => left + share * (plotWidth.half - left - right),
    y,
    bottom,
    grid: grid.join('') + unitText,
  };
}

const rect = ({ x, y, width, color }: { x: number; y: number; width: number; color: string }): string =>
  `<rect class="${color}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="17" rx="2"/>`;
