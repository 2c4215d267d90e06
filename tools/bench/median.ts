// Several runs of one scenario as one: the median of every figure, but the sum of what must be 0.
import { median } from '../percentile.ts';
import type { Result } from './result.ts';

const summed = new Set(['lost', 'duplicated', 'out_of_order', 'unanswered']);

export function medianResult(results: readonly Result[]): Result {
  return medianOf(results) as Result;
}

function medianOf(values: readonly unknown[], name = ''): unknown {
  const present = values.filter((value) => value !== undefined && value !== null);
  const [first] = present;
  if (typeof first === 'number') {
    const numbers = present as number[];
    return summed.has(name) ? numbers.reduce((sum, one) => sum + one, 0) : median(numbers);
  }
  if (typeof first !== 'object' || Array.isArray(first)) return first;
  const names = new Set(present.flatMap((value) => Object.keys(value as object)));
  return Object.fromEntries(
    [...names].map((key) => [
      key,
      medianOf(
        present.map((value) => (value as Record<string, unknown>)[key]),
        key,
      ),
    ]),
  );
}
