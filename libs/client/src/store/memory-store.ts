// The client store in memory. Survives reconnects, and clients: hand the same store to a new client to resume.
import type { Message } from '../frames.ts';
import type { ClientStore, ConversationFacts, Segment } from './client-store.ts';

interface MutableSegment {
  first: number;
  messages: Message[];
}

export class MemoryStore implements ClientStore {
  #position = 0;
  readonly #conversations = new Map<string, ConversationFacts>();
  readonly #segments = new Map<string, MutableSegment[]>();

  inboxPosition(): number {
    return this.#position;
  }

  saveInboxPosition(position: number): void {
    this.#position = position;
  }

  conversations(): Iterable<ConversationFacts> {
    return this.#conversations.values();
  }

  saveConversation(facts: ConversationFacts): void {
    this.#conversations.set(facts.conversation, facts);
  }

  segments(conversation: string): readonly Segment[] {
    return this.#segments.get(conversation) ?? [];
  }

  append(message: Message, startsSegment: boolean): void {
    let segments = this.#segments.get(message.conversation);
    if (segments === undefined) this.#segments.set(message.conversation, (segments = []));
    const newest = segments.at(-1);
    if (newest === undefined || startsSegment)
      segments.push({ first: message.sequence, messages: [message] });
    else newest.messages.push(message);
  }

  replace(message: Message): void {
    const { conversation, sequence } = message;
    for (const { first, messages } of this.#segments.get(conversation) ?? []) {
      if (messages[sequence - first]?.sequence === sequence) messages[sequence - first] = message;
    }
  }

  prepend(conversation: string, messages: readonly Message[]): void {
    const first = messages[0];
    if (first === undefined) return;
    const segments = this.#segments.get(conversation);
    const newest = segments?.at(-1);
    if (newest === undefined) {
      this.#segments.set(conversation, [{ first: first.sequence, messages: [...messages] }]);
    } else {
      newest.first = first.sequence;
      newest.messages = [...messages, ...newest.messages];
    }
  }

  clear(): void {
    this.#position = 0;
    this.#conversations.clear();
    this.#segments.clear();
  }
}
