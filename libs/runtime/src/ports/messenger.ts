// The messenger port: volatile messages between processes (replies, pushes, queries, liveness). Anything may be lost.

export type RequestResult =
  | { readonly outcome: 'answered'; readonly bytes: Uint8Array }
  /** Nobody listens on the subject: the process that did is gone. Known at once. */
  | { readonly outcome: 'no-responders' }
  | { readonly outcome: 'timeout' }
  /** Our own connection is down. */
  | { readonly outcome: 'disconnected' };

/** Answers a request; a no-op when the sender wants no answer. */
export type Respond = (bytes: Uint8Array) => void;

export interface Subscription {
  stop(): void;
}

export interface Messenger {
  publish(subject: string, bytes: Uint8Array): void;
  request(subject: string, bytes: Uint8Array, timeoutMs: number): Promise<RequestResult>;
  /**
   * `bytes` are a view that is valid during the call; `subject` is the concrete one. With a `queue`, one of all
   * subscribers of the same queue gets the message.
   */
  subscribe(
    subject: string,
    onMessage: (bytes: Uint8Array, respond: Respond, subject: string) => void,
    queue?: string,
  ): Subscription;
  /** Resolves when the server has seen everything published and subscribed so far. */
  flush(): Promise<void>;
  /** Whether our own connection to the server stands. */
  readonly isConnected: boolean;
}
