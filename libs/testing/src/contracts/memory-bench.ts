// The bench of the twins: one MemoryCluster under a simulated clock.
import { MemoryCluster } from '@parley/adapters';
import { SimulatedClock } from '../simulation/simulated-clock.ts';
import { FreshNames, type PortBench } from './port-bench.ts';

const stepMs = 50;
const limitMsDefault = 60_000;

export function memoryBench(): PortBench {
  const clock = new SimulatedClock();
  const cluster = new MemoryCluster({ clock });
  const fresh = new FreshNames();
  return {
    node: (name) => Promise.resolve(cluster.node(name)),
    freshShard: () => fresh.shard(),
    freshName: (prefix) => fresh.name(prefix),
    advanceWatermark: (shard, sequence) => {
      cluster.node('history').trimGuard.advance(shard, sequence);
      return Promise.resolve();
    },
    until: async (what, condition, limitMs = limitMsDefault) => {
      for (let passedMs = 0; !(await condition()); passedMs += stepMs) {
        if (passedMs > limitMs) throw new Error(`${what}: not within ${limitMs} simulated ms`);
        await clock.advance(stepMs);
      }
    },
    stop: () => Promise.resolve(),
  };
}
