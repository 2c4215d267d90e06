// Asks the history service for a document and takes it chunk by chunk. Asking for a chunk says that the one before has gone on
// to the client, so nobody makes more than the client takes. A chunk may be asked for twice, so a lost answer costs nothing.
import { internal, type parley } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import type { Clock, Result } from '@parley/std';
import { err, ok } from '@parley/std';
import { type HistoryFailure, askHistory, unlessRefused } from '../query/history-question.ts';
import { ApiError } from './api-error.ts';

export type ExportRequest = parley.internal.v1.ExportRequest.$Properties;

export interface HistoryExport {
  /**
   * Resolves when the document has begun. It ends only when it is whole, and throws otherwise. Aborting, and leaving the
   * loop, lets go of it.
   */
  open(
    request: ExportRequest,
    signal: AbortSignal,
  ): Promise<Result<AsyncIterable<Uint8Array>, HistoryFailure>>;
}

export interface ExportLimits {
  /** Until the history service has said that it can, milliseconds; then HISTORY_UNAVAILABLE. */
  readonly beginTimeoutMs: number;
  /** One asking for a chunk, milliseconds; then it is asked for again … */
  readonly askTimeoutMs: number;
  /** … until this long, milliseconds; then the document is broken off. */
  readonly chunkWaitMs: number;
}

export const exportLimits: ExportLimits = {
  beginTimeoutMs: 15_000,
  askTimeoutMs: 2_000,
  chunkWaitMs: 300_000,
};

/** The process that makes the document is given up when nobody has heard the question for this long: it is gone. */
const unheardMs = 2_000;
const pauseMs = 100;

type Answer = parley.internal.v1.ExportChunkAnswer;

export class MessengerHistoryExport implements HistoryExport {
  readonly #messenger: Messenger;
  readonly #clock: Clock;
  readonly #limits: ExportLimits;

  constructor(messenger: Messenger, clock: Clock, limits: ExportLimits = exportLimits) {
    this.#messenger = messenger;
    this.#clock = clock;
    this.#limits = limits;
  }

  async open(
    request: ExportRequest,
    signal: AbortSignal,
  ): Promise<Result<AsyncIterable<Uint8Array>, HistoryFailure>> {
    const bytes = internal.ExportRequest.encode(request).finish();
    const decode = (answer: Uint8Array) => internal.ExportAnswer.decode(answer);
    const timeoutMs = this.#limits.beginTimeoutMs;
    const begun = await askHistory(this.#messenger, { verb: 'export', bytes, timeoutMs, decode });
    if (!begun.ok) return begun;
    const { subject } = begun.value;
    const letGo = () => {
      const end = internal.ExportChunkRequest.encode({ cancelled: true }).finish();
      this.#messenger.publish(subject, end);
    };
    if (signal.aborted) letGo();
    signal.addEventListener('abort', letGo, { once: true });
    const first = await this.#chunk(subject, 1, signal);
    if (!first.ok) {
      letGo();
      return first;
    }
    return ok(this.#rest(subject, first.value, signal, letGo));
  }

  async *#rest(
    subject: string,
    first: Answer,
    signal: AbortSignal,
    letGo: () => void,
  ): AsyncGenerator<Uint8Array, void> {
    try {
      yield first.bytes;
      for (let number = 2, isLast = first.last; !isLast; number++) {
        const next = await this.#chunk(subject, number, signal);
        if (!next.ok) throw new ApiError(next.error.code, next.error.message);
        yield next.value.bytes;
        isLast = next.value.last;
      }
    } finally {
      signal.removeEventListener('abort', letGo);
      letGo();
    }
  }

  async #chunk(
    subject: string,
    number: number,
    signal: AbortSignal,
  ): Promise<Result<Answer, HistoryFailure>> {
    const request = internal.ExportChunkRequest.encode({ number }).finish();
    const startedMs = this.#clock.monotonicMs();
    let heardMs = startedMs;
    while (!signal.aborted) {
      const result = await this.#messenger.request(subject, request, this.#limits.askTimeoutMs);
      if (result.outcome === 'answered')
        return unlessRefused(internal.ExportChunkAnswer.decode(result.bytes));
      const nowMs = this.#clock.monotonicMs();
      if (result.outcome !== 'no-responders') heardMs = nowMs;
      if (nowMs - heardMs > unheardMs || nowMs - startedMs > this.#limits.chunkWaitMs) break;
      await new Promise<void>((resolve) => this.#clock.after(pauseMs, resolve));
    }
    return err({ code: 'HISTORY_UNAVAILABLE' });
  }
}
