// A lease is over when its time is over: a key in the members bucket that nobody has renewed for longer than its time to
// live (and the latest expiry the weather makes) would keep the shards of a hung process from everybody, for ever.
import type { MemoryCluster } from '@parley/adapters';
import { buckets } from '@parley/protocol';
import type { RuntimeLimits } from '@parley/runtime';
import type { SimulatedClock } from './simulated-clock.ts';
import type { Trace } from './trace.ts';

const lateExpiryMs = 10_000;
const lookEveryMs = 1_000;

export class LeaseAuditor {
  readonly #clock: SimulatedClock;
  readonly #memory: MemoryCluster;
  readonly #limits: RuntimeLimits;
  readonly #trace: Trace;
  readonly #renewedMs = new Map<string, number>();

  constructor(memory: MemoryCluster, clock: SimulatedClock, limits: RuntimeLimits, trace: Trace) {
    this.#memory = memory;
    this.#clock = clock;
    this.#limits = limits;
    this.#trace = trace;
  }

  start(): void {
    this.#memory.bucket(buckets.members).watch(({ key, entry }) => {
      if (entry === undefined) this.#renewedMs.delete(key);
      else this.#renewedMs.set(key, this.#clock.monotonicMs());
    });
    this.#look();
  }

  #look(): void {
    const oldestMs = this.#clock.monotonicMs() - this.#limits.leaseTtlMs - lateExpiryMs;
    for (const [key, renewedMs] of this.#renewedMs) {
      if (renewedMs < oldestMs) this.#trace.violate('lease', `${key} outlives its lease`);
    }
    this.#clock.after(lookEveryMs, () => this.#look());
  }
}
