// Through what time tenants have deleted what was said, as history tells it. Whatever is older is taken from nobody's memory
// (owners, the Redis tail, this process): history knows what is left of it, and what is on hold (INV-12).
import { type KeyValue, type Watch } from '@parley/runtime';
import { sentAtMsOf } from './encoded-message.ts';

export class DeletionTimes {
  readonly #byTenant = new Map<string, number>();
  #watch: Watch | undefined;

  /** Follows the bucket in which history writes them. Resolves when all that are there are known. */
  static async follow(bucket: KeyValue): Promise<DeletionTimes> {
    const times = new DeletionTimes();
    times.#watch = await bucket.watch(({ key, entry }) => {
      // They only rise: what is gone does not come back.
      if (entry !== undefined) times.#note(key, Number(Buffer.from(entry.value).toString('utf8')));
    });
    return times;
  }

  stop(): void {
    this.#watch?.stop();
  }

  /** Whether a message may have been deleted. What history gives in the place of a deleted one has no time. */
  mayHaveDeleted(tenant: string, sentAtMs: number): boolean {
    return sentAtMs > 0 && sentAtMs < (this.#byTenant.get(tenant) ?? 0);
  }

  /** The same of an encoded message; looks into it only where the tenant deletes at all. */
  mayHaveDeletedEncoded(tenant: string, message: Uint8Array): boolean {
    return this.#byTenant.has(tenant) && this.mayHaveDeleted(tenant, sentAtMsOf(message));
  }

  #note(tenant: string, beforeMs: number): void {
    if (beforeMs > (this.#byTenant.get(tenant) ?? 0)) this.#byTenant.set(tenant, beforeMs);
  }
}
