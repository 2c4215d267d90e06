// Answers `hst.page`, `hst.locate`, `hst.search` and `hst.analytics`: several history processes share the questions. The messenger and not @nestjs/microservices, so that the cluster has one way to ask and answer.
import type { Messenger } from '@parley/runtime';
import { type ErrorName, errorBody, internal } from '@parley/protocol';
import type { ClickHouse } from '@parley/adapters';
import type { Metrics } from '@parley/platform';
import type { Log } from '../log.ts';
import { type Freshness, answerQuestion } from '../analytics/question-reader.ts';
import { SampledWords } from './common-words.ts';
import { locate } from './locate-reader.ts';
import { readPage } from './page-reader.ts';
import { QuestionServer, readQuestion } from './question-server.ts';
import { search } from './search-reader.ts';

type Verb = keyof typeof answers;

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
  readonly #server: QuestionServer;

  constructor(options: EndpointOptions) {
    this.#options = options;
    const { messenger, log, metrics, questionsMax = 64 } = options;
    this.#server = new QuestionServer({ messenger, log, metrics, questionsMax });
  }

  start(): void {
    const { clickHouse, completeThroughMs } = this.#options;
    const commonWords = new SampledWords(clickHouse);
    this.#serve('page', async (bytes) => {
      const answer = await readPage(
        clickHouse,
        readQuestion(() => internal.HistoryPageRequest.decode(bytes)),
      );
      return internal.HistoryPageAnswer.encode(answer).finish();
    });
    this.#serve('locate', async (bytes) => {
      const answer = await locate(
        clickHouse,
        readQuestion(() => internal.HistoryLocateRequest.decode(bytes)),
      );
      return internal.HistoryLocateAnswer.encode(answer).finish();
    });
    this.#serve('search', async (bytes) => {
      const answer = await search(
        clickHouse,
        readQuestion(() => internal.SearchRequest.decode(bytes)),
        completeThroughMs,
        { commonWords },
      );
      return internal.SearchAnswer.encode(answer).finish();
    });
    this.#serve('analytics', async (bytes) => {
      const request = readQuestion(() => internal.AnalyticsRequest.decode(bytes));
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
  stop(): Promise<void> {
    return this.#server.stop();
  }

  #serve(verb: Verb, answer: (bytes: Uint8Array) => Promise<Uint8Array>): void {
    this.#server.serve({ verb, answer, failed: (code, message) => errorAnswer(verb, code, message) });
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
