// One app of the cluster (gateway, session-actor, …) as a process: ready when it says so over IPC, its JSON log in a
// file, warnings and errors passed on to the one who started it.
import { type WriteStream, createWriteStream, mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { ReadyInfo, ReadyMessage } from '@parley/platform';
import { type GuardedProcess, type ProcessExit, spawnGuarded } from './guarded-process.ts';
import { projectFolder } from './tool-path.ts';

export interface AppPlan {
  readonly name: string;
  /** main.js of the built app. */
  readonly entry: string;
  readonly env: () => NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Gets the app's warn, error and fatal lines, made readable. */
  readonly onProblem: (line: string) => void;
}

/** A process that has not said ready after this long has failed to start. */
export const appStartLimitMs = 60_000;
const logTailLines = 12;

export class AppProcess {
  readonly info: ReadyInfo;
  readonly #process: GuardedProcess;

  private constructor(process: GuardedProcess, info: ReadyInfo) {
    this.#process = process;
    this.info = info;
  }

  /** Resolves when the app is ready. Rejects, with the end of its log, when it ends or stays silent. */
  static async start(plan: AppPlan): Promise<AppProcess> {
    mkdirSync(path.dirname(plan.logFile), { recursive: true });
    const log = createWriteStream(plan.logFile, { flags: 'a' });
    const process = await spawnGuarded({
      command: path.join(projectFolder, 'node_modules/.bin/node'),
      args: ['--enable-source-maps', plan.entry],
      env: plan.env(),
      cwd: projectFolder,
      output: 'pipe',
      ipc: true,
    });
    const tail = followOutput(process, log, plan);
    try {
      return new AppProcess(process, await readyInfo(process));
    } catch (error) {
      await process.kill('SIGKILL');
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${plan.name} ${reason}\n${tail().join('\n')}`, { cause: error });
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  get exited(): Promise<ProcessExit> {
    return this.#process.exited;
  }

  isRunning(): boolean {
    return this.#process.isRunning();
  }

  async stop(limitMs?: number): Promise<void> {
    await this.#process.stop(limitMs);
  }

  async kill(signal?: NodeJS.Signals): Promise<void> {
    await this.#process.kill(signal);
  }
}

/** What the process tells when it is ready. */
async function readyInfo(process: GuardedProcess): Promise<ReadyInfo> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<ReadyInfo>((resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error(`was not ready after ${appStartLimitMs} ms`)),
        appStartLimitMs,
      );
      process.child.on('message', (message: ReadyMessage) => {
        if (message.type === 'ready') resolve(message.info ?? {});
      });
      void process.exited.then((exit) => reject(new Error(`ended while starting (${describeExit(exit)})`)));
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Copies the output into the log file; returns a function that tells its last lines. */
function followOutput(process: GuardedProcess, log: WriteStream, plan: AppPlan): () => readonly string[] {
  const tail: string[] = [];
  let open = 2;
  for (const stream of [process.child.stdout!, process.child.stderr!]) {
    const lines = createInterface({ input: stream });
    lines.on('line', (line) => {
      log.write(`${line}\n`);
      const problem = readableProblem(line);
      if (problem !== undefined) plan.onProblem(problem);
      tail.push(problem ?? line);
      if (tail.length > logTailLines) tail.shift();
    });
    lines.on('close', () => {
      open -= 1;
      if (open === 0) log.end();
    });
  }
  return () => tail;
}

/** A JSON log line of level warn or higher for people, or a line that is no JSON; undefined for all others. */
export function readableProblem(line: string): string | undefined {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line.trim() === '' ? undefined : line; // not from our logger: a crash message of Node, say
  }
  const { level, msg, err, ...rest } = fields;
  if (!['warn', 'error', 'fatal'].includes(String(level))) return undefined;
  const details = Object.entries(rest)
    .filter(([name]) => !['time', 'app', 'node'].includes(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const cause = (err as { message?: string } | undefined)?.message;
  return [
    `${String(level)}: ${String(msg)}`,
    ...details,
    ...(cause === undefined ? [] : [`(${cause})`]),
  ].join(' ');
}

export function describeExit({ code, signal }: ProcessExit): string {
  return signal ? `killed by ${signal}` : `exit status ${code}`;
}
