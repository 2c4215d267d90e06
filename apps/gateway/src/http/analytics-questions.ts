// Asks the history service an analyst's ready question. It trusts tenant and question as they come: who may ask is checked
// before (named-users.ts, analytics-quota.ts).
import { internal } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import type { Result } from '@parley/std';
import { ok } from '@parley/std';
import { type HistoryFailure, askHistory } from '../query/history-question.ts';

export interface AnalyticsQuestion {
  readonly tenant: string;
  /** Empty: which questions there are. */
  readonly question: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface AnalyticsAnswer {
  /** Columns and rows, or the questions there are. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly rowsRead: number;
  readonly completeThroughMs: number;
  readonly countedThroughMs: number;
}

export interface AnalyticsQuestions {
  /** HISTORY_UNAVAILABLE when nobody answers in time; whatever the history service refused with. */
  ask(question: AnalyticsQuestion, timeoutMs: number): Promise<Result<AnalyticsAnswer, HistoryFailure>>;
}

export class MessengerAnalyticsQuestions implements AnalyticsQuestions {
  readonly #messenger: Messenger;

  constructor(messenger: Messenger) {
    this.#messenger = messenger;
  }

  async ask(
    { tenant, question, parameters }: AnalyticsQuestion,
    timeoutMs: number,
  ): Promise<Result<AnalyticsAnswer, HistoryFailure>> {
    const named = Object.entries(parameters).map(([name, value]) => ({ name, value }));
    const bytes = internal.AnalyticsRequest.encode({ tenant, question, parameters: named }).finish();
    const decode = (answer: Uint8Array) => internal.AnalyticsAnswer.decode(answer);
    const answer = await askHistory(this.#messenger, { verb: 'analytics', bytes, timeoutMs, decode });
    if (!answer.ok) return answer;
    const { json, rowsRead, completeThroughMs, countedThroughMs } = answer.value;
    const body = JSON.parse(json) as AnalyticsAnswer['body'];
    return ok({ body, rowsRead, completeThroughMs, countedThroughMs });
  }
}
