// Typed callbacks and an async iterator over what happens in a client. A listener that throws never breaks the client:
// the error goes to the `error` listeners, or is thrown again outside of the client's own work.
import type { ClientError } from './client-error.ts';
import { localError } from './client-error.ts';
import type { ConversationView } from './conversation-view.ts';
import type { Message, PersonalChange, Presence } from './frames.ts';

export type ClientState = 'idle' | 'connecting' | 'syncing' | 'ready' | 'offline' | 'stopped';

export interface ClientEvents {
  /** `detail` says why, for people. `retryInMs` with `offline`. */
  state: { readonly state: ClientState; readonly detail: string; readonly retryInMs?: number };
  /** A message took its place at the end of a conversation's contiguous view, in order. */
  message: { readonly message: Message; readonly conversation: ConversationView };
  /** A message of the view was edited or recalled; the edit or recall itself comes as `message`, after this. */
  change: { readonly message: Message; readonly conversation: ConversationView };
  /** Membership, title, way of delivery, read pointer or unread count changed, beyond what `message` says. */
  conversation: ConversationView;
  /** The other one of a direct has read up to `sequence`, or got it up to `delivered`; 0: not said. */
  receipt: {
    readonly conversation: string;
    readonly user: string;
    readonly sequence: number;
    readonly delivered?: number;
  };
  typing: { readonly conversation: string; readonly user: string };
  presence: Presence;
  /** Contacts, blocks and the like changed, here or on another device. After `limited`, ask the HTTP API for all. */
  personal: PersonalChange;
  /** Something failed that no promise reports: a repair that is tried again, an error about the connection. */
  error: ClientError;
}

export type ClientEvent = {
  [Name in keyof ClientEvents]: { readonly type: Name; readonly event: ClientEvents[Name] };
}[keyof ClientEvents];

type Listener<T> = (event: T) => void;

export class EventHub {
  readonly #listeners = new Map<keyof ClientEvents, Set<Listener<never>>>();
  readonly #streams = new Set<EventStream>();

  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) this.#listeners.set(name, (listeners = new Set()));
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** True when building the event would be for somebody. */
  hasListeners(name: keyof ClientEvents): boolean {
    return this.#streams.size > 0 || (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  emit<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void {
    const listeners = this.#listeners.get(name) as Set<Listener<ClientEvents[Name]>> | undefined;
    for (const listener of listeners ?? []) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    for (const stream of this.#streams) stream.push({ type: name, event } as ClientEvent);
  }

  /** Ends when the consumer breaks out of its loop, or `end` is called. */
  stream(heldMax: number): AsyncIterableIterator<ClientEvent> {
    const stream = new EventStream(heldMax, () => this.#streams.delete(stream));
    this.#streams.add(stream);
    return stream;
  }

  end(): void {
    for (const stream of this.#streams) stream.end();
  }
}

type Waiter = { resolve(result: IteratorResult<ClientEvent>): void; reject(error: Error): void };

class EventStream implements AsyncIterableIterator<ClientEvent> {
  readonly #held: ClientEvent[] = [];
  readonly #heldMax: number;
  readonly #onEnd: () => void;
  #waiter: Waiter | undefined;
  #ended = false;
  #overflowed = false;

  constructor(heldMax: number, onEnd: () => void) {
    this.#heldMax = heldMax;
    this.#onEnd = onEnd;
  }

  push(event: ClientEvent): void {
    if (this.#ended) return;
    const waiter = this.#waiter;
    if (waiter !== undefined) {
      this.#waiter = undefined;
      waiter.resolve({ value: event, done: false });
    } else if (this.#held.length < this.#heldMax) {
      this.#held.push(event);
    } else {
      this.#overflowed = true;
      this.end();
    }
  }

  end(): void {
    this.#ended = true;
    this.#onEnd();
    this.#waiter?.resolve({ value: undefined, done: true });
    this.#waiter = undefined;
  }

  next(): Promise<IteratorResult<ClientEvent>> {
    const event = this.#held.shift();
    if (event !== undefined) return Promise.resolve({ value: event, done: false });
    if (this.#overflowed) {
      return Promise.reject(localError('EVENTS_LOST', `more than ${this.#heldMax} events were not taken`));
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => (this.#waiter = { resolve, reject }));
  }

  return(): Promise<IteratorResult<ClientEvent>> {
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<ClientEvent> {
    return this;
  }
}
