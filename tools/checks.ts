// The checks that need no running code: types, lint, format, import directions, wire schema. `npm run check` runs them,
// and `npm test` before the tests. Each is one program; it passes when the program exits with 0.
import { spawn } from 'node:child_process';
import path from 'node:path';

export interface Check {
  readonly name: string;
  /** A name in node_modules/.bin, run by our Node. */
  readonly program: string;
  readonly args: readonly string[];
}

export interface Outcome {
  readonly name: string;
  readonly isPassed: boolean;
  readonly seconds: number;
  readonly output: string;
}

export const projectFolder = path.resolve(import.meta.dirname, '..');

/** First of the checks, because it also builds what the end-to-end tests run. */
export const checks: readonly Check[] = [
  { name: 'types', program: 'tsc', args: ['-b', 'tsconfig.json', 'tools'] },
  { name: 'lint', program: 'oxlint', args: ['--type-aware', '--deny-warnings', '--quiet'] },
  { name: 'format', program: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
  {
    name: 'import directions',
    program: 'depcruise',
    args: ['apps', 'libs', 'tools', '--config', '.dependency-cruiser.mjs', '--output-type', 'err'],
  },
  { name: 'wire schema', program: 'buf', args: ['lint'] },
];

/** Runs one check in the project folder, or in another one that looks like it. */
export async function runCheck(check: Check, folder: string = projectFolder): Promise<Outcome> {
  const startedAt = performance.now();
  const program = path.join(projectFolder, 'node_modules/.bin', check.program);
  const child = spawn(process.execPath, [program, ...check.args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return {
    name: check.name,
    isPassed: exitCode === 0,
    seconds: (performance.now() - startedAt) / 1000,
    output: Buffer.concat(chunks).toString().trim(),
  };
}
