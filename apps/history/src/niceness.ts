// History gives way: on a machine that it shares with gateways, actors and NATS nobody waits for what it does, but
// everybody waits for the core that it holds when it has a batch to write.
import { readdirSync } from 'node:fs';
import os from 'node:os';

const threadsFolder = '/proc/self/task';

/**
 * Makes this process at least so nice, with the threads that it has and (they inherit it) those it starts later: call it
 * before the embedded engine is opened. Never less nice than the process was started, which would need a privilege.
 */
export function giveWay(niceness: number): void {
  // Linux counts it by thread, and 0 is the calling one; elsewhere 0 is the process.
  const threads = process.platform === 'linux' ? readdirSync(threadsFolder).map(Number) : [0];
  for (const thread of threads) {
    try {
      os.setPriority(thread, Math.max(niceness, os.getPriority(thread)));
    } catch {
      // It has ended since, or the machine does not allow it: then history goes on as everybody.
    }
  }
}
