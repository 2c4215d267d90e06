// Answers `hst.admin`.
import type { Messenger } from '@parley/runtime';
import { errorBody, internal } from '@parley/protocol';
import type { Metrics } from '@parley/platform';
import type { Log } from '../log.ts';
import { QuestionServer, readQuestion } from '../reading/question-server.ts';
import type { AdminDesk } from './admin-desk.ts';

export interface AdminEndpointOptions {
  readonly messenger: Messenger;
  readonly desk: AdminDesk;
  readonly log: Log;
  readonly metrics?: Metrics['history'];
  /** Requests carried out at a time; more are refused as BUSY: each may fold a million events. Default 4. */
  readonly requestsMax?: number;
}

export class AdminEndpoint {
  readonly #desk: AdminDesk;
  readonly #server: QuestionServer;

  constructor({ messenger, desk, log, metrics, requestsMax = 4 }: AdminEndpointOptions) {
    this.#desk = desk;
    this.#server = new QuestionServer({ messenger, log, metrics, questionsMax: requestsMax });
  }

  start(): void {
    this.#server.serve({
      verb: 'admin',
      answer: async (bytes) => {
        const request = readQuestion(() => internal.AdminRequest.decode(bytes));
        return internal.AdminAnswer.encode(await this.#desk.answer(request)).finish();
      },
      failed: (code, message) => internal.AdminAnswer.encode({ error: errorBody(code, message) }).finish(),
    });
  }

  /** Takes no more requests and carries out those that are open. */
  stop(): Promise<void> {
    return this.#server.stop();
  }
}
