// What processes have used so far, from /proc: CPU seconds, bytes written to storage, memory. Other systems have no
// /proc; there everything is 0 and the report says so.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export interface Watched {
  readonly name: string;
  readonly pid: number;
}

export interface Usage {
  readonly cpuSeconds: number;
  /** Of it, the thread that runs our code: at most one core, however many there are. */
  readonly mainThreadSeconds: number;
  /** Handed to the storage layer (write_bytes): also what waits in the page cache. */
  readonly writtenBytes: number;
  readonly rssBytes: number;
}

export type UsageByName = Readonly<Record<string, Usage>>;

export const hasProc = existsSync('/proc/self/io');

const ticksPerSecond = hasProc ? Number(execFileSync('getconf', ['CLK_TCK'])) : 100;
const pageBytes = hasProc ? Number(execFileSync('getconf', ['PAGESIZE'])) : 4_096;

export function usageOf(processes: readonly Watched[]): UsageByName {
  return Object.fromEntries(processes.map(({ name, pid }) => [name, readUsage(pid)]));
}

/** What was used between two looks; memory as of the second. */
export function usedBetween(before: UsageByName, after: UsageByName): UsageByName {
  return Object.fromEntries(
    Object.entries(after).map(([name, { cpuSeconds, mainThreadSeconds, writtenBytes, rssBytes }]) => [
      name,
      {
        cpuSeconds: cpuSeconds - (before[name]?.cpuSeconds ?? 0),
        mainThreadSeconds: mainThreadSeconds - (before[name]?.mainThreadSeconds ?? 0),
        writtenBytes: writtenBytes - (before[name]?.writtenBytes ?? 0),
        rssBytes,
      },
    ]),
  );
}

/**
 * CPU seconds the whole machine has spent so far, whoever spent them. Time the hypervisor gave to others counts as spent:
 * it was not to be had.
 */
export function machineBusySeconds(): number {
  return hasProc ? parseMachine(readFileSync('/proc/stat', 'latin1')) : 0;
}

/** @internal For the test. */
export function parseMachine(stat: string): number {
  const [user, nice, system, , , irq, softirq, steal] = stat
    .split('\n', 1)[0]!
    .split(/ +/)
    .slice(1)
    .map(Number);
  return (user! + nice! + system! + irq! + softirq! + (steal ?? 0)) / ticksPerSecond;
}

function readUsage(pid: number): Usage {
  if (!hasProc) return { cpuSeconds: 0, mainThreadSeconds: 0, writtenBytes: 0, rssBytes: 0 };
  const read = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'latin1');
  return parseUsage({
    stat: read('stat'),
    mainThreadStat: read(`task/${pid}/stat`),
    io: read('io'),
    statm: read('statm'),
  });
}

/** @internal For the test. */
export function parseUsage(files: {
  readonly stat: string;
  readonly mainThreadStat: string;
  readonly io: string;
  readonly statm: string;
}): Usage {
  return {
    cpuSeconds: cpuSecondsOf(files.stat),
    mainThreadSeconds: cpuSecondsOf(files.mainThreadStat),
    writtenBytes: Number(/^write_bytes: (\d+)$/m.exec(files.io)?.[1] ?? 0),
    rssBytes: Number(files.statm.split(' ')[1]) * pageBytes,
  };
}

function cpuSecondsOf(stat: string): number {
  // The name in parentheses may hold anything; what follows it is fields from the third on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
