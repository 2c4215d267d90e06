// Looks whether other processes live: their request subject answers "no responders" at once when the process is gone.
// Two misses a named interval apart, while our own connection is healthy, mean dead. A process that hangs answers nothing
// and is left to its lease.
import type { Clock } from '@parley/std';
import type { Messenger } from '../ports/index.ts';
import type { RuntimeSubjects } from '../shard/shard-options.ts';

const nothing = new Uint8Array();

export class Prober {
  readonly #messenger: Messenger;
  readonly #subjects: RuntimeSubjects;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  /** When each node missed its first probe in a row. */
  readonly #missedSinceMs = new Map<string, number>();

  /** `intervalMs`: how far apart two misses must be at least. A probe waits twice as long for its answer. */
  constructor(messenger: Messenger, subjects: RuntimeSubjects, clock: Clock, intervalMs: number) {
    this.#messenger = messenger;
    this.#subjects = subjects;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** True when the node has missed two probes in a row, the interval apart. One probe per call; may be called often. */
  async isDead(nodeId: string): Promise<boolean> {
    const subject = this.#subjects.node(nodeId);
    const { outcome } = await this.#messenger.request(subject, nothing, this.#intervalMs * 2);
    if (outcome !== 'no-responders' || !this.#messenger.isConnected) {
      this.#missedSinceMs.delete(nodeId);
      return false;
    }
    const nowMs = this.#clock.monotonicMs();
    const missedSinceMs = this.#missedSinceMs.get(nodeId);
    if (missedSinceMs === undefined) this.#missedSinceMs.set(nodeId, nowMs);
    return missedSinceMs !== undefined && nowMs - missedSinceMs >= this.#intervalMs;
  }

  forget(nodeId: string): void {
    this.#missedSinceMs.delete(nodeId);
  }
}
