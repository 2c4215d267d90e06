// Counts, with strace, for how many acknowledged commits a journal file was synced to disk between asking and
// acknowledgement. Needs strace and the right to trace; without them it says so and counts nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ack } from './measure-case.ts';

export type OnDisk =
  | { readonly counted: false; readonly reason: string }
  | {
      readonly counted: true;
      readonly acked: number;
      /** Of them, those for which enough servers had synced before the acknowledgement. */
      readonly synced: number;
      readonly syncs: number;
    };

export interface CountOptions {
  readonly pids: readonly number[];
  /** On how many servers a commit has to be on disk. */
  readonly needed: number;
  readonly work: () => Promise<Ack[]>;
}

const attachLimitMs = 5_000;
const detachMs = 200;
/** Clocks of strace and of this process are one; their readings differ by rounding. */
const toleranceMs = 0.05;

export async function countSyncs({ pids, needed, work }: CountOptions): Promise<OnDisk> {
  const tracers = await Promise.all(pids.map((pid) => Tracer.attach(pid)));
  try {
    const failed = tracers.find((tracer) => tracer.reason !== undefined);
    if (failed?.reason !== undefined) return { counted: false, reason: failed.reason };
    const acks = await work();
    await delay(detachMs);
    const isSynced = ({ askedAtMs, ackedAtMs }: Ack): boolean =>
      tracers.filter(({ syncsAtMs }) =>
        syncsAtMs.some((atMs) => atMs >= askedAtMs - toleranceMs && atMs <= ackedAtMs + toleranceMs),
      ).length >= needed;
    return {
      counted: true,
      acked: acks.length,
      synced: acks.filter(isSynced).length,
      syncs: tracers.reduce((sum, { syncsAtMs }) => sum + syncsAtMs.length, 0),
    };
  } finally {
    await Promise.all(tracers.map((tracer) => tracer.detach()));
  }
}

/** What strace says about syncs of journal files, one line after the other. */
export class SyncLines {
  /** Wall clock, milliseconds. */
  readonly endedAtMs: number[] = [];
  /** Threads in the middle of syncing a journal file. */
  readonly #open = new Set<string>();

  /** When a sync ended: a call that was interrupted by another line ends with its "resumed" line, which has no path. */
  note(line: string): void {
    const [, thread = '', rest = line] = /^\[pid +(\d+)\] (.*)$/.exec(line) ?? [];
    if (rest.includes('<unfinished')) {
      if (rest.includes('.blk')) this.#open.add(thread);
      return;
    }
    const found = /(\d+\.\d+) (<\.\.\. )?f(?:data)?sync\b.*= 0 <(\d+\.\d+)>/.exec(rest);
    if (found === null) return;
    const isResumed = found[2] !== undefined;
    if (isResumed ? !this.#open.delete(thread) : !rest.includes('.blk')) return;
    this.endedAtMs.push(Number(found[1]) * 1000 + (isResumed ? 0 : Number(found[3]) * 1000));
  }
}

class Tracer {
  readonly #lines = new SyncLines();
  reason: string | undefined;
  #child: ReturnType<typeof spawn> | undefined;

  get syncsAtMs(): readonly number[] {
    return this.#lines.endedAtMs;
  }

  static async attach(pid: number): Promise<Tracer> {
    const tracer = new Tracer();
    await tracer.#attach(pid);
    return tracer;
  }

  async detach(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    await exited;
  }

  async #attach(pid: number): Promise<void> {
    const args = ['-f', '-y', '-ttt', '-T', '-e', 'trace=fsync,fdatasync', '-p', String(pid)];
    const child = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    await new Promise<void>((resolve) => {
      const give = (reason: string): void => {
        this.reason ??= reason;
        resolve();
      };
      const timer = setTimeout(() => give('strace did not attach'), attachLimitMs);
      child.on('error', () => {
        this.#child = undefined;
        give('strace is not there');
      });
      child.on('exit', () => {
        clearTimeout(timer);
        give('strace may not trace here');
      });
      createInterface({ input: child.stderr! }).on('line', (line) => {
        if (/attached/.test(line)) {
          clearTimeout(timer);
          resolve();
        }
        this.#lines.note(line);
      });
    });
  }
}
