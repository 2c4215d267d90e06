// The results a report is made of: one JSON line for each run, appended as soon as it is there, so that nothing is lost when
// the bench is interrupted and a report can grow over days.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Result } from '../result.ts';
import type { Scenario } from '../scenario.ts';
import { scenarios } from '../scenarios/index.ts';

export interface ScenarioRuns {
  readonly scenario: Scenario;
  readonly results: readonly Result[];
}

export const resultsFile = (folder: string): string => path.join(folder, 'results.jsonl');

export function appendResult(folder: string, result: Result): void {
  mkdirSync(folder, { recursive: true });
  appendFileSync(resultsFile(folder), `${JSON.stringify(result)}\n`);
}

export function forgetResults(folder: string): void {
  rmSync(resultsFile(folder), { force: true });
}

/** In the order they were measured; empty where there is no such file. */
export function readResults(file: string): Result[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as Result);
}

/** By scenario, in the order of all scenarios: the runs of the commit that was measured last. */
export function runsOf(results: readonly Result[], known: readonly Scenario[] = scenarios): ScenarioRuns[] {
  return known.flatMap((scenario) => {
    const all = results.filter((result) => result.scenario === scenario.name);
    const newest = all.filter(({ commit }) => commit === all.at(-1)!.commit);
    return newest.length === 0 ? [] : [{ scenario, results: newest }];
  });
}
