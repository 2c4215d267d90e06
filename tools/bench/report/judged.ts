// All runs of a scenario with the verdict on its targets.
import { medianResult } from '../median.ts';
import type { Result, Target } from '../result.ts';
import type { Scenario } from '../scenario.ts';
import { medianTarget } from '../targets.ts';
import type { ScenarioRuns } from './results-file.ts';

export interface Judged {
  readonly scenario: Scenario;
  readonly results: readonly Result[];
  readonly median: Result;
  /** Each run against the floors of its own; the run in the middle counts. */
  readonly targets: readonly (Target & { readonly spread?: string })[];
}

export function judge(runs: readonly ScenarioRuns[]): Judged[] {
  const medians = new Map(runs.map(({ scenario, results }) => [scenario.name, medianResult(results)]));
  return runs.map(({ scenario, results }) => {
    const each = results.map((result) =>
      scenario.targetsOf(result, result.floors, (name) => medians.get(name)),
    );
    const targets = each[0]!.map((_, index) => medianTarget(each.flatMap((of) => of[index] ?? [])));
    return { scenario, results, median: medians.get(scenario.name)!, targets };
  });
}

/** Cores that were busy with something that is not part of the run. */
export function coresOfOthers({ cores_busy, cpu_s, seconds }: Result): number | undefined {
  if (cores_busy === undefined || cpu_s === undefined) return undefined;
  const ours = Object.values(cpu_s).reduce((sum, one) => sum + one, 0) / seconds;
  return Math.max(0, cores_busy - ours);
}
