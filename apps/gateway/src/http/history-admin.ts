// Asks the history service what admins want to know of the past, and tells it what they decide. It trusts tenant and asker as
// they come: who may ask is checked here. It writes the audit before it answers.
import { internal, type parley } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import type { Result } from '@parley/std';
import { type HistoryFailure, askHistory } from '../query/history-question.ts';

export type AdminRequest = parley.internal.v1.AdminRequest.$Shape;
export type AdminAnswer = parley.internal.v1.AdminAnswer;

export interface HistoryAdmin {
  /** HISTORY_UNAVAILABLE when nobody answers in time; whatever the history service refused with. */
  ask(request: AdminRequest, timeoutMs: number): Promise<Result<AdminAnswer, HistoryFailure>>;
}

export class MessengerHistoryAdmin implements HistoryAdmin {
  readonly #messenger: Messenger;

  constructor(messenger: Messenger) {
    this.#messenger = messenger;
  }

  ask(request: AdminRequest, timeoutMs: number): Promise<Result<AdminAnswer, HistoryFailure>> {
    const bytes = internal.AdminRequest.encode(request).finish();
    const decode = (answer: Uint8Array) => internal.AdminAnswer.decode(answer);
    return askHistory(this.#messenger, { verb: 'admin', bytes, timeoutMs, decode });
  }
}
