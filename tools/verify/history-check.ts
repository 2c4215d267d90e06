// ClickHouse against the journal, asked page by page through the history service as gateways do. Where the journal has been
// trimmed, ClickHouse alone has the messages: then every sequence must be there, and must be what snapshots remember.
import { setTimeout as delay } from 'node:timers/promises';
import type { LogMessage } from '@parley/domain';
import { fromWireMessage, internal, type parley } from '@parley/protocol';
import type { ShardId } from '@parley/runtime';
import type { ConversationTruth } from './conversation-truth.ts';
import { Chain, messageDigest } from './digest.ts';
import type { Findings } from './findings.ts';
import { liveHead } from './live-head.ts';
import type { Sources } from './sources.ts';

export interface HistoryCheckLimits {
  /** How long ClickHouse may go on being behind the journal before what it lacks is a difference. */
  readonly lagMsMax: number;
  /** How long questions that get no answer are asked again. */
  readonly silenceMsMax: number;
}

export const historyCheckLimits: HistoryCheckLimits = { lagMsMax: 20_000, silenceMsMax: 10_000 };

/** As many as the history service gives at most. */
const pageSequences = 500;
const pauseMs = 250;

export class HistoryCheck {
  readonly #sources: Sources;
  readonly #findings: Findings;
  readonly #limits: HistoryCheckLimits;
  readonly #bound: { readonly shard: ShardId; readonly sequence: number };
  /** History says that it has this shard up to our bound: what it lacks from now on, it will not get. */
  #isThrough = false;
  /** Shared by all conversations of the shard: whoever waits for the same history waits once. */
  #lagUntilMs: number | undefined;
  #silentUntilMs: number | undefined;
  #isGivenUp = false;

  /** `bound`: up to where the shard's journal was read. */
  constructor(
    sources: Sources,
    findings: Findings,
    bound: { readonly shard: ShardId; readonly sequence: number },
    limits: HistoryCheckLimits = historyCheckLimits,
  ) {
    this.#bound = bound;
    this.#sources = sources;
    this.#findings = findings;
    this.#limits = limits;
  }

  /**
   * Compares the conversation up to its head. `onMessage` gets the digest of every message, in order; `chain` is the
   * conversation's digest as far as it could be made.
   */
  async check(
    conversation: ConversationTruth,
    onMessage?: (sequence: number, digest: string) => void,
  ): Promise<Chain> {
    const chain = new Chain();
    const { head } = conversation;
    let at = 1;
    while (at <= head && !this.#isGivenUp) {
      const wasThrough = this.#isThrough;
      const page = await this.#page(conversation, at, Math.min(head, at + pageSequences - 1));
      if (page === undefined) break;
      let isBehind = false;
      for (const message of page.messages) {
        if (message.sequence !== at) break;
        const { element } = message;
        if (element !== undefined) {
          const isOlder = (element.revision ?? 0) < conversation.revisionAt(at);
          isBehind = isOlder && !wasThrough && (await this.#mayCatchUp());
          if (isBehind) break;
          this.#compare(conversation, element);
          const digest = messageDigest(element);
          chain.add(digest);
          onMessage?.(message.sequence, digest);
        }
        at++;
      }
      if (isBehind || page.messages.length > 0) continue;
      if (!wasThrough && (await this.#mayCatchUp())) continue;
      const to = await this.#missingThrough(conversation, at, head);
      this.#findings.add('history-missing', conversation.place, 'not in ClickHouse', at, to);
      at = to + 1;
    }
    if (at > head && head > 0) await this.#checkBeyond(conversation, head);
    return chain;
  }

  #compare(conversation: ConversationTruth, message: LogMessage): void {
    this.#findings.compared.history_messages++;
    // Changed after the journal was read.
    if ((message.revision ?? 0) > conversation.head) return;
    const expected = conversation.digestAt(message.sequence);
    const isOther =
      expected === undefined
        ? conversation.isRememberedOtherwise(message)
        : expected !== messageDigest(message);
    if (isOther)
      this.#findings.add(
        'history-different',
        conversation.place,
        `ClickHouse has something else than the ${expected === undefined ? 'snapshot remembers' : 'journal'}`,
        message.sequence,
      );
  }

  /** Whether asking once more is worth it: history writes a moment after the journal, and says how far it has come. */
  async #mayCatchUp(): Promise<boolean> {
    const { shard, sequence } = this.#bound;
    this.#lagUntilMs ??= performance.now() + this.#limits.lagMsMax;
    if ((await this.#sources.watermark(shard)) >= sequence) this.#isThrough = true;
    else if (performance.now() >= this.#lagUntilMs) return false;
    else await delay(pauseMs);
    return true;
  }

  /** `from` is missing. Through which sequence is everything? Asked in growing and shrinking windows. */
  async #missingThrough(conversation: ConversationTruth, from: number, head: number): Promise<number> {
    let through = from;
    let window = 1;
    while (through < head) {
      const to = Math.min(head, through + Math.min(window, pageSequences));
      const page = await this.#page(conversation, through + 1, to);
      if (page === undefined || page.messages.length > 0) return through;
      // Nothing in the window. The answer ends right before it only when something stands further on in it.
      if (page.completeThrough !== through) {
        through = to;
        window *= 2;
      } else if (to === through + 1) return through;
      else window = Math.max(1, Math.floor((to - through) / 2));
    }
    return through;
  }

  /** Rows beyond the head: right when the conversation has gone on meanwhile. */
  async #checkBeyond(conversation: ConversationTruth, head: number): Promise<void> {
    const page = await this.#page(conversation, head + 1, head + pageSequences);
    const last = page?.messages.at(-1)?.sequence ?? 0;
    if (last <= head) return;
    const live = await liveHead(conversation, this.#sources);
    if (live !== undefined && last > live)
      this.#findings.add(
        'history-extra',
        conversation.place,
        'in ClickHouse, in no journal',
        Math.max(head, live) + 1,
        last,
      );
  }

  /** Undefined when the service does not answer: then nothing more is asked. */
  async #page({ tenant, id }: ConversationTruth, from: number, to: number) {
    const request = internal.HistoryPageRequest.encode({ tenant, conversation: id, from, to }).finish();
    for (;;) {
      if (this.#isGivenUp) return undefined;
      const result = await this.#sources.historyPage(request);
      const answer =
        result.outcome === 'answered' ? internal.HistoryPageAnswer.decode(result.bytes) : undefined;
      if (answer !== undefined && !answer.error) {
        this.#silentUntilMs = undefined;
        return { messages: answer.messages.map(elementOf), completeThrough: answer.completeThrough };
      }
      this.#silentUntilMs ??= performance.now() + this.#limits.silenceMsMax;
      if (performance.now() >= this.#silentUntilMs && !this.#isGivenUp) {
        this.#isGivenUp = true;
        this.#findings.cannotVerify(`history does not answer (${answer?.error?.code ?? result.outcome})`);
      }
      await delay(pauseMs);
    }
  }
}

/** What retention has deleted has its sequence only: there is nothing to compare, and it is in no digest. */
const elementOf = (message: parley.v1.IMessage): { sequence: number; element: LogMessage | undefined } => ({
  sequence: message.sequence ?? 0,
  element: message.system?.expired ? undefined : fromWireMessage(message as parley.v1.Message),
});
