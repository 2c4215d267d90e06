// Finds the bodies of messages by conversation and sequence: this process's cache → the Redis tail → the history service →
// the conversation's owner. Whoever asks has checked that the asker may read them. A body nobody has is an error,
// never a silent hole.
import type { MessageTail, TailRange } from '@parley/adapters';
import { type ErrorName, internal, parseConversation, type parley, subjects, wire } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import { inParallel, type Result, err, ok } from '@parley/std';
import { LRUCache } from 'lru-cache';
import type { Identity } from '../auth/token-verifier.ts';
import type { EntityQuery } from '../query/entity-query.ts';

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
  readonly limits: MessageBodiesLimits;
}

/** Sequences wanted of each conversation. */
export type Wanted = ReadonlyMap<string, readonly number[]>;

/** Sequences one question to the history service may span; its own limit is not lower. */
const historySpanMax = 500;
/** Sequences apart by no more than this are asked for as one range. */
const rangeGapMax = 16;

export class Bodies {
  readonly #messages = new Map<string, Message>();

  get(conversation: string, sequence: number): Message | undefined {
    return this.#messages.get(`${conversation}/${sequence}`);
  }

  add(message: Message): void {
    this.#messages.set(`${message.conversation}/${message.sequence}`, message);
  }
}

export class MessageBodies {
  readonly #parts: MessageBodiesParts;
  readonly #cache: LRUCache<string, Message>;

  constructor(parts: MessageBodiesParts) {
    this.#parts = parts;
    this.#cache = new LRUCache({
      maxSize: parts.limits.bodyCacheBytesMax,
      sizeCalculation: (message) => 256 + 2 * (message.text?.length ?? 0),
    });
  }

  /** Errors: HISTORY_UNAVAILABLE when the history service is away, HISTORY_BEHIND when a body is nowhere yet. */
  async find(
    asker: Identity,
    wanted: Wanted,
    options = { asksOwner: true },
  ): Promise<Result<Bodies, ErrorName>> {
    const bodies = new Bodies();
    let missing = this.#fromCache(asker.tenant, wanted, bodies);
    if (missing.size > 0) {
      await this.#fromTail(asker.tenant, missing, bodies);
      missing = stillMissing(missing, bodies);
    }
    let isHistoryAway = false;
    if (missing.size > 0) {
      isHistoryAway = !(await this.#fromHistory(asker.tenant, missing, bodies));
      missing = stillMissing(missing, bodies);
    }
    if (missing.size > 0 && options.asksOwner) {
      await this.#fromOwner(asker, missing, bodies);
      missing = stillMissing(missing, bodies);
    }
    if (missing.size === 0) return ok(bodies);
    return err(isHistoryAway ? 'HISTORY_UNAVAILABLE' : 'HISTORY_BEHIND');
  }

  /** Keeps what somebody else found for later readers. */
  remember(tenant: string, message: Message): void {
    this.#cache.set(cacheKey(tenant, message.conversation ?? '', message.sequence ?? 0), message);
  }

  #fromCache(tenant: string, wanted: Wanted, bodies: Bodies): Wanted {
    for (const [conversation, sequences] of wanted) {
      for (const sequence of sequences) {
        const message = this.#cache.get(cacheKey(tenant, conversation, sequence));
        if (message !== undefined) bodies.add(message);
      }
    }
    return stillMissing(wanted, bodies);
  }

  async #fromTail(tenant: string, missing: Wanted, bodies: Bodies): Promise<void> {
    const found = await this.#parts.tail.read(tenant, rangesOf(missing));
    for (const messages of found)
      for (const { bytes } of messages) this.#take(tenant, wire.Message.decode(bytes), bodies);
  }

  /** False when the history service could not be asked. */
  async #fromHistory(tenant: string, missing: Wanted, bodies: Bodies): Promise<boolean> {
    const outcomes = await inParallel(rangesOf(missing), this.#parts.limits.questionsAtOnceMax, (range) =>
      this.#askHistory(tenant, range, bodies),
    );
    return outcomes.every(Boolean);
  }

  async #askHistory(tenant: string, range: TailRange, bodies: Bodies): Promise<boolean> {
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
      for (const message of messages) this.#take(tenant, message, bodies);
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
      for (const message of answer.value.log?.messages ?? []) this.#take(asker.tenant, message, bodies);
    });
  }

  #take(tenant: string, message: Message, bodies: Bodies): void {
    bodies.add(message);
    this.remember(tenant, message);
  }
}

const cacheKey = (tenant: string, conversation: string, sequence: number): string =>
  `${tenant}/${conversation}/${sequence}`;

function stillMissing(wanted: Wanted, bodies: Bodies): Wanted {
  const missing = new Map<string, readonly number[]>();
  for (const [conversation, sequences] of wanted) {
    const left = sequences.filter((sequence) => bodies.get(conversation, sequence) === undefined);
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
