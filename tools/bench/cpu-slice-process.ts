// Main file of the process behind CpuSlice: looks every few milliseconds what each process has used, by the scheduler's own
// nanoseconds, and stops those that are ahead of their slice.
import { readFileSync, readdirSync } from 'node:fs';
import type { SliceOrder } from './cpu-slice.ts';

const lookEveryMs = 4;
/** What was not used for so long is gone: nobody saves up for a burst. */
const savedMsMax = 20;

const { pids, share } = JSON.parse(process.argv[2]!) as SliceOrder;
const held = pids.map((pid) => ({ pid, usedMs: usedMs(pid), creditMs: 0, isStopped: false }));
let lastMs = performance.now();

setInterval(look, lookEveryMs);
for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(event, () => process.exit(0));
process.on('exit', () => held.forEach(({ pid }) => signal(pid, 'SIGCONT')));

function look(): void {
  const nowMs = performance.now();
  const passedMs = nowMs - lastMs;
  lastMs = nowMs;
  for (const one of held) {
    const used = usedMs(one.pid);
    one.creditMs = Math.min(one.creditMs + share * passedMs - (used - one.usedMs), savedMsMax * share);
    one.usedMs = used;
    const isAhead = one.creditMs < 0;
    if (isAhead !== one.isStopped) signal(one.pid, isAhead ? 'SIGSTOP' : 'SIGCONT');
    one.isStopped = isAhead;
  }
}

/** Of all threads. A process that is gone uses nothing. */
function usedMs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const nanoseconds = threads.map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]),
    );
    return nanoseconds.reduce((sum, one) => sum + one, 0) / 1_000_000;
  } catch {
    return 0;
  }
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
