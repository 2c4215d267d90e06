// `npm run durability`: what it costs to have every journal record on the disk before it is acknowledged, on this machine,
// for one NATS server and for three; and whether it really is there. Progress on stderr, a table or one JSON line on stdout.
import { parseArgs } from 'node:util';
import { type Measured, type Sync, measureCase } from './durability/measure-case.ts';

const help = `Measures NATS with and without "sync_interval: always": commits of a journal per second, one shard
committing, and 256 shards committing side by side, through Parley's own adapter.

  npm run durability -- [options]

  --seconds N     of each of the two measurements of a case, 1 to 60     (default 5)
  --replicas LIST 1 (one server), 3 (three servers), or 1,3              (default 1,3)
  --bytes N       size of a commit, 64 to 262144                         (default 1024)
  --json          one line of JSON instead of a table
  --help

A power cut cannot be made here: what a killed process has handed to the operating system survives. Instead the system
calls of the servers are counted (with strace, where it is there and allowed): of how many acknowledgements did an fsync
of a journal file end between asking and acknowledgement, on the only server, or on two of three. The others are what a
power cut may take.
`;

const { values } = parse();
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
const seconds = wholeNumber('--seconds', values.seconds, 1, 60);
const commitBytes = wholeNumber('--bytes', values.bytes, 64, 262_144);
const replicas = values.replicas.split(',').map((text) => (text === '3' ? 3 : text === '1' ? 1 : undefined));
if (replicas.includes(undefined)) usage('--replicas is 1, 3 or 1,3');

const cases: Measured[] = [];
for (const count of replicas as (1 | 3)[]) {
  for (const sync of ['default', 'always'] satisfies Sync[]) {
    process.stderr.write(`[durability] ${count} server${count === 1 ? '' : 's'}, sync ${sync} …\n`);
    cases.push(await measureCase({ replicas: count, sync, seconds, commitBytes }));
  }
}
if (values.json) process.stdout.write(`${JSON.stringify({ seconds, commit_bytes: commitBytes, cases })}\n`);
else showTable();

function showTable(): void {
  const rows = [
    [
      'servers',
      'sync',
      '1 shard: commits/s',
      'p50 ms',
      'p99 ms',
      '256 shards: commits/s',
      'on disk before the ack',
    ],
    ...cases.map(({ replicas: count, sync, one_in_flight: one, many_in_flight: many, on_disk: disk }) => [
      String(count),
      sync,
      String(one.per_second),
      String(one.p50_ms),
      String(one.p99_ms),
      String(many.per_second),
      disk.counted ? `${disk.synced} of ${disk.acked}` : `not counted: ${disk.reason}`,
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    process.stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()}\n`,
    );
}

function parse() {
  try {
    return parseArgs({
      options: {
        seconds: { type: 'string', default: '5' },
        replicas: { type: 'string', default: '1,3' },
        bytes: { type: 'string', default: '1024' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return usage((error as Error).message);
  }
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    usage(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
  return value;
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n\n${help}`);
  process.exit(2);
}
