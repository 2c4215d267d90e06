// Asks the history service to search. What the asker may read is joined there with the spans of membership, which come
// from the same journals, in the same order, as the messages: a message that can be found was written after every
// change of membership before it. The gateway adds only what it can prove: tenant and user, from the token.
import { internal, type parley } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import type { Result } from '@parley/std';
import { type HistoryFailure, askHistory } from '../query/history-question.ts';

export type SearchRequest = parley.internal.v1.SearchRequest.$Properties;
export type SearchAnswer = parley.internal.v1.SearchAnswer;

export interface HistorySearch {
  /** HISTORY_UNAVAILABLE when nobody answers in time; whatever the history service refused with. */
  search(request: SearchRequest, timeoutMs: number): Promise<Result<SearchAnswer, HistoryFailure>>;
}

export class MessengerHistorySearch implements HistorySearch {
  readonly #messenger: Messenger;

  constructor(messenger: Messenger) {
    this.#messenger = messenger;
  }

  search(request: SearchRequest, timeoutMs: number): Promise<Result<SearchAnswer, HistoryFailure>> {
    const bytes = internal.SearchRequest.encode(request).finish();
    const decode = (answer: Uint8Array) => internal.SearchAnswer.decode(answer);
    return askHistory(this.#messenger, { verb: 'search', bytes, timeoutMs, decode });
  }
}
