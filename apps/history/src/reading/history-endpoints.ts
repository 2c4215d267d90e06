// Answers `hst.page`, `hst.locate`, `hst.search` and `hst.analytics` over the messenger, as one of a queue group: several history processes share the
// questions. The messenger and not @nestjs/microservices, so that the cluster has one way to ask and answer.
import { type Messenger, type Respond, type Subscription } from '@parley/runtime';
import { type ErrorName, errorBody, internal, subjects } from '@parley/protocol';
import type { ClickHouse } from '@parley/adapters';
import type { Metrics } from '@parley/platform';
import type { Log } from '../log.ts';
import { type Freshness, answerQuestion } from '../analytics/question-reader.ts';
import { BadRequest } from './bad-request.ts';
import { failureOf } from './failure.ts';
import { locate } from './locate-reader.ts';
import { readPage } from './page-reader.ts';
import { search } from './search-reader.ts';

type Verb = keyof typeof answers;

/** The queue group of all history processes of a cluster. */
export const historyQueue = 'history';

export interface EndpointOptions {
  readonly messenger: Messenger;
  readonly clickHouse: ClickHouse;
  readonly completeThroughMs: () => Promise<number>;
  /** Through when roll-ups are counted; 0 when this process does not know. Default: 0. */
  readonly countedThroughMs?: () => number;
  readonly log: Log;
  readonly metrics?: Metrics['history'];
  /** Questions answered at a time; more are refused as BUSY. Default 64. */
  readonly questionsMax?: number;
}

export class HistoryEndpoints {
  readonly #options: EndpointOptions;
  readonly #subscriptions: Subscription[] = [];
  #open = 0;
  #whenIdle: (() => void) | undefined;

  constructor(options: EndpointOptions) {
    this.#options = options;
  }

  start(): void {
    const { clickHouse, completeThroughMs } = this.#options;
    this.#serve('page', async (bytes) => {
      const answer = await readPage(
        clickHouse,
        read(() => internal.HistoryPageRequest.decode(bytes)),
      );
      return internal.HistoryPageAnswer.encode(answer).finish();
    });
    this.#serve('locate', async (bytes) => {
      const answer = await locate(
        clickHouse,
        read(() => internal.HistoryLocateRequest.decode(bytes)),
      );
      return internal.HistoryLocateAnswer.encode(answer).finish();
    });
    this.#serve('search', async (bytes) => {
      const answer = await search(
        clickHouse,
        read(() => internal.SearchRequest.decode(bytes)),
        completeThroughMs,
      );
      return internal.SearchAnswer.encode(answer).finish();
    });
    this.#serve('analytics', async (bytes) => {
      const request = read(() => internal.AnalyticsRequest.decode(bytes));
      const answer = await answerQuestion(clickHouse, request, () => this.#freshness());
      return internal.AnalyticsAnswer.encode(answer).finish();
    });
  }

  async #freshness(): Promise<Freshness> {
    const completeThroughMs = await this.#options.completeThroughMs();
    const countedThroughMs = this.#options.countedThroughMs?.() ?? 0;
    return { completeThroughMs, countedThroughMs: Math.min(countedThroughMs, completeThroughMs) };
  }

  /** Takes no more questions and answers those that are open. */
  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.stop();
    if (this.#open > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
  }

  #serve(verb: Verb, answer: (bytes: Uint8Array) => Promise<Uint8Array>): void {
    const onMessage = (bytes: Uint8Array, respond: Respond) => {
      if (this.#open >= (this.#options.questionsMax ?? 64)) return respond(errorAnswer(verb, 'BUSY'));
      this.#open += 1;
      // The bytes are only ours during this call.
      void this.#answer(verb, Uint8Array.from(bytes), respond, answer);
    };
    this.#subscriptions.push(
      this.#options.messenger.subscribe(subjects.history(verb), onMessage, historyQueue),
    );
  }

  async #answer(
    verb: Verb,
    bytes: Uint8Array,
    respond: Respond,
    answer: (bytes: Uint8Array) => Promise<Uint8Array>,
  ): Promise<void> {
    const startedMs = performance.now();
    try {
      respond(await answer(bytes));
    } catch (error) {
      const { code, message } = failureOf(verb, error, this.#options.log);
      respond(errorAnswer(verb, code, message));
    } finally {
      this.#options.metrics?.querySeconds.labels(verb).observe((performance.now() - startedMs) / 1000);
      this.#open -= 1;
      if (this.#open === 0) this.#whenIdle?.();
    }
  }
}

function read<T>(decode: () => T): T {
  try {
    return decode();
  } catch {
    throw new BadRequest('BAD_REQUEST', 'the question could not be read');
  }
}

/** All answers carry their error in a field of their own. */
function errorAnswer(verb: Verb, code: ErrorName, message?: string): Uint8Array {
  const error = errorBody(code, message);
  return answers[verb].encode({ error }).finish();
}

const answers = {
  page: internal.HistoryPageAnswer,
  locate: internal.HistoryLocateAnswer,
  search: internal.SearchAnswer,
  analytics: internal.AnalyticsAnswer,
} as const;
