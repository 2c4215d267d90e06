// Looks whether other processes live: their request subject answers "no responders" at once when the process is gone.
// Two misses half a second apart, while our own connection is healthy, mean dead. A process that hangs answers nothing
// and is left to its lease.
import type { Messenger } from '../ports/index.ts';
import type { RuntimeSubjects } from '../shard/shard-options.ts';

const nothing = new Uint8Array();

export class Prober {
  readonly #messenger: Messenger;
  readonly #subjects: RuntimeSubjects;
  readonly #timeoutMs: number;
  readonly #misses = new Map<string, number>();

  constructor(messenger: Messenger, subjects: RuntimeSubjects, timeoutMs: number) {
    this.#messenger = messenger;
    this.#subjects = subjects;
    this.#timeoutMs = timeoutMs;
  }

  /** True when the node has missed two probes in a row. One probe per call: call it at the named interval. */
  async isDead(nodeId: string): Promise<boolean> {
    const { outcome } = await this.#messenger.request(this.#subjects.node(nodeId), nothing, this.#timeoutMs);
    if (outcome !== 'no-responders' || !this.#messenger.isConnected) {
      this.#misses.delete(nodeId);
      return false;
    }
    const misses = (this.#misses.get(nodeId) ?? 0) + 1;
    this.#misses.set(nodeId, misses);
    return misses >= 2;
  }

  forget(nodeId: string): void {
    this.#misses.delete(nodeId);
  }
}
