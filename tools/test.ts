// `npm test`: the checks, then all tests, then one plain line "N passed, N failed" where each check counts as one.
// Arguments go to vitest (`npm test -- libs/std`); --checks-only leaves the tests out.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { checks, projectFolder, runCheck } from './checks.ts';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** The part of vitest's JSON report that is counted. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

const reportFile = path.join(projectFolder, '.parley/test-report.json');
const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
const failedNames: string[] = [];
const args = process.argv.slice(2);

await runChecks();
if (!args.includes('--checks-only')) await runTests(args);

for (const name of failedNames) process.stdout.write(`failed: ${name}\n`);
process.exitCode = tally.failed > 0 ? 1 : 0;
process.stdout.write(`${plainLine(tally)}\n`);

async function runChecks(): Promise<void> {
  for (const check of checks) {
    const { name, isPassed, seconds, output } = await runCheck(check);
    process.stdout.write(`${isPassed ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)\n`);
    if (isPassed) {
      tally.passed += 1;
      continue;
    }
    tally.failed += 1;
    failedNames.push(name);
    process.stdout.write(`${output}\n`);
  }
}

async function runTests(filters: readonly string[]): Promise<void> {
  rmSync(reportFile, { force: true });
  mkdirSync(path.dirname(reportFile), { recursive: true });
  const vitest = path.join(projectFolder, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...filters], {
    cwd: projectFolder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  count(readReport(), exitCode === 0);
}

function readReport(): Report | undefined {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
  } catch {
    return undefined; // vitest ended before it could write one; counted as a failure
  }
}

function count(report: Report | undefined, isVitestContent: boolean): void {
  const before = tally.failed;
  if (report) {
    tally.passed += report.numPassedTests;
    tally.failed += report.numFailedTests;
    tally.skipped += report.numPendingTests + report.numTodoTests;
    // A file that could not even be loaded has no tests to count.
    const broken = report.testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.length === 0,
    );
    tally.failed += broken.length;
  }
  if (tally.failed > before) failedNames.push('tests');
  else if (!isVitestContent) {
    tally.failed += 1;
    failedNames.push('test run (see the error above)');
  }
}

function plainLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
