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
    Object.entries(after).map(([name, { cpuSeconds, writtenBytes, rssBytes }]) => [
      name,
      {
        cpuSeconds: cpuSeconds - (before[name]?.cpuSeconds ?? 0),
        writtenBytes: writtenBytes - (before[name]?.writtenBytes ?? 0),
        rssBytes,
      },
    ]),
  );
}

function readUsage(pid: number): Usage {
  if (!hasProc) return { cpuSeconds: 0, writtenBytes: 0, rssBytes: 0 };
  return parseUsage(
    readFileSync(`/proc/${pid}/stat`, 'latin1'),
    readFileSync(`/proc/${pid}/io`, 'latin1'),
    readFileSync(`/proc/${pid}/statm`, 'latin1'),
  );
}

/** @internal For the test. */
export function parseUsage(stat: string, io: string, statm: string): Usage {
  // The name in parentheses may hold anything; what follows it is fields from the third on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return {
    cpuSeconds: (user + system) / ticksPerSecond,
    writtenBytes: Number(/^write_bytes: (\d+)$/m.exec(io)?.[1] ?? 0),
    rssBytes: Number(statm.split(' ')[1]) * pageBytes,
  };
}
