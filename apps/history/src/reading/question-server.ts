// Questions over the messenger, answered as one of the queue group of all history processes: at most so many at a time, each
// measured, each answered with what it is or with why not.
import type { Messenger, Respond, Subscription } from '@parley/runtime';
import { type ErrorName, subjects } from '@parley/protocol';
import type { Metrics } from '@parley/platform';
import type { Log } from '../log.ts';
import { BadRequest } from './bad-request.ts';
import { failureOf } from './failure.ts';

/** The queue group of all history processes of a cluster. */
export const historyQueue = 'history';

export interface QuestionServerOptions {
  readonly messenger: Messenger;
  readonly log: Log;
  readonly metrics?: Metrics['history'] | undefined;
  /** Questions answered at a time; more are refused as BUSY. */
  readonly questionsMax: number;
}

export interface ServedQuestion {
  /** `hst.<verb>` */
  readonly verb: string;
  /** The bytes are its own. Rejects with BadRequest, and with whatever the store rejects with. */
  readonly answer: (bytes: Uint8Array) => Promise<Uint8Array>;
  readonly failed: (code: ErrorName, message?: string) => Uint8Array;
}

export class QuestionServer {
  readonly #options: QuestionServerOptions;
  readonly #subscriptions: Subscription[] = [];
  readonly #open = new Set<Promise<void>>();

  constructor(options: QuestionServerOptions) {
    this.#options = options;
  }

  serve(question: ServedQuestion): void {
    const { messenger, questionsMax } = this.#options;
    const onMessage = (bytes: Uint8Array, respond: Respond) => {
      if (this.#open.size >= questionsMax) return respond(question.failed('BUSY'));
      // The bytes are only ours during this call.
      const answering = this.#answer(question, Uint8Array.from(bytes), respond);
      this.#open.add(answering);
      void answering.then(() => this.#open.delete(answering));
    };
    this.#subscriptions.push(messenger.subscribe(subjects.history(question.verb), onMessage, historyQueue));
  }

  /** Takes no more questions and answers those that are open. */
  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.stop();
    await Promise.all(this.#open);
  }

  /** Never rejects. */
  async #answer(
    { verb, answer, failed }: ServedQuestion,
    bytes: Uint8Array,
    respond: Respond,
  ): Promise<void> {
    const startedMs = performance.now();
    const { log, metrics } = this.#options;
    try {
      respond(await answer(bytes));
    } catch (error) {
      const { code, message } = failureOf(verb, error, log);
      respond(failed(code, message));
    } finally {
      metrics?.querySeconds.labels(verb).observe((performance.now() - startedMs) / 1000);
    }
  }
}

/** Throws BadRequest where `decode` throws. */
export function readQuestion<T>(decode: () => T): T {
  try {
    return decode();
  } catch {
    throw new BadRequest('BAD_REQUEST', 'the question could not be read');
  }
}
