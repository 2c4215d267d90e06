// One backing server (NATS or Redis) as a process: started on a loopback port, ready only when it really answers,
// stopped by pid, started again on the same port and folder. startNats and startRedis are made of it.
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { freePort, isPortFree } from './free-port.ts';
import { type GuardedProcess, type ProcessExit, spawnGuarded } from './guarded-process.ts';
import { waitUntil } from './wait-until.ts';

export interface ServerHandle {
  /** nats://127.0.0.1:port or redis://127.0.0.1:port. */
  readonly url: string;
  readonly port: number;
  readonly dataFolder: string;
  /** Of the process running now; changes on restart. */
  readonly pid: number;
  isRunning(): boolean;
  /** Resolves when the process running now is gone, for whatever reason. */
  exited(): Promise<ProcessExit>;
  /** Clean stop (SIGTERM, SIGKILL after the named limit); a temporary data folder is removed. */
  stop(): Promise<void>;
  /** Sends a signal (default SIGKILL) and keeps data and port, so that restart() can follow. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Stops it cleanly if it runs, then starts it on the same port and data; resolves when it answers. */
  restart(): Promise<void>;
}

export interface ServerPlan {
  readonly name: string;
  readonly scheme: string;
  readonly command: string;
  readonly args: (port: number, dataFolder: string) => string[];
  /** Resolves truthy when this very server answers; called again and again until it does. */
  readonly probe: (port: number, dataFolder: string) => Promise<boolean>;
  readonly port?: number | undefined;
  readonly dataFolder?: string | undefined;
  /** Where stdout and stderr go; default: <name>.log in the data folder. */
  readonly logFile?: string | undefined;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** A server that has not answered after this long has failed to start. */
const startLimitMs = 30_000;
const portAttemptsMax = 3;
const logTailLines = 8;
const temporaryFolders = new Set<string>();
let hasExitHook = false;

export async function startServer(plan: ServerPlan): Promise<ServerHandle> {
  const isTemporary = plan.dataFolder === undefined;
  const dataFolder = plan.dataFolder ?? (await temporaryFolder(plan.name));
  for (let attempt = 1; ; attempt += 1) {
    const server = new ServerProcess(plan, plan.port ?? (await freePort()), dataFolder, isTemporary);
    try {
      await server.start();
      return server;
    } catch (error) {
      const isWorthAnotherPort = error instanceof PortTaken && plan.port === undefined;
      if (!isWorthAnotherPort || attempt === portAttemptsMax) throw error;
    }
  }
}

/** Somebody else listens on the port. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';

  constructor(server: string, port: number, options?: ErrorOptions) {
    super(`${server}: port ${port} is already in use`, options);
  }
}

/** A folder under the system's temporary folder that goes away with this process at the latest. */
export async function temporaryFolder(name: string): Promise<string> {
  if (!hasExitHook) process.on('exit', removeTemporaryFolders);
  hasExitHook = true;
  const folder = await mkdtemp(path.join(os.tmpdir(), `parley-${name}-`));
  temporaryFolders.add(folder);
  return folder;
}

export function removeTemporaryFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  temporaryFolders.delete(folder);
}

function removeTemporaryFolders(): void {
  for (const folder of temporaryFolders) rmSync(folder, { recursive: true, force: true });
}

class ServerProcess implements ServerHandle {
  readonly url: string;
  readonly port: number;
  readonly dataFolder: string;
  readonly #plan: ServerPlan;
  readonly #isTemporary: boolean;
  readonly #logFile: string;
  #process: GuardedProcess | undefined;

  constructor(plan: ServerPlan, port: number, dataFolder: string, isTemporary: boolean) {
    this.#plan = plan;
    this.port = port;
    this.dataFolder = dataFolder;
    this.#isTemporary = isTemporary;
    this.url = `${plan.scheme}://127.0.0.1:${port}`;
    this.#logFile = plan.logFile ?? path.join(dataFolder, `${plan.name}.log`);
  }

  get pid(): number {
    return this.#started().pid;
  }

  isRunning(): boolean {
    return this.#process?.isRunning() ?? false;
  }

  exited(): Promise<ProcessExit> {
    return this.#started().exited;
  }

  async start(): Promise<void> {
    const { name, command, args, probe } = this.#plan;
    // Otherwise the stranger on the port would answer the probe while our server is still failing to start.
    if (!(await isPortFree(this.port))) throw new PortTaken(name, this.port);
    mkdirSync(this.dataFolder, { recursive: true });
    mkdirSync(path.dirname(this.#logFile), { recursive: true });
    const log = openSync(this.#logFile, 'a');
    const started = await spawnGuarded({
      command,
      args: args(this.port, this.dataFolder),
      env: { ...process.env, ...this.#plan.env },
      output: log,
    }).finally(() => closeSync(log));
    this.#process = started;
    try {
      await waitUntil(async () => !started.isRunning() || (await probe(this.port, this.dataFolder)), {
        what: `${name} answers on port ${this.port}`,
        limitMs: startLimitMs,
      });
      if (!started.isRunning()) throw new Error(`${name} ended while starting`);
    } catch (error) {
      await started.kill('SIGKILL');
      const tail = this.logTail();
      if (/address already in use/i.test(tail)) throw new PortTaken(name, this.port, { cause: error });
      throw new Error(`${(error as Error).message}\n${tail}`, { cause: error });
    }
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    if (this.#isTemporary) removeTemporaryFolder(this.dataFolder);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process?.kill(signal);
  }

  async restart(): Promise<void> {
    await this.#process?.stop();
    await this.start();
  }

  logTail(): string {
    try {
      return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-logTailLines).join('\n');
    } catch (error) {
      return `(no log: ${(error as Error).message})`;
    }
  }

  #started(): GuardedProcess {
    if (!this.#process) throw new Error(`${this.#plan.name} was not started`);
    return this.#process;
  }
}
