// Publishes to JetStream and the answers to them: one subscription for all, a number for each. What the client library
// does for a request (an error with its stack, four promises, a race) costs as much as a small commit; the outcomes are
// the same. Nothing is tried again here.
import { JetStreamApiError } from '@nats-io/jetstream';
import { type Msg, type NatsConnection, createInbox, errors, headers } from '@nats-io/nats-core';
import { NatsDisconnected, asError } from './nats-errors.ts';

export interface PublishOptions {
  /** The stream that must take it. */
  readonly stream: string;
  /** The id by which the server recognises a repetition. */
  readonly messageId?: string;
  /** The last sequence of the subject that is expected; 0 for none at all. */
  readonly lastSubjectSequence?: number;
  /** How long to wait for the answer. */
  readonly timeoutMs: number;
}

interface Waiting {
  readonly subject: string;
  readonly timeout: NodeJS.Timeout;
  readonly resolve: (sequence: number) => void;
  readonly reject: (cause: Error) => void;
}

export class PubAcks {
  readonly #connection: NatsConnection;
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, Waiting>();
  #last = 0;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    connection.subscribe(`${this.#inbox}.*`, {
      // A subscription that is not permitted: who waits runs into the timeout, the connection's status says why.
      callback: (error, message) => {
        if (error === null) this.#receive(message);
      },
    });
  }

  /**
   * The sequence it is stored under. Rejects with JetStreamApiError when the server refuses, with TimeoutError or
   * NoRespondersError when nobody answers: then it may be stored all the same.
   */
  publish(subject: string, bytes: Uint8Array, options: PublishOptions): Promise<number> {
    return new Promise((resolve, reject) => {
      const token = String(++this.#last);
      this.#connection.publish(subject, bytes, {
        reply: `${this.#inbox}.${token}`,
        headers: expectations(options),
      });
      const timeout = setTimeout(
        () => this.#take(token)?.reject(new errors.TimeoutError()),
        options.timeoutMs,
      );
      this.#waiting.set(token, { subject, timeout, resolve, reject });
    });
  }

  /** An answer to what was sent over a former connection never comes. */
  lose(): void {
    for (const token of [...this.#waiting.keys()]) {
      const cause = new NatsDisconnected('the connection to NATS was lost before the answer came');
      this.#take(token)?.reject(cause);
    }
  }

  #take(token: string): Waiting | undefined {
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    clearTimeout(waiting?.timeout);
    return waiting;
  }

  #receive(message: Msg): void {
    const waiting = this.#take(message.subject.slice(this.#inbox.length + 1));
    if (waiting === undefined) return;
    try {
      waiting.resolve(sequenceOf(message, waiting.subject));
    } catch (cause) {
      waiting.reject(asError(cause));
    }
  }
}

function expectations({ stream, messageId, lastSubjectSequence }: PublishOptions) {
  const expected = headers();
  expected.set('Nats-Expected-Stream', stream);
  if (messageId !== undefined) expected.set('Nats-Msg-Id', messageId);
  if (lastSubjectSequence !== undefined)
    expected.set('Nats-Expected-Last-Subject-Sequence', String(lastSubjectSequence));
  return expected;
}

function sequenceOf(message: Msg, subject: string): number {
  if (message.data.length === 0 && message.headers?.code === 503) throw new errors.NoRespondersError(subject);
  const ack = message.json<{ seq?: unknown; error?: ConstructorParameters<typeof JetStreamApiError>[0] }>();
  if (ack.error !== undefined) throw new JetStreamApiError(ack.error);
  if (typeof ack.seq !== 'number') throw new Error(`${subject}: an answer without a sequence`);
  return ack.seq;
}
