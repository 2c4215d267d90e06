// Finds the place of a time in a conversation: the first readable message sent at or after it. What the store has is asked
// there; what is newer is looked through in the owner's memory and the Redis tail. Never a guess: when some of the newer
// messages cannot be had yet, that is HISTORY_BEHIND.
import { type ErrorName, internal, type parley, timeMsMax, wire } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import { type Result, err, ok } from '@parley/std';
import { askHistory } from '../query/history-question.ts';
import type { Identity } from '../auth/token-verifier.ts';
import type { Message, MessageBodies } from './message-bodies.ts';
import { type Span, firstOf } from './page-window.ts';

export interface DateJumpParts {
  readonly messenger: Messenger;
  readonly bodies: MessageBodies;
  readonly limits: { readonly historyTimeoutMs: number };
}

/** What the owner has said of the conversation. */
export interface OwnersView {
  readonly conversation: string;
  readonly spans: readonly Span[];
  /** The newest messages, as many as the owner holds, rising. */
  readonly newest: readonly Message[];
}

/** Messages newer than the store that are looked through at a time. */
const sequencesAtOnce = 200;

export class DateJump {
  readonly #parts: DateJumpParts;

  constructor(parts: DateJumpParts) {
    this.#parts = parts;
  }

  /** A sequence; beyond the last readable one when nothing was sent since. */
  async find(asker: Identity, view: OwnersView, atMs: number): Promise<Result<number, ErrorName>> {
    const first = view.spans[0]?.from;
    const end = (view.spans.at(-1)?.to ?? 0) + 1;
    if (first === undefined) return ok(end);
    const isAtOrAfter = (message: Message) => (message.sentAtMs ?? 0) >= atMs;
    const oldestHeld = view.newest[0]?.sequence ?? end;
    // All of a young conversation is in its owner's memory: nobody else need be asked.
    if (oldestHeld <= first) return ok(view.newest.find(isAtOrAfter)?.sequence ?? end);
    // A later time than the store can hold is as good as its end.
    const stored = await this.#askStore(asker.tenant, view, Math.min(atMs, timeMsMax));
    if (!stored.ok) return stored;
    if (stored.value.sequence > 0) return ok(stored.value.sequence);
    return this.#findNewer(asker, view, { after: stored.value.completeThrough, end, isAtOrAfter });
  }

  async #askStore(
    tenant: string,
    { conversation, spans }: OwnersView,
    atMs: number,
  ): Promise<Result<parley.internal.v1.HistoryLocateAnswer, ErrorName>> {
    const { messenger, limits } = this.#parts;
    const request = internal.HistoryLocateRequest.encode({
      tenant,
      conversation,
      atMs,
      spans: [...spans],
    }).finish();
    const decode = (bytes: Uint8Array) => internal.HistoryLocateAnswer.decode(bytes);
    const question = { verb: 'locate', bytes: request, timeoutMs: limits.historyTimeoutMs, decode } as const;
    const answer = await askHistory(messenger, question);
    return answer.ok ? answer : err(answer.error.code);
  }

  /** Those beyond the store, from the oldest on: they are few unless the store stands still. */
  async #findNewer(
    asker: Identity,
    { conversation, spans, newest }: OwnersView,
    { after, end, isAtOrAfter }: { after: number; end: number; isAtOrAfter: (message: Message) => boolean },
  ): Promise<Result<number, ErrorName>> {
    const held = new Map(newest.map((message) => [message.sequence ?? 0, message]));
    for (let from = after; ;) {
      const sequences = firstOf(spans, from, sequencesAtOnce);
      if (sequences.length === 0) return ok(end);
      const missing = sequences.filter((sequence) => !held.has(sequence));
      const bodies = await this.#parts.bodies.find(asker, new Map([[conversation, missing]]), {
        asksOwner: false,
      });
      if (!bodies.ok) return bodies;
      const others = bodies.value.of(conversation);
      const messages = sequences.map(
        (sequence) => held.get(sequence) ?? wire.Message.decode(others.get(sequence)!),
      );
      const found = messages.find(isAtOrAfter);
      if (found !== undefined) return ok(found.sequence ?? end);
      from = sequences.at(-1) ?? end;
    }
  }
}
