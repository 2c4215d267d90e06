// `npm run bench`: starts a cluster of its own, drives it with load processes, and tells what it did beside what the
// machine's own parts do (the floors). Figures go to stdout, progress to stderr. Exit 1 when anything was lost, doubled or
// out of order, never for being slow.
//
//   npm run bench -- dm [--seconds 15] [--json] [--profile gateway]
//   npm run bench -- all [--runs 1]          every scenario, with a report in bench-report/
//   npm run bench -- compare <commit> [dm]   this tree and another commit in turn
//   npm run bench -- capacity                what other machines would carry, from the costs in that report
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { projectFolder } from '@parley/testing/servers';
import { all } from './bench/all.ts';
import { busyMax, capacityOf, coresOfNats, costsOf } from './bench/capacity.ts';
import { capacityMarkdown, capacityText, withGenerated } from './bench/capacity-text.ts';
import {
  UsageError,
  comparableOf,
  intoFolder,
  numberOf,
  plants,
  positionals,
  reportFolder,
  runOptions,
  say,
  sayWhereReportIs,
  scenarioOf,
  usage,
  values,
} from './bench/command-line.ts';
import { compareWith, showComparison } from './bench/compare.ts';
import { medianResult } from './bench/median.ts';
import { appendResult, readResults, resultsFile, runsOf } from './bench/report/results-file.ts';
import { writeReport } from './bench/report/write-report.ts';
import { isRight } from './bench/result.ts';
import { runOne, stopStarted } from './bench/run-one.ts';
import { showResult } from './bench/show-result.ts';

let isStopping = false;
const started = new Set<{ stop(): Promise<void> }>();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (isStopping) return;
    isStopping = true;
    say('stopping');
    void stopAll().then(() => process.exit(130));
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) say(`${error.message}\n\n${usage}`);
  else if (!isStopping) say(`failed: ${(error as Error).stack ?? String(error)}`);
  await stopAll();
  process.exitCode = isStopping ? 130 : error instanceof UsageError ? 2 : 1;
}

async function main(): Promise<number> {
  const [what] = positionals;
  if (values.help || what === undefined) {
    process.stdout.write(usage);
    return values.help ? 0 : 2;
  }
  if (what === 'all') return all(() => isStopping);
  if (what === 'compare') return compare();
  if (what === 'report') return report();
  if (what === 'capacity') return capacity();
  const result = await runOne(scenarioOf(what), runOptions());
  const into = intoFolder();
  if (into !== undefined) {
    appendResult(into, result);
    writeReport(into);
  }
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : showResult(result));
  return isRight(result) ? 0 : 1;
}

/** The report of what was measured before: `report [folder]`. */
function report(): number {
  const [, folder = reportFolder] = positionals;
  if (readResults(resultsFile(folder)).length === 0)
    throw new UsageError(`${resultsFile(folder)} has no results`);
  writeReport(folder);
  sayWhereReportIs(folder);
  return 0;
}

async function compare(): Promise<number> {
  const [, commit, name = 'dm'] = positionals;
  if (commit === undefined) throw new UsageError('compare with which commit?');
  const comparison = await compareWith({
    commit,
    scenario: comparableOf(name),
    pairs: numberOf('runs') ?? 3,
    run: runOptions(),
    onStarted: (one) => started.add(one),
  });
  process.stdout.write(values.json ? `${JSON.stringify(comparison)}\n` : showComparison(comparison));
  return isRight(comparison) ? 0 : 1;
}

/** From the costs of a scenario in a report: `capacity [results.jsonl] [scenario]`. */
function capacity(): number {
  const [, file = newestResults(), name = 'dm'] = positionals;
  const runs = runsOf(readResults(file)).find(({ scenario }) => scenario.name === name);
  if (runs === undefined) throw new UsageError(`${file} has no run of ${name}: \`all\` writes it`);
  const result = medianResult(runs.results);
  const costs = costsOf(result);
  const capacities = plants().map((plant) => capacityOf(costs, plant));
  if (values.write) {
    const document = path.join(projectFolder, 'docs/capacity.md');
    const generated = capacityMarkdown({ results: runs.results, costs, capacities });
    writeFileSync(document, withGenerated(readFileSync(document, 'utf8'), generated));
    say(`${path.relative(process.cwd(), document)} is written from ${path.relative(process.cwd(), file)}`);
    return 0;
  }
  const { commit, scenario } = result;
  const json = { scenario, commit, busy_max: busyMax, cores_of_nats: coresOfNats, costs, capacities };
  process.stdout.write(
    values.json
      ? `${JSON.stringify(json)}\n`
      : `${capacityText({ results: runs.results, costs, capacities })}\n`,
  );
  return 0;
}

/** The report that is committed, or where there is none the last one of this machine. */
function newestResults(): string {
  const committed = resultsFile(path.join(projectFolder, 'docs/bench'));
  return existsSync(committed) ? committed : resultsFile(reportFolder);
}

async function stopAll(): Promise<void> {
  await stopStarted();
  await Promise.all([...started].map((one) => one.stop()));
}
