// Pages of one conversation's log: `after` forward, `before` backward, or the newest. The owner says what the asker may
// see and how far the log has come; the bodies come from wherever they are. A page has no hole, or it is an error.
import { type ErrorName, parseConversation, type parley, wire } from '@parley/protocol';
import { type Result, err, ok } from '@parley/std';
import type { Identity } from '../auth/token-verifier.ts';
import type { HistoryFailure, HistoryReader, HistoryRequest } from '../http/history-reader.ts';
import type { EntityQuery } from '../query/entity-query.ts';
import type { ConversationHeads } from './conversation-heads.ts';
import type { Message, MessageBodies } from './message-bodies.ts';

export interface PageLimits {
  readonly historyMessagesDefault: number;
  readonly historyMessagesMax: number;
  readonly pageBytesMax: number;
}

export interface ConversationPagesParts {
  readonly queries: EntityQuery;
  readonly heads: ConversationHeads;
  readonly bodies: MessageBodies;
  readonly limits: PageLimits;
}

type Page = parley.v1.HistoryPage;
interface DirectedRequest extends HistoryRequest {
  readonly direction: 'forward' | 'backward' | 'newest';
}
interface Span {
  readonly from: number;
  /** Last sequence; never 0 here. */
  readonly to: number;
}

export class ConversationPages implements HistoryReader {
  readonly #parts: ConversationPagesParts;

  constructor(parts: ConversationPagesParts) {
    this.#parts = parts;
  }

  page(asker: Identity, request: HistoryRequest): Promise<Result<Page, HistoryFailure>> {
    const { before, after } = request;
    if (before > 0 && after > 0) {
      return Promise.resolve(err({ code: 'BAD_REQUEST', message: 'Give before or after, not both.' }));
    }
    const direction = after > 0 ? 'forward' : before > 0 ? 'backward' : 'newest';
    return this.#read(asker, { ...request, direction });
  }

  /** What follows a cursor; 0 is the start of the log. */
  pageAfter(asker: Identity, cursor: { conversation: string; after: number; limit: number }) {
    return this.#read(asker, { ...cursor, before: 0, direction: 'forward' });
  }

  async #read(asker: Identity, request: DirectedRequest): Promise<Result<Page, HistoryFailure>> {
    const { conversation, before, after, direction } = request;
    const address = parseConversation(conversation);
    if (address === undefined) return err({ code: 'BAD_ID' });
    if (address.type === 'direct' && address.first !== asker.user && address.second !== asker.user) {
      return err({ code: 'NOT_A_MEMBER' });
    }
    const { historyMessagesDefault, historyMessagesMax } = this.#parts.limits;
    const limit = Math.min(request.limit > 0 ? request.limit : historyMessagesDefault, historyMessagesMax);
    const range = await this.#rangeOf(asker, request, limit);
    if (!range.ok) return range;
    const answer = await this.#parts.queries.ask(
      { type: address.type, tenant: asker.tenant, id: address.id },
      { log: { reader: asker.user, ...range.value } },
    );
    if (!answer.ok) return err({ code: answer.error });
    const log = answer.value.log;
    const head = log?.head ?? 0;
    if (after > head || before > head + 1) return err({ code: 'SEQUENCE_FROM_FUTURE' });
    const spans = closedSpans(log?.spans ?? [], head);
    const isForward = direction === 'forward';
    const sequences = isForward ? firstOf(spans, after, limit) : lastOf(spans, before || head + 1, limit);
    const messages = await this.#bodiesOf(asker, conversation, { sequences, known: log?.messages ?? [] });
    if (!messages.ok) return err({ code: messages.error });
    return ok(this.#pageOf(conversation, { messages: messages.value, spans, head, isForward }));
  }

  /** Which part of its memory the owner is asked for. What it no longer holds comes from elsewhere. */
  async #rangeOf(
    asker: Identity,
    { conversation, before, after, direction }: DirectedRequest,
    limit: number,
  ): Promise<Result<{ from: number; to: number }, HistoryFailure>> {
    if (direction === 'forward') return ok({ from: after + 1, to: after + limit });
    if (direction === 'backward')
      return ok({ from: Math.max(1, before - limit), to: Math.max(1, before - 1) });
    const newest = await this.#parts.heads.ask(asker, conversation);
    if (!newest.ok) return err({ code: newest.error.code });
    const { head } = newest.value;
    return ok({ from: Math.max(1, head - limit + 1), to: head });
  }

  async #bodiesOf(
    asker: Identity,
    conversation: string,
    { sequences, known }: { sequences: readonly number[]; known: readonly Message[] },
  ): Promise<Result<Message[], ErrorName>> {
    const found = new Map<number, Message>();
    for (const message of known) {
      found.set(message.sequence ?? 0, message);
      this.#parts.bodies.remember(asker.tenant, message);
    }
    const missing = sequences.filter((sequence) => !found.has(sequence));
    if (missing.length > 0) {
      // The owner has just given all it holds of them.
      const bodies = await this.#parts.bodies.find(asker, new Map([[conversation, missing]]), {
        asksOwner: false,
      });
      if (!bodies.ok) return bodies;
      const messages = bodies.value.of(conversation);
      for (const sequence of missing) found.set(sequence, wire.Message.decode(messages.get(sequence)!));
    }
    return ok(sequences.map((sequence) => found.get(sequence)!));
  }

  #pageOf(
    conversation: string,
    {
      messages,
      spans,
      head,
      isForward,
    }: { messages: Message[]; spans: readonly Span[]; head: number; isForward: boolean },
  ): Page {
    const kept = withinBytes(messages, this.#parts.limits.pageBytesMax, isForward);
    const first = kept[0]?.sequence ?? 0;
    const last = kept.at(-1)?.sequence ?? 0;
    const isMore = isForward ? spans.some(({ to }) => to > last) : spans.some(({ from }) => from < first);
    return new wire.HistoryPage({
      conversation,
      messages: kept,
      head,
      more: kept.length > 0 && isMore,
      firstVisible: spans[0]?.from ?? 0,
    });
  }
}

const closedSpans = (spans: readonly parley.internal.v1.Span.$Properties[], head: number): Span[] =>
  spans
    .map(({ from, to }) => ({ from: Math.max(1, from ?? 1), to: Math.min(to || head, head) }))
    .filter(({ from, to }) => from <= to);

/** The first `limit` readable sequences after `after`. */
function firstOf(spans: readonly Span[], after: number, limit: number): number[] {
  const sequences: number[] = [];
  for (const { from, to } of spans) {
    for (let at = Math.max(from, after + 1); at <= to && sequences.length < limit; at++) sequences.push(at);
  }
  return sequences;
}

/** The last `limit` readable sequences before `before`, rising. */
function lastOf(spans: readonly Span[], before: number, limit: number): number[] {
  const sequences: number[] = [];
  for (const { from, to } of [...spans].reverse()) {
    for (let at = Math.min(to, before - 1); at >= from && sequences.length < limit; at--) sequences.push(at);
  }
  return sequences.reverse();
}

/** As many as fit, from the start when paging forward, from the end otherwise; at least one. */
function withinBytes(messages: readonly Message[], bytesMax: number, isForward: boolean): Message[] {
  const ordered = isForward ? messages : [...messages].reverse();
  const kept: Message[] = [];
  let bytes = 0;
  for (const message of ordered) {
    bytes += bodyBytes(message);
    if (kept.length > 0 && bytes > bytesMax) break;
    kept.push(message);
  }
  return isForward ? kept : kept.reverse();
}

/** About what a message costs in a page. */
export const bodyBytes = (message: Message): number => 128 + Buffer.byteLength(message.text ?? '');
