// Messages on their way out. Per conversation in order, several in flight at once: each names its unanswered predecessor,
// so the server refuses what would overtake. Kept over reconnects; a message leaves with `sent` or a final error.
import type { Random } from '@parley/std';
import { fullJitterMs } from '../backoff.ts';
import { type ClientError, localError } from '../client-error.ts';
import type { RichContent, Sent } from '../frames.ts';
import type { ClientLimits } from '../limits.ts';
import type { Session } from './session.ts';

export interface OutboxItem {
  readonly conversation: string;
  readonly clientMessageId: string;
  readonly text: string;
  readonly rich?: RichContent;
}

/** Ids of answered messages that are remembered, to know a repeat; an older one counts as a new message. */
const answeredIdsMax = 1_000;

interface Item extends OutboxItem {
  /** Its id was given before. The server knows it, so it proves nothing about what stands before it here. */
  readonly isRepeat: boolean;
  /** The session it is in flight on; undefined while it waits. */
  session: Session | undefined;
  attempts: number;
  resolve(sent: Sent): void;
  reject(error: ClientError): void;
}

interface Lane {
  /** All unanswered ones, in the order they were given. */
  readonly items: Item[];
  /** Nothing is sent before this, monotonic. */
  pausedUntilMs: number;
}

export interface OutboxOptions {
  readonly limits: ClientLimits;
  readonly random: Random;
  nowMs(): number;
  /** The session to send on; undefined while there is none. */
  session(): Session | undefined;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Conversation and client message id, the oldest first. */
  readonly #answered = new Set<string>();
  #size = 0;
  #inFlight = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Messages without an answer. */
  get size(): number {
    return this.#size;
  }

  pending(conversation: string): readonly OutboxItem[] {
    return this.#lanes.get(conversation)?.items ?? [];
  }

  /** Resolves when the message is durable. The same item may be added again: as after a lost ack. */
  add(item: OutboxItem): Promise<Sent> {
    const { outboxMax } = this.#options.limits;
    if (this.#size >= outboxMax)
      return Promise.reject(localError('OUTBOX_FULL', `${outboxMax} messages are waiting`, true));
    return new Promise((resolve, reject) => {
      let lane = this.#lanes.get(item.conversation);
      if (lane === undefined) this.#lanes.set(item.conversation, (lane = { items: [], pausedUntilMs: 0 }));
      const isRepeat =
        this.#answered.has(answeredKey(item)) ||
        lane.items.some(({ clientMessageId }) => clientMessageId === item.clientMessageId);
      lane.items.push({ ...item, isRepeat, session: undefined, attempts: 0, resolve, reject });
      this.#size++;
      this.#pump(lane);
    });
  }

  /** After a new session, and on each tick: sends whatever may go now. */
  pumpAll(): void {
    if (this.#size === 0) return;
    for (const lane of this.#lanes.values()) this.#pump(lane);
  }

  rejectAll(error: ClientError): void {
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    this.#size = 0;
    for (const lane of lanes) for (const item of lane.items) item.reject(error);
  }

  #pump(lane: Lane): void {
    const session = this.#options.session();
    if (session === undefined || lane.pausedUntilMs > this.#options.nowMs()) return;
    let predecessor = '';
    for (const item of lane.items) {
      if (item.session === undefined) {
        if (this.#inFlight >= this.#options.limits.sendsInFlightMax) return;
        this.#send(lane, item, predecessor, session);
      }
      if (!item.isRepeat) predecessor = item.clientMessageId;
    }
  }

  #send(lane: Lane, item: Item, predecessor: string, session: Session): void {
    item.session = session;
    this.#inFlight++;
    const { conversation, clientMessageId, text, rich } = item;
    // A message never comes after itself: the same one added twice is a retry.
    const afterClientMessageId = predecessor === clientMessageId ? '' : predecessor;
    const send = { conversation, clientMessageId, text, afterClientMessageId };
    session.ask({ send: rich === undefined ? send : { ...send, rich } }, (error, frame) => {
      this.#inFlight--;
      item.session = undefined;
      if (frame?.sent) {
        this.#remember(item);
        this.#settle(lane, item, () => item.resolve(frame.sent!));
      } else if (error === undefined)
        this.#settle(lane, item, () =>
          item.reject(localError('BAD_ANSWER', 'send was not answered by sent')),
        );
      else if (!error.retryable) this.#settle(lane, item, () => item.reject(error));
      else this.#pauseForRetry(lane, item, error);
    });
  }

  #pauseForRetry(lane: Lane, item: Item, error: ClientError): void {
    const { limits, random } = this.#options;
    // A lost connection or a missing predecessor is no sign of load: go on with the next session, the next beat.
    if (error.code === 'DISCONNECTED') return;
    const attempt = error.code === 'PREDECESSOR_MISSING' ? 0 : item.attempts++;
    const bounds = { baseMs: limits.backoffBaseMs, maxMs: limits.backoffMaxMs };
    const jitterMs = error.code === 'PREDECESSOR_MISSING' ? 0 : fullJitterMs(attempt, bounds, random);
    lane.pausedUntilMs = Math.max(lane.pausedUntilMs, this.#options.nowMs() + error.retryAfterMs + jitterMs);
  }

  #remember(item: Item): void {
    this.#answered.add(answeredKey(item));
    if (this.#answered.size <= answeredIdsMax) return;
    for (const oldest of this.#answered) {
      this.#answered.delete(oldest);
      return;
    }
  }

  #settle(lane: Lane, item: Item, tell: () => void): void {
    const index = lane.items.indexOf(item);
    // Gone already: the outbox was emptied.
    if (index < 0) return;
    lane.items.splice(index, 1);
    this.#size--;
    if (lane.items.length === 0) this.#lanes.delete(item.conversation);
    tell();
    if (lane.items.length > 0) this.#pump(lane);
  }
}

const answeredKey = ({ conversation, clientMessageId }: OutboxItem): string =>
  `${conversation} ${clientMessageId}`;
