// Finds the bodies of messages by conversation and sequence: this process's cache → the Redis tail → the history service →
// the conversation's owner. Whoever asks has checked that the asker may read them. A body nobody has is an error,
// never a silent hole. What the tenant's retention may have deleted is taken from history alone.
import type { MessageTail, TailRange } from '@parley/adapters';
import { type ErrorName, internal, parseConversation, type parley, subjects, wire } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import { inParallel, type Result, err, ok } from '@parley/std';
import type { Identity } from '../auth/token-verifier.ts';
import type { EntityQuery } from '../query/entity-query.ts';
import { BodyCache } from './body-cache.ts';
import { changedBy, emptied } from './changed-messages.ts';
import type { DeletionTimes } from './deletion-times.ts';
import { isChange } from './encoded-message.ts';

export type Message = parley.v1.Message.$Properties;

export interface MessageBodiesLimits {
  readonly bodyCacheBytesMax: number;
  readonly historyTimeoutMs: number;
  readonly questionsAtOnceMax: number;
}

export interface MessageBodiesParts {
  readonly tail: MessageTail;
  readonly messenger: Messenger;
  readonly queries: EntityQuery;
  readonly deletions: DeletionTimes;
  readonly limits: MessageBodiesLimits;
}

/** Sequences wanted of each conversation. */
export type Wanted = ReadonlyMap<string, readonly number[]>;

export interface FindOptions {
  /** Default true; false when the owner has just given what it has. */
  readonly asksOwner?: boolean;
  /** Default true; false when messages may have been changed since they were kept here. */
  readonly usesCache?: boolean;
}

/** Sequences one question to the history service may span; its own limit is not lower. */
const historySpanMax = 500;
/** Sequences apart by no more than this are asked for as one range. */
const rangeGapMax = 16;

/** Encoded messages by conversation and sequence. */
export class Bodies {
  readonly #messages = new Map<string, Map<number, Uint8Array>>();

  get all(): Iterable<[string, Map<number, Uint8Array>]> {
    return this.#messages;
  }

  of(conversation: string): ReadonlyMap<number, Uint8Array> {
    return this.in(conversation);
  }

  /** The same, to be filled. */
  in(conversation: string): Map<number, Uint8Array> {
    let messages = this.#messages.get(conversation);
    if (messages === undefined) this.#messages.set(conversation, (messages = new Map()));
    return messages;
  }
}

interface Fetched {
  readonly messages: ReadonlyMap<number, Uint8Array>;
  readonly isHistoryAway: boolean;
}

export class MessageBodies {
  readonly #parts: MessageBodiesParts;
  readonly #cache: BodyCache;
  /** Ranges being fetched: those who want the same one wait for it together. */
  readonly #fetching = new Map<string, Promise<Fetched>>();

  constructor(parts: MessageBodiesParts) {
    this.#parts = parts;
    this.#cache = new BodyCache(parts.limits.bodyCacheBytesMax);
  }

  /** Errors: HISTORY_UNAVAILABLE when the history service is away, HISTORY_BEHIND when a body is nowhere yet. */
  async find(
    asker: Identity,
    wanted: Wanted,
    { asksOwner = true, usesCache = true }: FindOptions = {},
  ): Promise<Result<Bodies, ErrorName>> {
    const bodies = new Bodies();
    for (const [conversation, sequences] of usesCache ? wanted : [])
      this.#findCached(asker.tenant, { conversation, sequences }, bodies.in(conversation));
    let missing = stillMissing(wanted, bodies);
    if (missing.size === 0) return ok(this.#withChanges(asker.tenant, bodies));
    const isHistoryAway = await this.#fetch(asker.tenant, missing, bodies);
    missing = stillMissing(missing, bodies);
    if (missing.size > 0 && asksOwner) {
      await this.#fromOwner(asker, missing, bodies);
      missing = stillMissing(missing, bodies);
    }
    if (missing.size === 0) return ok(this.#withChanges(asker.tenant, bodies));
    return err(isHistoryAway ? 'HISTORY_UNAVAILABLE' : 'HISTORY_BEHIND');
  }

  #findCached(
    tenant: string,
    wanted: { conversation: string; sequences: readonly number[] },
    found: Map<number, Uint8Array>,
  ): void {
    this.#cache.find(tenant, wanted, found);
    for (const [sequence, message] of found)
      if (this.#parts.deletions.mayHaveDeletedEncoded(tenant, message)) found.delete(sequence);
  }

  /** Keeps what somebody else found for later readers. */
  remember(tenant: string, message: Message): void {
    this.#keep(tenant, message);
  }

  /** Edits and recalls among the bodies are applied to those that stand with them, and to what the cache has. */
  #withChanges(tenant: string, bodies: Bodies): Bodies {
    for (const [conversation, messages] of bodies.all) {
      for (const bytes of messages.values()) {
        if (isChange(bytes)) this.#apply(tenant, conversation, messages, wire.Message.decode(bytes));
      }
    }
    return bodies;
  }

  #apply(tenant: string, conversation: string, messages: Map<number, Uint8Array>, element: Message): void {
    const target = element.edited?.sequence ?? element.recalled?.sequence ?? 0;
    const kept = new Map<number, Uint8Array>();
    this.#cache.find(tenant, { conversation, sequences: [target] }, kept);
    const bytes = messages.get(target) ?? kept.get(target);
    if (bytes !== undefined) {
      const message: Message = wire.Message.decode(bytes);
      const changed = changedBy(message, element);
      const now = changed === message ? bytes : this.#keep(tenant, changed);
      if (messages.has(target)) messages.set(target, now);
    }
    if (!element.recalled) return;
    for (const [sequence, each] of messages) {
      if (!isChange(each)) continue;
      const edit = wire.Message.decode(each);
      if (edit.edited?.sequence === target) messages.set(sequence, this.#keep(tenant, emptied(edit)));
    }
  }

  /** From tail and history. True when a part of it could not be asked of the history service. */
  async #fetch(tenant: string, missing: Wanted, bodies: Bodies): Promise<boolean> {
    const { questionsAtOnceMax } = this.#parts.limits;
    const fetched = await inParallel(rangesOf(missing), questionsAtOnceMax, async (range) => {
      const { messages, isHistoryAway } = await this.#fetchJoined(tenant, range);
      const found = bodies.in(range.conversation);
      for (const [sequence, message] of messages) found.set(sequence, message);
      return isHistoryAway;
    });
    return fetched.includes(true);
  }

  #fetchJoined(tenant: string, range: TailRange): Promise<Fetched> {
    const key = `${tenant}/${range.conversation}/${range.from}-${range.to}`;
    let fetching = this.#fetching.get(key);
    if (fetching === undefined) {
      fetching = this.#fetchRange(tenant, range).finally(() => this.#fetching.delete(key));
      this.#fetching.set(key, fetching);
    }
    return fetching;
  }

  async #fetchRange(tenant: string, range: TailRange): Promise<Fetched> {
    const { conversation, from, to } = range;
    const messages = new Map<number, Uint8Array>();
    const [tailed = []] = await this.#parts.tail.read(tenant, [range]);
    for (const { sequence, bytes } of tailed) {
      if (this.#parts.deletions.mayHaveDeletedEncoded(tenant, bytes)) continue;
      messages.set(sequence, bytes);
      this.#cache.add(tenant, { conversation, sequence }, bytes);
    }
    const sequences = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    const absent = sequences.filter((sequence) => !messages.has(sequence));
    if (absent.length === 0) return { messages, isHistoryAway: false };
    const outcomes = await inParallel(
      rangesOf(new Map([[conversation, absent]])),
      this.#parts.limits.questionsAtOnceMax,
      (part) => this.#askHistory(tenant, part, messages),
    );
    return { messages, isHistoryAway: outcomes.includes(false) };
  }

  /** False when the history service could not be asked. */
  async #askHistory(tenant: string, range: TailRange, found: Map<number, Uint8Array>): Promise<boolean> {
    const { messenger, limits } = this.#parts;
    let from = range.from;
    while (from <= range.to) {
      const to = Math.min(range.to, from + historySpanMax - 1);
      const request = internal.HistoryPageRequest.encode({
        tenant,
        conversation: range.conversation,
        from,
        to,
      }).finish();
      const result = await messenger.request(subjects.history('page'), request, limits.historyTimeoutMs);
      if (result.outcome !== 'answered') return false;
      const { messages, error } = internal.HistoryPageAnswer.decode(result.bytes);
      if (error) return error.code === 'HISTORY_BEHIND';
      for (const message of messages) found.set(message.sequence ?? 0, this.#keep(tenant, message));
      const last = messages.at(-1)?.sequence ?? 0;
      if (last < from) return true;
      from = last + 1;
    }
    return true;
  }

  async #fromOwner(asker: Identity, missing: Wanted, bodies: Bodies): Promise<void> {
    await inParallel(rangesOf(missing), this.#parts.limits.questionsAtOnceMax, async (range) => {
      const address = parseConversation(range.conversation);
      if (address === undefined) return;
      const answer = await this.#parts.queries.ask(
        { type: address.type, tenant: asker.tenant, id: address.id },
        { log: { reader: asker.user, from: range.from, to: range.to } },
      );
      if (!answer.ok) return;
      const found = bodies.in(range.conversation);
      for (const message of answer.value.log?.messages ?? []) {
        if (this.#parts.deletions.mayHaveDeleted(asker.tenant, message.sentAtMs ?? 0)) continue;
        found.set(message.sequence ?? 0, this.#keep(asker.tenant, message));
      }
    });
  }

  #keep(tenant: string, message: Message): Uint8Array {
    const bytes = wire.Message.encode(message).finish();
    const { conversation, sequence } = message;
    this.#cache.add(tenant, { conversation: conversation ?? '', sequence: sequence ?? 0 }, bytes);
    return bytes;
  }
}

function stillMissing(wanted: Wanted, bodies: Bodies): Wanted {
  const missing = new Map<string, readonly number[]>();
  for (const [conversation, sequences] of wanted) {
    const found = bodies.of(conversation);
    const left = sequences.filter((sequence) => !found.has(sequence));
    if (left.length > 0) missing.set(conversation, left);
  }
  return missing;
}

/** Sequences joined to ranges, so that a page of one conversation is one question. */
function rangesOf(wanted: Wanted): TailRange[] {
  const ranges: { conversation: string; from: number; to: number }[] = [];
  for (const [conversation, sequences] of wanted) {
    let open: (typeof ranges)[number] | undefined;
    for (const sequence of [...sequences].sort((a, b) => a - b)) {
      if (open !== undefined && sequence - open.to <= rangeGapMax) open.to = sequence;
      else ranges.push((open = { conversation, from: sequence, to: sequence }));
    }
  }
  return ranges;
}
