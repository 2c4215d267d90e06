// Asks the history service to search. What the asker may read is joined there with the spans of membership, which come
// from the same journals, in the same order, as the messages: a message that can be found was written after every
// change of membership before it. The gateway adds only what it can prove: tenant and user, from the token.
import type { ErrorName, parley } from '@parley/protocol';
import { errorCodes, internal, subjects } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import type { Result } from '@parley/std';
import { err, ok } from '@parley/std';

export type SearchRequest = parley.internal.v1.SearchRequest.$Properties;
export type SearchAnswer = parley.internal.v1.SearchAnswer;

export interface SearchFailure {
  readonly code: ErrorName;
  readonly message?: string;
}

export interface HistorySearch {
  /** HISTORY_UNAVAILABLE when nobody answers in time; whatever the history service refused with. */
  search(request: SearchRequest, timeoutMs: number): Promise<Result<SearchAnswer, SearchFailure>>;
}

export class MessengerHistorySearch implements HistorySearch {
  readonly #messenger: Messenger;

  constructor(messenger: Messenger) {
    this.#messenger = messenger;
  }

  async search(request: SearchRequest, timeoutMs: number): Promise<Result<SearchAnswer, SearchFailure>> {
    const bytes = internal.SearchRequest.encode(request).finish();
    const result = await this.#messenger.request(subjects.history('search'), bytes, timeoutMs);
    if (result.outcome !== 'answered') return err({ code: 'HISTORY_UNAVAILABLE' });
    const answer = internal.SearchAnswer.decode(result.bytes);
    const refusal = answer.error;
    if (refusal === null || refusal === undefined) return ok(answer);
    const code = refusal.code ?? '';
    if (!Object.hasOwn(errorCodes, code)) return err({ code: 'INTERNAL' });
    return err({ code: code as ErrorName, ...(refusal.message ? { message: refusal.message } : {}) });
  }
}
