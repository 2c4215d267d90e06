// The recent tail in memory: the twin of RedisTail for tests and for a single process. Shares its contract suite.
import type { Clock } from '@parley/std';
import type { MessageTail, TailAppend, TailLimits, TailMessage, TailRange } from '../ports/message-tail.ts';
import { tailLimits } from '../ports/message-tail.ts';

interface Conversation {
  /** Rising by sequence. */
  messages: TailMessage[];
  expiresAtMs: number;
}

export class MemoryMessageTail implements MessageTail {
  readonly #conversations = new Map<string, Conversation>();
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #limits: TailLimits;

  constructor(clock: Pick<Clock, 'monotonicMs'>, limits: TailLimits = tailLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  append(batch: readonly TailAppend[]): Promise<boolean> {
    for (const { tenant, conversation, messages } of batch) {
      const fresh = messages.filter((message) => message.bytes.length <= this.#limits.messageBytesMax);
      if (fresh.length > 0) this.#append(`${tenant}/${conversation}`, fresh);
    }
    return Promise.resolve(true);
  }

  read(tenant: string, ranges: readonly TailRange[]): Promise<readonly (readonly TailMessage[])[]> {
    const answers = ranges.map(({ conversation, from, to }) =>
      this.#live(`${tenant}/${conversation}`).filter(({ sequence }) => sequence >= from && sequence <= to),
    );
    return Promise.resolve(answers);
  }

  #append(key: string, fresh: readonly TailMessage[]): void {
    const bySequence = new Map(this.#live(key).map((message) => [message.sequence, message]));
    // The caller's bytes may be a view on a larger buffer that it goes on using.
    for (const { sequence, bytes } of fresh) bySequence.set(sequence, { sequence, bytes: bytes.slice() });
    const messages = [...bySequence.values()].sort((one, other) => one.sequence - other.sequence);
    const expiresAtMs = this.#clock.monotonicMs() + this.#limits.ttlMs;
    this.#conversations.set(key, { messages: messages.slice(-this.#limits.messagesMax), expiresAtMs });
  }

  #live(key: string): readonly TailMessage[] {
    const found = this.#conversations.get(key);
    if (found === undefined) return [];
    if (found.expiresAtMs > this.#clock.monotonicMs()) return found.messages;
    this.#conversations.delete(key);
    return [];
  }
}
