// A short run of `npm run faults`: a few people, a small schedule, everything compared at the end. Long runs are made by hand.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, it } from 'vitest';
import { projectFolder } from '../servers/index.ts';

const limitMs = 110_000;

interface Run {
  readonly exitCode: number | null;
  readonly figures: Readonly<Record<string, number>>;
  readonly progress: string;
}

async function faults(...args: string[]): Promise<Run> {
  const node = path.join(projectFolder, 'node_modules/.bin/node');
  const file = path.join(projectFolder, 'tools/faults.ts');
  const flags = ['--conditions=source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(node, [...flags, file, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  // It ends everything it has started before it goes.
  const timer = setTimeout(() => child.kill('SIGTERM'), limitMs);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  const line = output.stdout.trim().split('\n').at(-1) ?? '';
  const figures = (line.startsWith('{') ? JSON.parse(line) : {}) as Run['figures'];
  return { exitCode, figures, progress: output.stderr };
}

it('loses, doubles, reorders and hides nothing while processes die, hang and are cut off', async () => {
  const only = 'kill,cut,nats,redis,history,drain';
  const run = await faults('--seconds', '14', '--seed', '5', '--users', '40', '--rate', '30', '--only', only);
  expect(run.figures, run.progress).toMatchObject({
    lost: 0,
    duplicated: 0,
    out_of_order: 0,
    holes_not_detected: 0,
    unread_wrong: 0,
    history_missing: 0,
    unanswered: 0,
  });
  const { kills, nats_kills, partitions, sent } = run.figures;
  expect(kills! + nats_kills! + partitions!).toBeGreaterThan(2);
  expect(sent).toBeGreaterThan(100);
  expect(run.exitCode, run.progress).toBe(0);
});
