// Runs many seeds in worker processes, with a mutation if wanted.
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RunReport } from './simulate.ts';

export interface SeedTask {
  readonly seed: number;
  readonly replicas: 1 | 3;
}

export interface RunSeedsOptions {
  readonly tasks: readonly SeedTask[];
  readonly workers: number;
  /** Name of a mutation. */
  readonly mutation?: string;
  /** Ends the run when it answers true. */
  onReport(report: RunReport): boolean | void;
}

/** A seed that takes longer than this of real time hangs: a violation. */
const seedTimeoutMs = 300_000;

export async function runSeeds(options: RunSeedsOptions): Promise<void> {
  const queue = [...options.tasks];
  const count = Math.min(options.workers, queue.length);
  await Promise.all(Array.from({ length: count }, () => work(queue, options)));
}

async function work(queue: SeedTask[], options: RunSeedsOptions): Promise<void> {
  const worker = startWorker(options.mutation);
  try {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      const report = await runTask(worker, task);
      if (options.onReport(report) === true) queue.length = 0;
    }
  } finally {
    worker.kill('SIGKILL');
  }
}

function startWorker(mutation: string | undefined): ChildProcess {
  const preload = pathToFileURL(path.join(import.meta.dirname, 'mutations/mutate.ts')).href;
  return fork(path.join(import.meta.dirname, 'worker.ts'), {
    execArgv: [
      '--conditions=source',
      '--disable-warning=ExperimentalWarning',
      ...(mutation === undefined ? [] : ['--import', preload]),
    ],
    env: { ...process.env, ...(mutation !== undefined && { PARLEY_MUTATION: mutation }) },
  });
}

function runTask(worker: ChildProcess, task: SeedTask): Promise<RunReport> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      finish();
      reject(
        new Error(`seed ${task.seed} (replicas ${task.replicas}) does not end within ${seedTimeoutMs} ms`),
      );
    }, seedTimeoutMs);
    const onMessage = (report: unknown): void => {
      finish();
      resolve(report as RunReport);
    };
    const onExit = (): void => {
      finish();
      reject(new Error(`the worker died with seed ${task.seed} (replicas ${task.replicas})`));
    };
    const finish = (): void => {
      clearTimeout(timer);
      worker.off('message', onMessage);
      worker.off('exit', onExit);
    };
    worker.on('message', onMessage);
    worker.on('exit', onExit);
    worker.send(task);
  });
}
