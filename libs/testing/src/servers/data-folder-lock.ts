// One cluster a data folder: a lock file with the process that holds it. A lock whose process is gone is void, but what
// that process had started must be gone too before the folder is used again.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { waitUntil } from './wait-until.ts';

/** The folder is used by a cluster that runs. */
export class DataFolderInUse extends Error {
  override readonly name = 'DataFolderInUse';
}

/** Processes of a supervisor that was killed end by themselves within this time. */
const leftoverLimitMs = 30_000;
const lockName = 'parley.lock';
const markVariable = 'PARLEY_SUPERVISED_FOLDER';

interface Lock {
  readonly pid: number;
  /** Tells a process from a later one with the same number; absent where the system does not say. */
  readonly startedAt?: string;
}

/** Takes the folder; returns what gives it back. */
export async function lockDataFolder(folder: string, log: (line: string) => void): Promise<() => void> {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, lockName);
  const own: Lock = { pid: process.pid, ...startTimeOf(process.pid) };
  while (!tryWrite(file, own)) {
    const holder = readLock(file);
    if (holder && isSameProcess(holder)) {
      throw new DataFolderInUse(
        `${folder} is used by another Parley (process ${holder.pid}): stop it, or choose another --data folder`,
      );
    }
    rmSync(file, { force: true });
  }
  const release = () => {
    if (readLock(file)?.pid === process.pid) rmSync(file, { force: true });
  };
  try {
    if (leftovers(folder).length > 0) log('waiting for the processes of a Parley that was killed to end');
    await waitUntil(() => leftovers(folder).length === 0, {
      what: `processes that use ${folder} end (${leftovers(folder).join(', ')})`,
      limitMs: leftoverLimitMs,
      everyMs: 100,
    });
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

function tryWrite(file: string, lock: Lock): boolean {
  try {
    writeFileSync(file, JSON.stringify(lock), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

function readLock(file: string): Lock | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Lock;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isSameProcess({ pid, startedAt }: Lock): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startedAt === undefined || startTimeOf(pid).startedAt === startedAt;
}

/** Field 22 of /proc/<pid>/stat; the process name before it may contain spaces and brackets. */
function startTimeOf(pid: number): { startedAt?: string } {
  const stat = readOrUndefined(`/proc/${pid}/stat`);
  const startedAt = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return startedAt === undefined ? {} : { startedAt };
}

/** Marks the processes of a cluster, so that a later start can find those that are still ending. */
export function folderMark(folder: string): Record<string, string> {
  return { [markVariable]: folder };
}

/** Processes that carry the folder's mark. Linux only; elsewhere none is found. */
function leftovers(folder: string): number[] {
  const mark = `${markVariable}=${folder}`;
  return processIds().filter((pid) => {
    const environment = pid === process.pid ? undefined : readOrUndefined(`/proc/${pid}/environ`);
    return environment?.split('\0').includes(mark) ?? false;
  });
}

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readOrUndefined(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // the process is gone, or is not ours to look at
  }
}
