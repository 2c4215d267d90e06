// Answers `hst.admin` over the messenger, as one of the queue group of all history processes.
import type { Messenger, Respond, Subscription } from '@parley/runtime';
import { type ErrorName, errorBody, internal, type parley, subjects } from '@parley/protocol';
import type { Metrics } from '@parley/platform';
import type { Log } from '../log.ts';
import { BadRequest } from '../reading/bad-request.ts';
import { failureOf } from '../reading/failure.ts';
import { historyQueue } from '../reading/history-endpoints.ts';
import type { AdminDesk } from './admin-desk.ts';

export interface AdminEndpointOptions {
  readonly messenger: Messenger;
  readonly desk: AdminDesk;
  readonly log: Log;
  readonly metrics?: Metrics['history'];
  /** Requests carried out at a time; more are refused as BUSY: each may fold a million events. Default 4. */
  readonly requestsMax?: number;
}

const verb = 'admin';

export class AdminEndpoint {
  readonly #options: AdminEndpointOptions;
  readonly #open = new Set<Promise<void>>();
  #subscription: Subscription | undefined;

  constructor(options: AdminEndpointOptions) {
    this.#options = options;
  }

  start(): void {
    const onMessage = (bytes: Uint8Array, respond: Respond) => {
      if (this.#open.size >= (this.#options.requestsMax ?? 4)) return respond(failed('BUSY'));
      // The bytes are only ours during this call.
      const answering = this.#answer(Uint8Array.from(bytes), respond);
      this.#open.add(answering);
      void answering.then(() => this.#open.delete(answering));
    };
    this.#subscription = this.#options.messenger.subscribe(subjects.history(verb), onMessage, historyQueue);
  }

  /** Takes no more requests and carries out those that are open. */
  async stop(): Promise<void> {
    this.#subscription?.stop();
    await Promise.all(this.#open);
  }

  /** Never rejects. */
  async #answer(bytes: Uint8Array, respond: Respond): Promise<void> {
    const startedMs = performance.now();
    const { desk, log, metrics } = this.#options;
    try {
      respond(internal.AdminAnswer.encode(await desk.answer(read(bytes))).finish());
    } catch (error) {
      const { code, message } = failureOf(verb, error, log);
      respond(failed(code, message));
    } finally {
      metrics?.querySeconds.labels(verb).observe((performance.now() - startedMs) / 1000);
    }
  }
}

function read(bytes: Uint8Array): parley.internal.v1.AdminRequest {
  try {
    return internal.AdminRequest.decode(bytes);
  } catch {
    throw new BadRequest('BAD_REQUEST', 'the request could not be read');
  }
}

const failed = (code: ErrorName, message?: string): Uint8Array =>
  internal.AdminAnswer.encode({ error: errorBody(code, message) }).finish();
