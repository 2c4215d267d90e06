// Asks the history service what admins want to know of the past, and tells it what they decide. It trusts tenant and asker as
// they come: who may ask is checked here. It writes the audit before it answers.
import { type ErrorName, type parley, errorCodes, internal, subjects } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import { type Result, err, ok } from '@parley/std';

export type AdminRequest = parley.internal.v1.AdminRequest.$Shape;
export type AdminAnswer = parley.internal.v1.AdminAnswer;

export interface AdminFailure {
  readonly code: ErrorName;
  readonly message?: string;
}

export interface HistoryAdmin {
  /** HISTORY_UNAVAILABLE when nobody answers in time; whatever the history service refused with. */
  ask(request: AdminRequest, timeoutMs: number): Promise<Result<AdminAnswer, AdminFailure>>;
}

export class MessengerHistoryAdmin implements HistoryAdmin {
  readonly #messenger: Messenger;

  constructor(messenger: Messenger) {
    this.#messenger = messenger;
  }

  async ask(request: AdminRequest, timeoutMs: number): Promise<Result<AdminAnswer, AdminFailure>> {
    const bytes = internal.AdminRequest.encode(request).finish();
    const result = await this.#messenger.request(subjects.history('admin'), bytes, timeoutMs);
    if (result.outcome !== 'answered') return err({ code: 'HISTORY_UNAVAILABLE' });
    const answer = internal.AdminAnswer.decode(result.bytes);
    const { error } = answer;
    if (!error) return ok(answer);
    const code = error.code ?? '';
    if (!Object.hasOwn(errorCodes, code)) return err({ code: 'INTERNAL' });
    return err({ code: code as ErrorName, ...(error.message ? { message: error.message } : {}) });
  }
}
