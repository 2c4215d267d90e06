// `npm run simulate`: whole clusters from seeds, in simulated time, under every fault we know; 0 violations is the only
// passing result. Progress on stderr, one line of JSON (--json) or a summary on stdout; exit 1 on violations.
//
//   npm run simulate -- --seeds 2000 [--from 1] [--replicas 1|3] [--json]
//   npm run simulate -- --seed 17 --replicas 3         one run with its trace
//   npm run simulate -- --mutation reply-before-commit with a deliberate bug
//   npm run simulate -- --mutations                    all of them: each must be found
import os from 'node:os';
import { parseArgs } from 'node:util';
import { type RunReport, type SeedTask, mutations, runSeeds } from '@parley/testing/simulation';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    replicas: { type: 'string' },
    mutation: { type: 'string' },
    mutations: { type: 'boolean', default: false },
    workers: { type: 'string', default: String(Math.min(8, os.availableParallelism())) },
    json: { type: 'boolean', default: false },
  },
});

const progressEveryMs = 5_000;
const traceLines = 120;
const startedMs = performance.now();
const workers = Number(values.workers);

async function showSeeds(): Promise<number> {
  const tasks =
    values.seed === undefined
      ? tasksOf(Number(values.from), Number(values.seeds))
      : tasksOf(Number(values.seed), 1);
  const total = new Total();
  let lastProgressMs = performance.now();
  const { mutation } = values;
  await runSeeds({
    tasks,
    workers,
    ...(mutation !== undefined && { mutation }),
    onReport: (report) => {
      total.add(report);
      if (report.violations.length > 0) showViolations(report);
      if (performance.now() - lastProgressMs < progressEveryMs) return;
      lastProgressMs = performance.now();
      process.stderr.write(`${total.seeds} of ${tasks.length} seeds, ${total.violations} violations\n`);
    },
  });
  process.stdout.write(
    `${values.json ? JSON.stringify(total.toJson()) : JSON.stringify(total.toJson(), undefined, 2)}\n`,
  );
  return total.violations > 0 ? 1 : 0;
}

/** Without --replicas odd seeds run on a single log and even ones on a replicated log. */
function tasksOf(from: number, count: number): SeedTask[] {
  return Array.from({ length: count }, (_, index) => {
    const seed = from + index;
    const replicas =
      values.replicas === undefined ? (seed % 2 === 1 ? 1 : 3) : values.replicas === '3' ? 3 : 1;
    return { seed, replicas };
  });
}

function showViolations({ seed, replicas, violations, trace }: RunReport): void {
  process.stderr.write(`\nseed ${seed} (replicas ${replicas}):\n`);
  for (const { rule, what, atMs } of violations)
    process.stderr.write(`  ${rule} at ${atMs.toFixed(1)} ms: ${what}\n`);
  if (values.mutation !== undefined && values.seed === undefined) return;
  process.stderr.write(`${trace.slice(-traceLines).join('\n')}\n`);
  process.stderr.write(`again: npm run simulate -- --seed ${seed} --replicas ${replicas}\n\n`);
}

async function showMutations(): Promise<number> {
  const rows: {
    mutation: string;
    found: boolean;
    seeds: number;
    seedsMax: number;
    rule: string;
    what: string;
  }[] = [];
  for (const { name, seedsMax } of mutations) {
    let seeds = 0;
    let foundBy: RunReport | undefined;
    await runSeeds({
      tasks: tasksOf(Number(values.from), seedsMax),
      workers,
      mutation: name,
      onReport: (report) => {
        if (foundBy !== undefined) return true;
        seeds++;
        if (report.violations.length > 0) foundBy = report;
        return foundBy !== undefined;
      },
    });
    const violation = foundBy?.violations[0];
    rows.push({
      mutation: name,
      found: foundBy !== undefined,
      seeds,
      seedsMax,
      rule: violation?.rule ?? '',
      what: violation?.what.slice(0, 100) ?? '',
    });
    process.stderr.write(
      `${name}: ${foundBy ? `found after ${seeds} seeds` : 'NOT FOUND'} ${violation?.rule ?? ''} ${violation?.what.slice(0, 160) ?? ''}\n`,
    );
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ mutations: rows })}\n`);
  else showTable(rows);
  return rows.every((row) => row.found) ? 0 : 1;
}

function showTable(
  rows: readonly { mutation: string; found: boolean; seeds: number; seedsMax: number; rule: string }[],
): void {
  for (const row of rows) {
    const result = row.found
      ? `found after ${row.seeds} (at most ${row.seedsMax}) seeds by ${row.rule}`
      : `NOT FOUND in ${row.seedsMax} seeds`;
    process.stdout.write(`${row.mutation.padEnd(22)} ${result}\n`);
  }
}

class Total {
  seeds = 0;
  violations = 0;
  #simulatedMs = 0;
  #commits = 0;
  #takeovers = 0;
  #answers = 0;
  #acknowledged = 0;
  #stale = 0;
  #duplicates = 0;
  #switches = 0;
  #changes = 0;
  #trimmed = 0;
  #limited = 0;
  readonly #failed: string[] = [];
  readonly #faults = new Map<string, number>();

  add(report: RunReport): void {
    this.seeds++;
    this.violations += report.violations.length;
    this.#simulatedMs += report.simulatedMs;
    this.#commits += report.commits;
    this.#takeovers += report.takeovers;
    this.#answers += report.answersChecked;
    this.#acknowledged += report.acknowledged;
    this.#stale += report.staleAnswers;
    this.#duplicates += report.duplicates;
    this.#switches += report.diffusionSwitches;
    this.#changes += report.changes;
    this.#trimmed += report.recordsTrimmed;
    this.#limited += report.limitedDevices;
    if (report.violations.length > 0) this.#failed.push(`${report.seed}/${report.replicas}`);
    for (const [kind, count] of Object.entries(report.faults))
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
  }

  toJson(): object {
    return {
      seeds: this.seeds,
      simulated_hours: Number((this.#simulatedMs / 3_600_000).toFixed(2)),
      faults: Object.fromEntries([...this.#faults].sort(([one], [other]) => (one < other ? -1 : 1))),
      commits: this.#commits,
      takeovers: this.#takeovers,
      messages_acknowledged: this.#acknowledged,
      duplicates_answered: this.#duplicates,
      diffusion_switches: this.#switches,
      edits_and_recalls: this.#changes,
      records_trimmed: this.#trimmed,
      limited_devices: this.#limited,
      answers_checked: this.#answers,
      stale_answers: this.#stale,
      violations: this.violations,
      failed_seeds: this.#failed,
      seconds: Number(((performance.now() - startedMs) / 1000).toFixed(1)),
    };
  }
}

process.exitCode = values.mutations ? await showMutations() : await showSeeds();
