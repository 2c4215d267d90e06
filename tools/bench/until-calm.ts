// Waits until what making and connecting the people has left behind is done: history catching up, snapshots of who has
// changed. Beside it, a measured minute would tell of the minutes before.
import { setTimeout as delay } from 'node:timers/promises';
import type { Stand } from './stand.ts';
import { usageOf, usedBetween } from './process-meter.ts';

/** Calm: all processes together use no more than this share of one core. */
const calmCores = 0.2;
/** Whoever is not calm by then is measured as they are. */
const limitMs = 120_000;
const lookMs = 1_000;

/** `seconds`: how long it has to be calm. */
export async function untilCalm(stand: Stand, say: (line: string) => void, seconds = 1): Promise<void> {
  const startedMs = performance.now();
  const waitedMs = () => performance.now() - startedMs;
  let before = usageOf(stand.processes);
  let calmLooks = 0;
  say('  waiting until the cluster is calm');
  while (calmLooks < seconds && waitedMs() < limitMs) {
    await delay(lookMs);
    const now = usageOf(stand.processes);
    const used = Object.values(usedBetween(before, now)).reduce((sum, one) => sum + one.cpuSeconds, 0);
    calmLooks = used * 1_000 < calmCores * lookMs ? calmLooks + 1 : 0;
    before = now;
  }
  say(`  calm after ${Math.round(waitedMs() / 1_000)} s`);
}
