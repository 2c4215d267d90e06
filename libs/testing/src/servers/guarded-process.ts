// A child process that cannot outlive us: in a process group of its own (Ctrl-C of the terminal reaches only us, so we
// decide the order of stopping), stopped by its pid, and told to end by the kernel or a watchdog when we are killed.
import { type ChildProcess, type SendHandle, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface GuardedProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<ProcessExit>;
  isRunning(): boolean;
  /** SIGTERM, then SIGKILL when it is still there after `limitMs`. Resolves when it is gone. */
  stop(limitMs?: number): Promise<ProcessExit>;
  /** Sends the signal; with SIGKILL resolves when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export interface GuardedProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** stdout and stderr: a file descriptor, or pipes read by the caller. */
  readonly output: number | 'pipe' | 'ignore';
  /** Opens an IPC channel (node children only); they end by themselves on disconnect. */
  readonly ipc?: boolean;
}

/** After SIGTERM a process gets this long before SIGKILL. */
export const stopLimitMs = 15_000;

const running = new Set<GuardedProcess>();
let hasExitHook = false;

export async function spawnGuarded(options: GuardedProcessOptions): Promise<GuardedProcess> {
  const isKernelGuarded = existsSync(setpriv);
  const [command, args] = isKernelGuarded
    ? [setpriv, ['--pdeathsig', 'TERM', options.command, ...options.args]]
    : [options.command, [...options.args]];
  const child = spawn(command, args, {
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['ignore', options.output, options.output, ...(options.ipc ? (['ipc'] as const) : [])],
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const watchdog = isKernelGuarded ? undefined : startWatchdog(child.pid!);
  const guarded = guard(child);
  void guarded.exited.then(() => watchdog?.kill('SIGKILL'));
  return guarded;
}

function guard(child: ChildProcess): GuardedProcess {
  const pid = child.pid!;
  let isGone = false;
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      isGone = true;
      running.delete(guarded);
      resolve({ code, signal });
    });
  });
  const guarded: GuardedProcess = {
    pid,
    child,
    exited,
    isRunning: () => !isGone,
    async stop(limitMs = stopLimitMs) {
      if (isGone) return exited;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
    async kill(signal = 'SIGKILL') {
      if (isGone) return;
      child.kill(signal);
      if (signal === 'SIGKILL') await exited;
    },
  };
  running.add(guarded);
  if (!hasExitHook) {
    hasExitHook = true;
    process.on('exit', killAllRunning);
  }
  return guarded;
}

function killAllRunning(): void {
  for (const { child } of running) child.kill('SIGKILL');
}

// Part of util-linux, which every Debian has; the kernel then sends the signal when the starter dies, however it dies.
const setpriv = '/usr/bin/setpriv';

/** Where setpriv is absent: a shell that waits for the end of its input (our death closes it), then ends the process. */
function startWatchdog(pid: number): ChildProcess {
  const script = [
    'while read -r line; do :; done',
    'kill -TERM "$0" 2>/dev/null || exit 0',
    'for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 1; kill -0 "$0" 2>/dev/null || exit 0; done',
    'kill -KILL "$0"',
  ].join('\n');
  const watchdog = spawn('/bin/sh', ['-c', script, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  // The pipe must stay open for our whole life, but must not keep us alive.
  (watchdog.stdin as SendHandle as { unref?: () => void }).unref?.();
  return watchdog;
}
