// Wakes the load process at the times of an open-loop schedule. Node's timers count whole milliseconds, which is as long
// as a lone message takes; a thread that sleeps in Atomics.wait is some 0.06 ms late, and costs nothing in between.
import { Worker } from 'node:worker_threads';

const script = `
const { parentPort, workerData } = require('node:worker_threads');
const cell = new Int32Array(new SharedArrayBuffer(4));
const offsetUs = Number(process.hrtime.bigint() / 1000n) - performance.now() * 1000;
const nowUs = () => performance.now() * 1000 + offsetUs;
const { times } = workerData;
for (let at = 0; at < times.length; ) {
  const waitMs = (times[at] - nowUs()) / 1000;
  if (waitMs > 0) Atomics.wait(cell, 0, 0, waitMs);
  const from = at;
  for (const now = nowUs(); at < times.length && times[at] <= now; ) at += 1;
  if (at > from) parentPort.postMessage(times.slice(from, at));
}
`;

export interface Ticker {
  /** Resolves when all times have been called, or none will be any more. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** Calls `onTick` once for each time (monotonic microseconds, rising), never early. */
export function startTicker(times: readonly number[], onTick: (atUs: number) => void): Ticker {
  const worker = new Worker(script, { eval: true, workerData: { times } });
  let isStopped = false;
  worker.on('message', (due: readonly number[]) => {
    if (!isStopped) for (const atUs of due) onTick(atUs);
  });
  return {
    // Its messages are handed over before its exit is.
    ended: new Promise((resolve) => worker.once('exit', () => resolve())),
    stop: () => {
      isStopped = true;
      void worker.terminate();
    },
  };
}

/** Poisson arrivals: independent users. `random` gives 0 … 1. */
export function arrivals(
  { fromUs, toUs, perSecond }: { readonly fromUs: number; readonly toUs: number; readonly perSecond: number },
  random: () => number,
): number[] {
  const times: number[] = [];
  for (let at = fromUs; ;) {
    at += (-Math.log(1 - random()) / perSecond) * 1_000_000;
    if (at >= toUs) return times;
    times.push(at);
  }
}
