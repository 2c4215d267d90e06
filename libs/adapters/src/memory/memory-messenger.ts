// The messenger's twin: one bus for all nodes of a MemoryCluster, with wildcards and no-responders as NATS has them.
import type { Messenger, RequestResult, Respond, Subscription } from '@parley/runtime';
import type { MemoryNode } from './memory-node.ts';

type OnMessage = (bytes: Uint8Array, respond: Respond, subject: string) => void;

/** @internal One subscription of one node. */
export interface MemorySubscription {
  readonly node: MemoryNode;
  readonly pattern: readonly string[];
  readonly onMessage: OnMessage;
}

const noRespond: Respond = () => undefined;

export class MemoryMessenger implements Messenger {
  readonly #node: MemoryNode;

  constructor(node: MemoryNode) {
    this.#node = node;
  }

  get isConnected(): boolean {
    return this.#node.isConnected;
  }

  publish(subject: string, bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.#node.tell('message.publish', subject, () => {
      for (const subscription of this.#matching(subject))
        this.#deliver(subscription, subject, copy, noRespond);
    });
  }

  request(subject: string, bytes: Uint8Array, timeoutMs: number): Promise<RequestResult> {
    if (!this.#node.isConnected) return Promise.resolve({ outcome: 'disconnected' });
    const copy = bytes.slice();
    return new Promise((resolve) => {
      let isSettled = false;
      const settle = (result: RequestResult) => {
        if (isSettled) return;
        isSettled = true;
        timer.cancel();
        resolve(result);
      };
      const timer = this.#node.clock.after(timeoutMs, () =>
        settle({ outcome: this.#node.isConnected ? 'timeout' : 'disconnected' }),
      );
      const answer = (result: RequestResult) =>
        this.#node.deliver('message.deliver', subject, () => settle(result));
      this.#node.tell('message.request', subject, () => {
        const subscriptions = this.#matching(subject);
        if (subscriptions.length === 0) answer({ outcome: 'no-responders' });
        for (const subscription of subscriptions) {
          this.#deliver(subscription, subject, copy, (response) => {
            const responseCopy = response.slice();
            subscription.node.tell('message.respond', subject, () =>
              answer({ outcome: 'answered', bytes: responseCopy }),
            );
          });
        }
      });
    });
  }

  subscribe(subject: string, onMessage: OnMessage): Subscription {
    const subscription = { node: this.#node, pattern: subject.split('.'), onMessage };
    const { subscriptions } = this.#node.cluster;
    subscriptions.add(subscription);
    return { stop: () => void subscriptions.delete(subscription) };
  }

  flush(): Promise<void> {
    return this.#node.call('message.flush', '', () => undefined);
  }

  #matching(subject: string): MemorySubscription[] {
    const tokens = subject.split('.');
    return [...this.#node.cluster.subscriptions].filter(
      ({ node, pattern }) => node.isConnected && matches(pattern, tokens),
    );
  }

  #deliver(subscription: MemorySubscription, subject: string, bytes: Uint8Array, respond: Respond): void {
    subscription.node.deliver('message.deliver', subject, () => {
      if (this.#node.cluster.subscriptions.has(subscription)) subscription.onMessage(bytes, respond, subject);
    });
  }
}

/** NATS wildcards: `*` is one token, `>` one or more at the end. */
function matches(pattern: readonly string[], tokens: readonly string[]): boolean {
  for (const [index, part] of pattern.entries()) {
    if (part === '>') return tokens.length > index;
    if (index >= tokens.length) return false;
    if (part !== '*' && part !== tokens[index]) return false;
  }
  return pattern.length === tokens.length;
}
