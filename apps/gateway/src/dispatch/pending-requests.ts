// Requests handed to a shard that have no reply yet. Each ends exactly once: with a reply, or with TIMEOUT.
import { type ShardId, shardName } from '@parley/runtime';
import type { Clock } from '@parley/std';

/** `body`: an encoded ServerFrame without request id, a view that is valid during the call. */
export type Reply =
  | { readonly outcome: 'answered'; readonly body: Uint8Array; readonly epoch: number }
  | { readonly outcome: 'timeout' };

interface Pending {
  readonly shardName: string;
  deadlineMs: number;
  readonly onReply: (reply: Reply) => void;
}

export class PendingRequests {
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  readonly #perShard = new Map<string, number>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#pending.size;
  }

  countOf(shard: ShardId): number {
    return this.#perShard.get(shardName(shard)) ?? 0;
  }

  /** Returns the request id to send along. */
  open(shard: ShardId, timeoutMs: number, onReply: (reply: Reply) => void): number {
    const id = ++this.#lastId;
    const name = shardName(shard);
    this.#pending.set(id, { shardName: name, deadlineMs: this.#clock.monotonicMs() + timeoutMs, onReply });
    this.#perShard.set(name, (this.#perShard.get(name) ?? 0) + 1);
    return id;
  }

  /** A reply nobody waits for any more is dropped: its request has timed out. */
  answer(id: number, body: Uint8Array, epoch: number): void {
    this.#close(id)?.onReply({ outcome: 'answered', body, epoch });
  }

  /** What has been asked so far may be lost, command or reply: its asker waits no longer than this. All shards, or one. */
  doubt(withinMs: number, shard?: string): void {
    const deadlineMs = this.#clock.monotonicMs() + withinMs;
    for (const pending of this.#pending.values()) {
      if (shard === undefined || pending.shardName === shard)
        pending.deadlineMs = Math.min(pending.deadlineMs, deadlineMs);
    }
  }

  /** Ends what is past its deadline. */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [id, { deadlineMs }] of this.#pending) {
      if (deadlineMs <= nowMs) this.#close(id)?.onReply({ outcome: 'timeout' });
    }
  }

  #close(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    const left = (this.#perShard.get(pending.shardName) ?? 1) - 1;
    if (left === 0) this.#perShard.delete(pending.shardName);
    else this.#perShard.set(pending.shardName, left);
    return pending;
  }
}
