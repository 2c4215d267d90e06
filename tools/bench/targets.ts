// Compares figures with what they ought to be.
import { median } from '../percentile.ts';
import type { Target } from './result.ts';

/** `got` against `wanted` times `floor`. */
export function ofFloor(
  what: string,
  got: number | undefined,
  wanted: number,
  floor: number | undefined,
): Target {
  return { what, wanted: `≥ ${wanted} ×`, ...ratioJudged(got, floor, wanted, (ratio) => ratio / wanted) };
}

/** Beyond the target. */
export const aim = (target: Target): Target => ({ ...target, isAim: true });

/** Where less is better. */
export function atMostOfFloor(
  what: string,
  got: number | undefined,
  wanted: number,
  floor: number | undefined,
): Target {
  return {
    what,
    wanted: `≤ ${wanted} ×`,
    ...ratioJudged(got, floor, wanted, (ratio) => aheadOf(ratio, wanted)),
  };
}

function ratioJudged(
  got: number | undefined,
  floor: number | undefined,
  wanted: number,
  reachedOf: (ratio: number) => number,
): Pick<Target, 'got' | 'isMet' | 'reached' | 'goal'> {
  const ratio = got === undefined || !floor ? undefined : got / floor;
  return {
    ...judged(ratio, (value) => `${value.toFixed(2)} ×`, reachedOf),
    ...(floor === undefined ? {} : { goal: wanted * floor }),
  };
}

export function atLeast(what: string, got: number | undefined, wanted: number): Target {
  return {
    what,
    wanted: `≥ ${wanted.toLocaleString('en')}`,
    ...judged(
      got,
      (value) => value.toLocaleString('en'),
      (value) => value / wanted,
    ),
    goal: wanted,
  };
}

export function atMost(what: string, got: number | undefined, wanted: number, unit: string): Target {
  const withUnit = (value: number): string => `${Number(value.toFixed(3))}${unit === '' ? '' : ` ${unit}`}`;
  return {
    what,
    wanted: `≤ ${withUnit(wanted)}`,
    ...judged(got, withUnit, (value) => aheadOf(value, wanted)),
    goal: wanted,
  };
}

/** What must not differ by more than a tenth. */
export function nearlyEqual(what: string, ratio: number | undefined): Target {
  const off = (value: number): number => aheadOf(Math.abs(value - 1), 0.1);
  return { what, wanted: '0.9 … 1.1 ×', ...judged(ratio, (value) => `${value} ×`, off) };
}

/**
 * One value a second, which must not grow: the median of the last quarter against that of the first, so that one pause does
 * not decide. From `fromSecond` on; a series with less than two minutes behind that says nothing.
 */
export function flat(
  what: string,
  series: readonly (number | null)[] | undefined,
  { fromSecond, ratioMax }: { readonly fromSecond: number; readonly ratioMax: number },
): Target {
  const values = (series ?? []).slice(fromSecond).filter((value) => value !== null);
  const quarter = Math.floor(values.length / 4);
  const ratio =
    values.length < flatSecondsMin
      ? undefined
      : median(values.slice(-quarter)) / median(values.slice(0, quarter));
  return {
    what: `${what}, end against begin`,
    wanted: `≤ ${ratioMax} ×`,
    ...judged(
      ratio,
      (value) => `${value.toFixed(2)} ×`,
      (value) => aheadOf(value, ratioMax),
    ),
  };
}

const flatSecondsMin = 120;

/** Of several runs: the one in the middle, and how far the others are from it. */
export function medianTarget(targets: readonly Target[]): Target & { readonly spread?: string } {
  const known = targets.filter((one) => one.reached !== undefined);
  const sorted = known.toSorted((one, other) => one.reached! - other.reached!);
  const middle = sorted[(sorted.length - 1) >> 1];
  if (middle === undefined) return targets[0]!;
  if (sorted.length === 1) return middle;
  return { ...middle, spread: `${sorted[0]!.got} … ${sorted.at(-1)!.got}` };
}

/** Where less is better: 2 is half of what is allowed. Nothing at all is as good as it gets. */
const aheadOf = (value: number, allowed: number): number => (value <= 0 ? reachedMax : allowed / value);

const reachedMax = 100;

function judged(
  value: number | undefined,
  show: (value: number) => string,
  reachedOf: (value: number) => number,
): Pick<Target, 'got' | 'isMet' | 'reached'> {
  if (value === undefined || Number.isNaN(value)) return { got: '–', isMet: undefined };
  const reached = reachedOf(value);
  return { got: show(value), isMet: reached >= 1, reached: Number(reached.toFixed(4)) };
}
