// The command line of the bench: what is asked for, checked.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type AppName, appNames, projectFolder } from '@parley/testing/servers';
import { type Plant, usualPlants } from './capacity.ts';
import type { ComparableScenario } from './compare.ts';
import type { RunOneOptions } from './run-one.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';

export const usage = `usage: npm run bench -- <command> [options]

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
  --messages <n>        in the store that is searched (search: 1,000,000)
  --folder <folder>     where it is kept and found again (search); without it, it is thrown away
  --loaders <n>, --gateways <n>, --session-actors <n>, --nats-servers <1 or 3>
  --runs <n>            of each scenario (all: 1), or pairs (compare: 3)
  --into <folder>       adds to the results there, and writes their report; \`all\` runs only what is missing
  --cores <n>, --nats-servers <n>, --shards <n>, --histories <n>   the machine to calculate (capacity)
  --write               writes docs/capacity.md anew (capacity)
`;

const numbers = [
  'seconds',
  'n',
  'messages',
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
export const reportFolder = path.join(projectFolder, 'bench-report');
export const { values, positionals } = parsed();

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      allowNegative: true,
      options: {
        seconds: { type: 'string' },
        json: { type: 'boolean', default: false },
        profile: { type: 'string' },
        floors: { type: 'boolean', default: true },
        n: { type: 'string' },
        messages: { type: 'string' },
        folder: { type: 'string' },
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
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}

/** The command line is wrong: told with the usage. */
export class UsageError extends Error {}

export function scenarioOf(name: string): Scenario {
  const scenario = scenarios.find((one) => one.name === name);
  if (scenario === undefined) throw new UsageError(`there is no scenario ${name}`);
  return scenario;
}

export function comparableOf(name: string): ComparableScenario {
  const { figure, ...scenario } = scenarioOf(name);
  if (figure === undefined) throw new UsageError(`${name} has no single figure to compare`);
  return { ...scenario, figure };
}

export function runOptions(): RunOneOptions {
  return {
    seconds: numberOf('seconds'),
    n: numberOf('n'),
    messages: numberOf('messages'),
    folder: values.folder === undefined ? undefined : path.resolve(values.folder),
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

export function numberOf(name: (typeof numbers)[number]): number | undefined {
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

export function intoFolder(): string | undefined {
  return values.into === undefined ? undefined : path.resolve(values.into);
}

/** The one that is asked for, or the usual ones. */
export function plants(): readonly Plant[] {
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

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function sayWhereReportIs(folder: string): void {
  say(
    `the report is in ${path.relative(process.cwd(), folder) || '.'}: report.html, and README.md with plots`,
  );
}
