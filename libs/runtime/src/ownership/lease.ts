// This process's lease: a key with a time to live in the members bucket, renewed on the main loop. It never excludes
// anybody (only the journal's fence does); it tells the others that we live, and us when to stop acting.
import type { Clock, Timer } from '@parley/std';
import type { RuntimeLimits } from '../limits.ts';
import type { KeyValue, Log } from '../ports/index.ts';
import { encodeRow } from './owner-row.ts';

export interface LeaseOptions {
  readonly nodeId: string;
  readonly kind: string;
  readonly members: KeyValue;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly log: Log;
  /** Called once each time the lease runs out while it was held. */
  readonly onLost: () => void;
}

export class Lease {
  readonly key: string;
  readonly #options: LeaseOptions;
  #validUntilMs = 0;
  #revision = 0;
  #state: 'up' | 'leaving' = 'up';
  #isHeld = false;
  #isStopped = false;
  #timer: Timer | undefined;
  /** Renewals run one after another: two at once would conflict with each other. */
  #renewing: Promise<void> = Promise.resolve();

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.key = `${options.kind}.${options.nodeId}`;
  }

  /** Counted from when the last successful renewal was sent, on the monotonic clock, with a margin. */
  get isValid(): boolean {
    return this.#options.clock.monotonicMs() < this.#validUntilMs;
  }

  async start(): Promise<void> {
    await this.#renew();
    this.#schedule();
  }

  /** Tells the allocator that this process wants to give its shards away. */
  async markLeaving(): Promise<void> {
    this.#state = 'leaving';
    await this.#renew();
  }

  /** Gives the lease back, so that nobody waits for it to run out. */
  async release(): Promise<void> {
    this.stop();
    // A renewal that is still on its way would bring the key back.
    await this.#renewing.catch(() => undefined);
    await this.#options.members.delete(this.key);
  }

  stop(): void {
    this.#isStopped = true;
    this.#validUntilMs = 0;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(this.#options.limits.leaseRenewMs, () => {
      void this.#renew()
        .catch((cause: unknown) =>
          this.#options.log.warn({ cause: String(cause) }, 'lease not renewed, trying again'),
        )
        .finally(() => this.#schedule());
    });
    if (this.#isHeld && !this.isValid) this.#lost();
  }

  #lost(): void {
    this.#isHeld = false;
    this.#options.log.error(
      { nodeId: this.#options.nodeId },
      'lease ran out: NATS was out of reach; shards are dropped',
    );
    this.#options.onLost();
  }

  #renew(): Promise<void> {
    const renewed = this.#renewing.catch(() => undefined).then(() => this.#renewOnce());
    this.#renewing = renewed;
    return renewed;
  }

  async #renewOnce(): Promise<void> {
    if (this.#isStopped) return;
    const { nodeId, kind, members, clock, limits } = this.#options;
    if (this.#isHeld && !this.isValid) this.#lost();
    const sentMs = clock.monotonicMs();
    const value = encodeRow({ nodeId, kind, state: this.#state });
    const options = { ttlMs: limits.leaseTtlMs };
    let result = await members.write(this.key, value, this.#revision, options);
    if (result.outcome === 'conflict') {
      // Expired and removed, declared dead, or a renewal whose answer was lost: the key is ours in any case.
      const found = await members.get(this.key);
      result = await members.write(this.key, value, found?.revision ?? 0, options);
    }
    if (result.outcome === 'conflict' || this.#isStopped) return;
    this.#revision = result.revision;
    this.#validUntilMs = sentMs + limits.leaseTtlMs - limits.leaseMarginMs;
    this.#isHeld = true;
  }
}
