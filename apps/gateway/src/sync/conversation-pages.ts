// Pages of one conversation's log: `after` forward, `before` backward, `around` a sequence or a time, or the newest. The
// owner says what the asker may see and how far the log has come; the bodies come from wherever they are. A page has no
// hole, or it is an error.
import { type ErrorName, parseConversation, type parley, wire } from '@parley/protocol';
import { type Result, err, ok } from '@parley/std';
import type { Identity } from '../auth/token-verifier.ts';
import type { HistoryReader, HistoryRequest } from '../http/history-reader.ts';
import type { EntityQuery } from '../query/entity-query.ts';
import type { HistoryFailure } from '../query/history-question.ts';
import type { Sealing } from '../sealing/sealing.ts';
import { type Change, broughtUp, editsToRead } from './changed-messages.ts';
import type { ConversationHeads } from './conversation-heads.ts';
import type { DateJump, OwnersView } from './date-jump.ts';
import { type OwnView, ownViewsOf, shownTo } from './own-view.ts';
import { withReactions } from './shown-marks.ts';
import type { Message, MessageBodies } from './message-bodies.ts';
import type { DeletionTimes } from './deletion-times.ts';
import {
  type Direction,
  type Span,
  aroundOf,
  closedSpans,
  firstOf,
  lastOf,
  readableFrom,
  withinBytes,
} from './page-window.ts';

export interface PageLimits {
  readonly historyMessagesDefault: number;
  readonly historyMessagesMax: number;
  readonly pageBytesMax: number;
}

export interface ConversationPagesParts {
  readonly queries: EntityQuery;
  readonly heads: ConversationHeads;
  readonly bodies: MessageBodies;
  readonly dates: DateJump;
  readonly deletions: DeletionTimes;
  /** Absent: no tenant seals. */
  readonly sealing?: Sealing | undefined;
  readonly limits: PageLimits;
}

type Page = parley.v1.HistoryPage;

interface DirectedRequest extends HistoryRequest {
  readonly direction: Direction;
}

/** Sequences the owner is asked for, both ends included; 0 is the head. */
interface Range {
  readonly from: number;
  readonly to: number;
}

interface Wanted {
  readonly sequences: readonly number[];
  /** What the owner gave of the range it was asked for, … */
  readonly known: readonly Message[];
  readonly asked: Range;
  /** … and what it knows to have been changed. */
  readonly changes: readonly Change[];
  /** It remembers as many changes as it may: what is cached may be from before one that is not among them. */
  readonly forgetsChanges: boolean;
}

interface Window {
  readonly sequences: readonly number[];
  /** Index in `sequences` where the page begins to grow. */
  readonly start: number;
  /** Of a page around a place: its sequence. */
  readonly around: number;
}

export class ConversationPages implements HistoryReader {
  readonly #parts: ConversationPagesParts;

  constructor(parts: ConversationPagesParts) {
    this.#parts = parts;
  }

  page(asker: Identity, request: HistoryRequest): Promise<Result<Page, HistoryFailure>> {
    const { before, after, around, atMs } = request;
    if ([before, after, around, atMs].filter((place) => place > 0).length > 1) {
      const message = 'Give one of before, after, around and the time, or none.';
      return Promise.resolve(err({ code: 'BAD_REQUEST', message }));
    }
    const direction =
      after > 0 ? 'forward' : before > 0 ? 'backward' : around > 0 || atMs > 0 ? 'around' : 'newest';
    return this.#open(asker, this.#read(asker, { ...request, direction }));
  }

  /** What follows a cursor; 0 is the start of the log. */
  pageAfter(
    asker: Identity,
    cursor: { conversation: string; after: number; limit: number },
    views?: readonly OwnView[],
  ) {
    return this.#open(asker, this.storedAfter(asker, cursor, views));
  }

  /** The same, with contents as they are stored: what is sealed stays so. */
  storedAfter(
    asker: Identity,
    cursor: { conversation: string; after: number; limit: number },
    views?: readonly OwnView[],
  ) {
    return this.#read(asker, { ...cursor, before: 0, around: 0, atMs: 0, direction: 'forward' }, views);
  }

  async #open(
    { tenant }: Identity,
    reading: Promise<Result<Page, HistoryFailure>>,
  ): Promise<Result<Page, HistoryFailure>> {
    const page = await reading;
    const { sealing } = this.#parts;
    if (!page.ok || sealing?.covers(tenant) !== true) return page;
    const { conversation, messages } = page.value;
    const shown = await sealing.open(tenant, messages, conversation);
    if (!shown.ok) return err({ code: shown.error });
    return ok(new wire.HistoryPage({ ...page.value, messages: shown.value }));
  }

  /** `given`: what the asker has deleted, where it is known already. */
  async #read(
    asker: Identity,
    request: DirectedRequest,
    given?: readonly OwnView[],
  ): Promise<Result<Page, HistoryFailure>> {
    const { conversation, before, after, around } = request;
    const address = parseConversation(conversation);
    if (address === undefined) return err({ code: 'BAD_ID' });
    if (address.type === 'direct' && address.first !== asker.user && address.second !== asker.user) {
      return err({ code: 'NOT_A_MEMBER' });
    }
    const { historyMessagesDefault, historyMessagesMax } = this.#parts.limits;
    const limit = Math.min(request.limit > 0 ? request.limit : historyMessagesDefault, historyMessagesMax);
    const range = await this.#rangeOf(asker, request, limit);
    if (!range.ok) return range;
    const [answer, views] = await Promise.all([
      this.#parts.queries.ask(
        { type: address.type, tenant: asker.tenant, id: address.id },
        { log: { reader: asker.user, ...range.value } },
      ),
      given === undefined ? ownViewsOf(this.#parts.queries, asker, conversation) : ok(given),
    ]);
    if (!answer.ok) return err({ code: answer.error });
    if (!views.ok) return err({ code: views.error });
    const view = views.value.find((each) => each.conversation === conversation);
    const log = answer.value.log;
    const head = log?.head ?? 0;
    // What the tenant's retention may have deleted is as if the owner had forgotten it: history knows what is left.
    const known = (log?.messages ?? []).filter(
      ({ sentAtMs }) => !this.#parts.deletions.mayHaveDeleted(asker.tenant, sentAtMs ?? 0),
    );
    if (after > head || around > head || before > head + 1) return err({ code: 'SEQUENCE_FROM_FUTURE' });
    const spans = closedSpans(log?.spans ?? [], head);
    const place = await this.#placeOf(asker, request, { conversation, spans, newest: known });
    if (!place.ok) return err({ code: place.error });
    const window = windowOf(spans, { ...request, before: before || head + 1, around: place.value }, limit);
    const messages = await this.#bodiesOf(asker, conversation, {
      sequences: window.sequences,
      known,
      asked: range.value,
      changes: log?.changes ?? [],
      forgetsChanges: log?.forgetsChanges ?? false,
    });
    if (!messages.ok) return err({ code: messages.error });
    const shown = withReactions(messages.value, log?.reactions ?? []);
    const seen = view === undefined ? shown : shown.map((message) => shownTo(view, message));
    const page = this.#pageOf(request, window, { messages: seen, spans, head });
    page.pinned = log?.pinned ?? [];
    return ok(narrowed(page, view, request.direction));
  }

  /** Which part of its memory the owner is asked for. What it no longer holds comes from elsewhere. */
  async #rangeOf(
    asker: Identity,
    { conversation, before, after, around, direction }: DirectedRequest,
    limit: number,
  ): Promise<Result<Range, HistoryFailure>> {
    if (direction === 'forward') return ok({ from: after + 1, to: after + limit });
    if (direction === 'backward')
      return ok({ from: Math.max(1, before - limit), to: Math.max(1, before - 1) });
    if (direction === 'around' && around > 0)
      return ok({ from: Math.max(1, around - limit), to: around + limit });
    // Where a time lies is not known yet: all the owner holds, which is bounded.
    if (direction === 'around') return ok({ from: 1, to: 0 });
    const newest = await this.#parts.heads.ask(asker, conversation);
    if (!newest.ok) return err({ code: newest.error.code });
    const { head } = newest.value;
    return ok({ from: Math.max(1, head - limit + 1), to: head });
  }

  /** The sequence a page is around; 0 for pages of another direction. */
  async #placeOf(
    asker: Identity,
    { direction, around, atMs }: DirectedRequest,
    view: OwnersView,
  ): Promise<Result<number, ErrorName>> {
    if (direction !== 'around') return ok(0);
    return around > 0 ? ok(around) : this.#parts.dates.find(asker, view, atMs);
  }

  async #bodiesOf(
    asker: Identity,
    conversation: string,
    { sequences, known, asked, changes, forgetsChanges }: Wanted,
  ): Promise<Result<Message[], ErrorName>> {
    const found = new Map<number, Message>();
    for (const message of known) {
      found.set(message.sequence ?? 0, message);
      this.#parts.bodies.remember(asker.tenant, message);
    }
    const missing = sequences.filter((sequence) => !found.has(sequence));
    if (missing.length > 0) {
      // Of what it was asked for the owner has just given all it holds; the rest lies behind an absence of the asker.
      const isBeyond = (sequence: number) => sequence < asked.from || (asked.to > 0 && sequence > asked.to);
      const bodies = await this.#parts.bodies.find(asker, new Map([[conversation, missing]]), {
        asksOwner: missing.some(isBeyond),
        usesCache: !forgetsChanges,
      });
      if (!bodies.ok) return bodies;
      const messages = bodies.value.of(conversation);
      for (const sequence of missing) found.set(sequence, wire.Message.decode(messages.get(sequence)!));
    }
    if (changes.length === 0) return ok(sequences.map((sequence) => found.get(sequence)!));
    const edits = await this.#edits(asker, conversation, editsToRead(found, changes));
    if (!edits.ok) return edits;
    const current = broughtUp(found, changes, edits.value);
    for (const [sequence, message] of current)
      if (message !== found.get(sequence)) this.#parts.bodies.remember(asker.tenant, message);
    return ok(sequences.map((sequence) => current.get(sequence)!));
  }

  /** Edits that stand elsewhere in the log than the page. */
  async #edits(
    asker: Identity,
    conversation: string,
    sequences: readonly number[],
  ): Promise<Result<Map<number, Message>, ErrorName>> {
    if (sequences.length === 0) return ok(new Map());
    const bodies = await this.#parts.bodies.find(asker, new Map([[conversation, sequences]]));
    if (!bodies.ok) return bodies;
    const edits = new Map<number, Message>();
    for (const [sequence, bytes] of bodies.value.of(conversation))
      edits.set(sequence, wire.Message.decode(bytes));
    return ok(edits);
  }

  #pageOf(
    { conversation, direction }: DirectedRequest,
    { start, around }: Window,
    { messages, spans, head }: { messages: readonly Message[]; spans: readonly Span[]; head: number },
  ): Page {
    const bytesMax = this.#parts.limits.pageBytesMax;
    const kept = withinBytes(messages, { start, bytesMax, bytesOf: bodyBytes });
    const first = kept[0]?.sequence ?? 0;
    const last = kept.at(-1)?.sequence ?? 0;
    const moreBefore = kept.length > 0 && spans.some(({ from }) => from < first);
    const moreAfter = kept.length > 0 && spans.some(({ to }) => to > last);
    const page = { conversation, messages: kept, head, firstVisible: spans[0]?.from ?? 0 };
    if (direction === 'around')
      return new wire.HistoryPage({ ...page, more: moreBefore || moreAfter, around, moreBefore, moreAfter });
    return new wire.HistoryPage({ ...page, more: direction === 'forward' ? moreAfter : moreBefore });
  }
}

/** Nothing before what was cleared is worth asking for. */
function narrowed(page: Page, view: OwnView | undefined, direction: Direction): Page {
  const cleared = view?.clearedThrough ?? 0;
  if (cleared === 0) return page;
  page.firstVisible = Math.max(page.firstVisible, cleared + 1);
  const isAtStart = (page.messages[0]?.sequence ?? 0) <= page.firstVisible;
  if (isAtStart && direction !== 'forward') {
    page.moreBefore = false;
    page.more = page.moreAfter;
  }
  return page;
}

function windowOf(
  spans: readonly Span[],
  { direction, before, after, around }: Omit<DirectedRequest, 'conversation'>,
  limit: number,
): Window {
  if (direction === 'forward') return { sequences: firstOf(spans, after, limit), start: 0, around: 0 };
  if (direction === 'around') {
    const sequences = aroundOf(spans, around, limit);
    const start = sequences.findIndex((sequence) => sequence >= around);
    return {
      sequences,
      start: start < 0 ? sequences.length : start,
      around: readableFrom(spans, around),
    };
  }
  const sequences = lastOf(spans, before, limit);
  return { sequences, start: sequences.length, around: 0 };
}

/** About what a message costs in a page. */
export function bodyBytes({ text, rich, edited }: Message): number {
  const bytes = 128 + Buffer.byteLength(text ?? edited?.text ?? '');
  const content = rich ?? edited?.rich;
  return content == null ? bytes : bytes + wire.RichContent.encode(content).finish().length;
}
