// The bench as a command: real processes, a short run, one JSON line.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { projectFolder } from '@parley/testing/servers';
import { expect, it } from 'vitest';
import type { Result } from './result.ts';

interface Ended {
  readonly exitCode: number | null;
  readonly output: string;
  readonly progress: string;
}

const bench = (...args: string[]): Promise<Ended> => disturbedBench(args, () => undefined);

/** The bench, and how it ended. `disturb` is called with all progress so far whenever there is more. */
async function disturbedBench(
  args: readonly string[],
  disturb: (progress: string, child: ChildProcess) => void,
): Promise<Ended> {
  const child = spawn(
    path.join(projectFolder, 'node_modules/.bin/node'),
    [
      '--conditions=source',
      '--disable-warning=ExperimentalWarning',
      path.join(projectFolder, 'tools/bench.ts'),
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const chunks: Buffer[] = [];
  let progress = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    progress += chunk.toString();
    disturb(progress, child);
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, output: Buffer.concat(chunks).toString(), progress };
}

/** Process ids of everything the bench told it had started. */
const startedIn = (progress: string): number[] =>
  [...progress.matchAll(/ is ready \(process (\d+)\)/g)].map((found) => Number(found[1]));

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Calls the action at the first progress of the load, once. */
function onceUnderWay(action: (progress: string, child: ChildProcess) => void) {
  let isDone = false;
  return (progress: string, child: ChildProcess): void => {
    if (isDone || !/[1-9]\d* acked/.test(progress)) return;
    isDone = true;
    action(progress, child);
  };
}

it('dm for two seconds loses, doubles and disorders nothing, and says so in one JSON line', async () => {
  const { exitCode, output } = await bench('dm', '--seconds', '2', '--n', '20', '--no-floors', '--json');
  const result = JSON.parse(output) as Result;
  expect(result).toMatchObject({ scenario: 'dm', seconds: 2, lost: 0, duplicated: 0, out_of_order: 0 });
  expect(result.acked_per_s).toBeGreaterThan(0);
  expect(result.delivered_per_s).toBeGreaterThan(0);
  expect(result.ack_p50_ms).toBeLessThanOrEqual(result.ack_p999_ms!);
  expect(Object.keys(result.cpu_s ?? {})).toEqual(
    expect.arrayContaining(['gateway-1', 'session-actor-1', 'nats-server', 'load-1']),
  );
  expect(result.batches?.user_events_per_commit).toBeGreaterThan(0);
  expect(output.trim().split('\n')).toHaveLength(1);
  expect(exitCode).toBe(0);
});

it('an unknown scenario is answered with the list of scenarios', async () => {
  const { exitCode, output } = await bench('no-such-scenario');
  expect(exitCode).toBe(2);
  expect(output).toBe('');
});

const long = ['dm', '--seconds', '60', '--n', '20', '--no-floors', '--json'] as const;

it('an interrupted bench stops everything it has started', async () => {
  const { exitCode, output, progress } = await disturbedBench(
    long,
    onceUnderWay((_, child) => child.kill('SIGINT')),
  );
  expect(exitCode).toBe(130);
  expect(output).toBe('');
  expect(startedIn(progress).length).toBeGreaterThanOrEqual(4);
  expect(startedIn(progress).filter(isRunning)).toEqual([]);
});

it('a run in which a process dies says which, and gives no figures', async () => {
  const kill = onceUnderWay((progress) => {
    process.kill(Number(/session-actor-1 is ready \(process (\d+)\)/.exec(progress)![1]), 'SIGKILL');
  });
  const { exitCode, output, progress } = await disturbedBench(long, kill);
  expect(exitCode).toBe(1);
  expect(output).toBe('');
  expect(progress).toContain('session-actor-1 ended in the middle of the run (killed by SIGKILL)');
  expect(startedIn(progress).filter(isRunning)).toEqual([]);
});
