// Compares figures with what they ought to be.
import type { Target } from './result.ts';

/** `ratio`: `got` against `wanted` times `floor`. */
export function ofFloor(
  what: string,
  got: number | undefined,
  wanted: number,
  floor: number | undefined,
): Target {
  if (got === undefined || floor === undefined || floor === 0)
    return { what, wanted: `≥ ${wanted} ×`, got: 'nothing to compare with', isMet: undefined };
  return {
    what,
    wanted: `≥ ${wanted} ×`,
    got: `${(got / floor).toFixed(2)} ×`,
    isMet: got >= wanted * floor,
  };
}

export function atLeast(what: string, got: number | undefined, wanted: number): Target {
  if (got === undefined)
    return { what, wanted: `≥ ${wanted.toLocaleString('en')}`, got: '–', isMet: undefined };
  return {
    what,
    wanted: `≥ ${wanted.toLocaleString('en')}`,
    got: got.toLocaleString('en'),
    isMet: got >= wanted,
  };
}

export function atMost(what: string, got: number | undefined, wanted: number, unit: string): Target {
  if (got === undefined || Number.isNaN(got))
    return { what, wanted: `≤ ${wanted} ${unit}`, got: '–', isMet: undefined };
  return {
    what,
    wanted: `≤ ${wanted} ${unit}`,
    got: `${Number(got.toFixed(3))} ${unit}`,
    isMet: got <= wanted,
  };
}
