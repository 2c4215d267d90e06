// Requests handed to a shard that have no reply yet. Each ends exactly once: with a reply, or with TIMEOUT.
import type { Clock } from '@parley/std';
import type { ShardLine } from './shard-line.ts';

/** `body`: an encoded ServerFrame without request id, a view that is valid during the call. */
export type Reply =
  | { readonly outcome: 'answered'; readonly body: Uint8Array; readonly epoch: number }
  | { readonly outcome: 'timeout' };

interface Pending {
  readonly line: ShardLine;
  deadlineMs: number;
  readonly onReply: (reply: Reply) => void;
}

export class PendingRequests {
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Returns the request id to send along. */
  open(line: ShardLine, timeoutMs: number, onReply: (reply: Reply) => void): number {
    const id = ++this.#lastId;
    this.#pending.set(id, { line, deadlineMs: this.#clock.monotonicMs() + timeoutMs, onReply });
    line.pendingCount++;
    return id;
  }

  /** A reply nobody waits for any more is dropped: its request has timed out. */
  answer(id: number, body: Uint8Array, epoch: number): void {
    this.#close(id)?.onReply({ outcome: 'answered', body, epoch });
  }

  /** What has been asked so far may be lost, command or reply: its asker waits no longer than this. All shards, or one. */
  doubt(withinMs: number, shardName?: string): void {
    const deadlineMs = this.#clock.monotonicMs() + withinMs;
    for (const pending of this.#pending.values()) {
      if (shardName === undefined || pending.line.name === shardName)
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
    pending.line.pendingCount--;
    return pending;
  }
}
