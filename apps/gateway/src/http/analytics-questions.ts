// Asks the history service an analyst's ready question. It trusts tenant and question as they come: who may ask is checked
// before (named-users.ts, analytics-quota.ts).
import type { ErrorName } from '@parley/protocol';
import { errorCodes, internal, subjects } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import type { Result } from '@parley/std';
import { err, ok } from '@parley/std';

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

export interface AnalyticsFailure {
  readonly code: ErrorName;
  readonly message?: string;
}

export interface AnalyticsQuestions {
  /** HISTORY_UNAVAILABLE when nobody answers in time; whatever the history service refused with. */
  ask(question: AnalyticsQuestion, timeoutMs: number): Promise<Result<AnalyticsAnswer, AnalyticsFailure>>;
}

export class MessengerAnalyticsQuestions implements AnalyticsQuestions {
  readonly #messenger: Messenger;

  constructor(messenger: Messenger) {
    this.#messenger = messenger;
  }

  async ask(
    { tenant, question, parameters }: AnalyticsQuestion,
    timeoutMs: number,
  ): Promise<Result<AnalyticsAnswer, AnalyticsFailure>> {
    const named = Object.entries(parameters).map(([name, value]) => ({ name, value }));
    const bytes = internal.AnalyticsRequest.encode({ tenant, question, parameters: named }).finish();
    const result = await this.#messenger.request(subjects.history('analytics'), bytes, timeoutMs);
    if (result.outcome !== 'answered') return err({ code: 'HISTORY_UNAVAILABLE' });
    const { error, json, rowsRead, completeThroughMs, countedThroughMs } = internal.AnalyticsAnswer.decode(
      result.bytes,
    );
    if (error === null || error === undefined) {
      const body = JSON.parse(json) as AnalyticsAnswer['body'];
      return ok({ body, rowsRead, completeThroughMs, countedThroughMs });
    }
    const code = error.code ?? '';
    if (!Object.hasOwn(errorCodes, code)) return err({ code: 'INTERNAL' });
    return err({ code: code as ErrorName, ...(error.message ? { message: error.message } : {}) });
  }
}
