// `all`: every scenario, or some of them, as often as wanted, with a report that grows.
import {
  intoFolder,
  numberOf,
  positionals,
  reportFolder,
  runOptions,
  say,
  sayWhereReportIs,
  scenarioOf,
  values,
} from './command-line.ts';
import { appendResult, forgetResults, readResults, resultsFile } from './report/results-file.ts';
import { writeReport } from './report/write-report.ts';
import { type Result, isRight } from './result.ts';
import { runOne } from './run-one.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { showResult } from './show-result.ts';
import { commitOf } from './surroundings.ts';

/**
 * Every scenario, or those named behind `all`. Each result is kept as soon as it is there, and the report written after each
 * scenario, so that an interrupted one shows the rest; with --into, what the folder has of this commit already is not run again.
 */
export async function all(isStopping: () => boolean): Promise<number> {
  const chosen = positionals.length > 1 ? positionals.slice(1).map(scenarioOf) : scenarios;
  const folder = intoFolder() ?? reportFolder;
  if (intoFolder() === undefined) forgetResults(folder);
  const wanted = numberOf('runs') ?? 1;
  const commit = commitOf();
  const results = readResults(resultsFile(folder)).filter((result) => result.commit === commit);
  const resultOf = (name: string): Result | undefined =>
    results.findLast(({ scenario }) => scenario === name);
  let exitCode = 0;
  for (const [index, scenario] of chosen.entries()) {
    const done = results.filter((result) => result.scenario === scenario.name).length;
    for (let run = done + 1; run <= wanted; run += 1) {
      say(`[${index + 1}/${chosen.length}] ${scenario.name}, run ${run} of ${wanted}`);
      const result = await runOrTell(scenario, resultOf, isStopping);
      if (result === undefined || !isRight(result)) exitCode = 1;
      if (result === undefined) break;
      results.push(result);
      appendResult(folder, result);
      writeReport(folder);
      process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${showResult(result)}\n`);
    }
    if (done >= wanted)
      say(`[${index + 1}/${chosen.length}] ${scenario.name}: ${done} runs of ${commit} are there`);
    writeReport(folder);
  }
  sayWhereReportIs(folder);
  return exitCode;
}

/** A run that fails ends its scenario and not the others, unless somebody wants the end of all. */
async function runOrTell(
  scenario: Scenario,
  resultOf: (name: string) => Result | undefined,
  isStopping: () => boolean,
): Promise<Result | undefined> {
  try {
    return await runOne(scenario, { ...runOptions(), resultOf });
  } catch (error) {
    if (isStopping()) throw error;
    say(`${scenario.name} failed: ${(error as Error).message}`);
    return undefined;
  }
}
