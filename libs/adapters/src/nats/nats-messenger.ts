// The messenger on core NATS. While the connection is down nothing is kept for later: anything may be lost anyway.
import type { Messenger, RequestResult, Respond, Subscription } from '@parley/runtime';
import { NatsDisconnected, isNoResponders } from './nats-errors.ts';
import type { NatsLink } from './nats-link.ts';

export class NatsMessenger implements Messenger {
  readonly #link: NatsLink;

  constructor(link: NatsLink) {
    this.#link = link;
  }

  get isConnected(): boolean {
    return this.#link.isConnected;
  }

  publish(subject: string, bytes: Uint8Array): void {
    const { bulk } = this.#link;
    if (bulk.isConnected) bulk.connection.publish(subject, bytes);
  }

  async request(subject: string, bytes: Uint8Array, timeoutMs: number): Promise<RequestResult> {
    const { bulk } = this.#link;
    try {
      const answer = await bulk.whileConnected(() =>
        bulk.connection.request(subject, bytes, { timeout: timeoutMs }),
      );
      return { outcome: 'answered', bytes: answer.data };
    } catch (error) {
      if (error instanceof NatsDisconnected || !bulk.isConnected) return { outcome: 'disconnected' };
      // Whatever else goes wrong with one request looks to its sender like no answer.
      return { outcome: isNoResponders(error) ? 'no-responders' : 'timeout' };
    }
  }

  subscribe(
    subject: string,
    onMessage: (bytes: Uint8Array, respond: Respond, subject: string) => void,
    queue?: string,
  ): Subscription {
    const { bulk } = this.#link;
    const subscription = bulk.connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        // Permission violations come here; the connection's status callback reports them.
        if (error !== null) return;
        const respond: Respond = (response) => {
          if (bulk.isConnected) message.respond(response);
        };
        onMessage(message.data, respond, message.subject);
      },
    });
    return {
      stop: () => {
        // Nothing new comes, and what the server has sent already is still handed over: its sender waits for an answer.
        if (!bulk.connection.isClosed()) subscription.drain().catch(() => undefined);
      },
    };
  }

  async flush(): Promise<void> {
    await this.#link.bulk.connection.flush();
  }
}
