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
import { parseArgs } from 'node:util';
import { type AppName, appNames, projectFolder } from '@parley/testing/servers';
import { type ComparableScenario, compareWith, showComparison } from './bench/compare.ts';
import { type Plant, busyMax, capacityOf, coresOfNats, costsOf, usualPlants } from './bench/capacity.ts';
import { capacityMarkdown, capacityText, withGenerated } from './bench/capacity-text.ts';
import { medianResult } from './bench/median.ts';
import {
  appendResult,
  forgetResults,
  readResults,
  resultsFile,
  runsOf,
} from './bench/report/results-file.ts';
import { writeReport } from './bench/report/write-report.ts';
import { type Result, isRight } from './bench/result.ts';
import { type RunOneOptions, runOne, stopStarted } from './bench/run-one.ts';
import type { Scenario } from './bench/scenario.ts';
import { scenarios } from './bench/scenarios/index.ts';
import { showResult } from './bench/show-result.ts';
import { commitOf } from './bench/surroundings.ts';

const usage = `usage: npm run bench -- <command> [options]

  <scenario>                        one run
  all [scenario …]                  all scenarios, or those named, with a report
  report [folder]                   writes the report of a folder's results again
  compare <commit> [scenario]       this tree and another commit in turn
  capacity [results.jsonl] [scenario]   what other machines would carry, by calculation

scenarios:
${scenarios.map(({ name, work, seconds }) => `  ${name.padEnd(14)} ${work} (${seconds} s)`).join('\n')}

options:
  --seconds <n>         measured time
  --json                one JSON line instead of a table
  --profile <process>   leaves a CPU profile of gateway, session-actor, group-actor, history or load in bench-report/profile
  --no-floors           skips the floors; targets that need them are not judged
  --n <n>               connections, pairs, members, users or events, where the scenario has such a number
  --loaders <n>, --gateways <n>, --session-actors <n>, --nats-servers <1 or 3>
  --runs <n>            of each scenario (all: 1), or pairs (compare: 3)
  --into <folder>       adds to the results there, and writes their report; \`all\` runs only what is missing
  --cores <n>, --nats-servers <n>, --shards <n>, --histories <n>   the machine to calculate (capacity)
  --write               writes docs/capacity.md anew (capacity)
`;

const numbers = [
  'seconds',
  'n',
  'loaders',
  'gateways',
  'session-actors',
  'nats-servers',
  'runs',
  'cores',
  'shards',
  'histories',
] as const;
/** PARLEY_CLUSTER_SHARDS, where --shards says nothing else. */
const shardsDefault = 8;
const reportFolder = path.join(projectFolder, 'bench-report');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    seconds: { type: 'string' },
    json: { type: 'boolean', default: false },
    profile: { type: 'string' },
    floors: { type: 'boolean', default: true },
    n: { type: 'string' },
    loaders: { type: 'string' },
    into: { type: 'string' },
    'nats-servers': { type: 'string' },
    cores: { type: 'string' },
    shards: { type: 'string' },
    histories: { type: 'string' },
    write: { type: 'boolean', default: false },
    gateways: { type: 'string' },
    'session-actors': { type: 'string' },
    runs: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
let isStopping = false;
const started = new Set<{ stop(): Promise<void> }>();

/** The command line is wrong: told with the usage. */
class UsageError extends Error {}

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
  if (what === 'all') return all();
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

/**
 * Every scenario, or those named behind `all`. Each result is kept as soon as it is there, and the report written after each
 * scenario, so that an interrupted one shows the rest; with --into, what the folder has of this commit already is not run again.
 */
async function all(): Promise<number> {
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
      const result = await runOrTell(scenario, resultOf);
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
): Promise<Result | undefined> {
  try {
    return await runOne(scenario, { ...runOptions(), resultOf });
  } catch (error) {
    if (isStopping) throw error;
    say(`${scenario.name} failed: ${(error as Error).message}`);
    return undefined;
  }
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

function intoFolder(): string | undefined {
  return values.into === undefined ? undefined : path.resolve(values.into);
}

function sayWhereReportIs(folder: string): void {
  say(
    `the report is in ${path.relative(process.cwd(), folder) || '.'}: report.html, and README.md with plots`,
  );
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
    const generated = capacityMarkdown(result, costs, capacities);
    writeFileSync(document, withGenerated(readFileSync(document, 'utf8'), generated));
    say(`${path.relative(process.cwd(), document)} is written from ${path.relative(process.cwd(), file)}`);
    return 0;
  }
  const { commit, scenario } = result;
  const json = { scenario, commit, busy_max: busyMax, cores_of_nats: coresOfNats, costs, capacities };
  process.stdout.write(
    values.json ? `${JSON.stringify(json)}\n` : `${capacityText(result, costs, capacities)}\n`,
  );
  return 0;
}

/** The report that is committed, or where there is none the last one of this machine. */
function newestResults(): string {
  const committed = resultsFile(path.join(projectFolder, 'docs/bench'));
  return existsSync(committed) ? committed : resultsFile(reportFolder);
}

/** The one that is asked for, or the usual ones. */
function plants(): readonly Plant[] {
  const [cores, shards, histories] = [numberOf('cores'), numberOf('shards'), numberOf('histories')];
  if (cores === undefined) return usualPlants;
  return [
    { cores, nats_servers: natsServers() ?? 1, shards: shards ?? shardsDefault, histories: histories ?? 1 },
  ];
}

function natsServers(): 1 | 3 | undefined {
  const count = numberOf('nats-servers');
  if (count === undefined || count === 1 || count === 3) return count;
  throw new UsageError('--nats-servers takes 1 or 3');
}

function scenarioOf(name: string): Scenario {
  const scenario = scenarios.find((one) => one.name === name);
  if (scenario === undefined) throw new UsageError(`there is no scenario ${name}`);
  return scenario;
}

function comparableOf(name: string): ComparableScenario {
  const { figure, ...scenario } = scenarioOf(name);
  if (figure === undefined) throw new UsageError(`${name} has no single figure to compare`);
  return { ...scenario, figure };
}

function runOptions(): RunOneOptions {
  return {
    seconds: numberOf('seconds'),
    n: numberOf('n'),
    loaders: numberOf('loaders'),
    gateways: numberOf('gateways'),
    sessionActors: numberOf('session-actors'),
    natsServers: natsServers(),
    profiled: profiledOf(values.profile),
    profileFolder: values.profile === undefined ? undefined : path.join(reportFolder, 'profile'),
    floors: values.floors ? undefined : 'none',
    say,
  };
}

function numberOf(name: (typeof numbers)[number]): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`--${name} must be a whole number of at least 1`);
  return value;
}

function profiledOf(name: string | undefined): AppName | 'load' | undefined {
  if (name === undefined) return undefined;
  const known = [...appNames, 'load'] as const;
  const found = known.find((one) => one === name);
  if (found === undefined) throw new UsageError(`--profile takes one of ${known.join(', ')}`);
  return found;
}

async function stopAll(): Promise<void> {
  await stopStarted();
  await Promise.all([...started].map((one) => one.stop()));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
