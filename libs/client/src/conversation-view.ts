// What a program sees of one conversation: its contiguous messages, counts, and the operations on it. A thin window on
// the log; always up to date, cheap to ask for.
import type { Content, ConversationSettings, Message, Sent } from './frames.ts';
import type { OutboxItem } from './session/outbox.ts';
import type { Segment } from './store/client-store.ts';
import type { ConversationLog } from './sync/conversation-log.ts';

/** What an edit replaces; attachments stay as they are. */
export interface EditedContent {
  readonly text: string;
  readonly mentions?: readonly string[];
  readonly mentionsAll?: boolean;
}

/** What the user can set of a conversation for themself. */
export type OwnSettings = Omit<ConversationSettings, 'hiddenThrough'>;

/** What the view needs of the client. */
export interface ConversationOperations {
  send(conversation: string, content: string | Content): Promise<Sent>;
  edit(conversation: string, sequence: number, content: string | EditedContent): Promise<Sent>;
  recall(conversation: string, sequence: number): Promise<Sent>;
  react(conversation: string, sequence: number, emoji: string, remove?: boolean): Promise<void>;
  pin(conversation: string, sequence: number, unpin?: boolean): Promise<void>;
  set(conversation: string, settings: Partial<OwnSettings>): Promise<void>;
  deleteForMe(conversation: string, sequences: readonly number[]): Promise<void>;
  clearHistory(conversation: string, through: number): Promise<void>;
  markRead(conversation: string, sequence: number): Promise<void>;
  typing(conversation: string): void;
  loadOlder(log: ConversationLog, limit: number): Promise<number>;
  segments(conversation: string): readonly Segment[];
  pendingSends(conversation: string): readonly OutboxItem[];
}

export class ConversationView {
  readonly #log: ConversationLog;
  readonly #operations: ConversationOperations;

  constructor(log: ConversationLog, operations: ConversationOperations) {
    this.#log = log;
    this.#operations = operations;
  }

  get id(): string {
    return this.#log.facts.conversation;
  }

  get title(): string {
    return this.#log.facts.title;
  }

  /** `Diffusion.write` or `Diffusion.read`. */
  get diffusion(): number {
    return this.#log.facts.diffusion;
  }

  get isMember(): boolean {
    return this.#log.facts.left === 0;
  }

  /** Sequence at which the user left; 0 while a member. */
  get left(): number {
    return this.#log.facts.left;
  }

  /** First sequence the user may see, in the present span of membership. */
  get firstVisible(): number {
    return this.#log.facts.firstVisible;
  }

  /** Newest sequence known to exist; beyond `tail` while something is missing. */
  get head(): number {
    return Math.max(this.#log.facts.head, this.tail);
  }

  /** Last sequence of `messages`. */
  get tail(): number {
    return Math.max(0, this.#log.start);
  }

  get isComplete(): boolean {
    return !this.#log.hasHole;
  }

  get read(): number {
    return this.#log.facts.read;
  }

  get unread(): number {
    return this.#log.unread;
  }

  /** Unread messages that mention the user or everybody; 256 at most. */
  get unreadMentions(): number {
    return this.#log.unreadMentions;
  }

  /** Directs: how far the other one has read. */
  get peerRead(): number {
    return this.#log.facts.peerRead;
  }

  /** Directs: how far a device of the other one has got it; at least as far as they have read. */
  get peerDelivered(): number {
    const { peerRead, peerDelivered = 0 } = this.#log.facts;
    return Math.max(peerRead, peerDelivered);
  }

  /** The newest run of messages without a hole, with edits and recalls applied (and in it themselves), rising sequences, ending at `tail`. Do not change it. */
  get messages(): readonly Message[] {
    return this.#operations.segments(this.id).at(-1)?.messages ?? [];
  }

  /** All runs: one for each span of membership. */
  get segments(): readonly Segment[] {
    return this.#operations.segments(this.id);
  }

  /** Own messages without an answer yet, in order; shown after `messages`. */
  get pending(): readonly OutboxItem[] {
    return this.#operations.pendingSends(this.id);
  }

  /** Resolves when the message is durable; rejects with a ClientError when it is finally refused. */
  send(content: string | Content): Promise<Sent> {
    return this.#operations.send(this.id, content);
  }

  /** Gives an own message a new text. Resolves when that is durable, with the sequence of the edit. */
  edit(sequence: number, content: string | EditedContent): Promise<Sent> {
    return this.#operations.edit(this.id, sequence, content);
  }

  /** Takes a message back for everybody. */
  recall(sequence: number): Promise<Sent> {
    return this.#operations.recall(this.id, sequence);
  }

  /** Puts an emoji on a message, or takes the own one away. */
  react(sequence: number, emoji: string, { remove = false } = {}): Promise<void> {
    return this.#operations.react(this.id, sequence, emoji, remove);
  }

  /** Pins a message for everybody, or takes the pin away. In groups for owner and admins. */
  pin(sequence: number, { unpin = false } = {}): Promise<void> {
    return this.#operations.pin(this.id, sequence, unpin);
  }

  /** Sequences of pinned messages, the newest pin last, as far as this device has read. */
  get pinned(): readonly number[] {
    return this.#log.facts.pinned ?? [];
  }

  /** The user's own settings of it. */
  get settings(): OwnSettings {
    return this.#log.settings;
  }

  /** Changes the own settings, on all own devices. */
  set(settings: Partial<OwnSettings>): Promise<void> {
    return this.#operations.set(this.id, settings);
  }

  /** Deletes messages for this user only, on all own devices. */
  deleteForMe(...sequences: readonly number[]): Promise<void> {
    return this.#operations.deleteForMe(this.id, sequences);
  }

  /** Deletes everything up to a sequence for this user only; up to the newest one unless told otherwise. */
  clearHistory(through: number = this.tail): Promise<void> {
    return this.#operations.clearHistory(this.id, through);
  }

  /** Moves the read pointer, to the newest message held unless told otherwise. */
  markRead(sequence: number = this.tail): Promise<void> {
    return this.#operations.markRead(this.id, sequence);
  }

  typing(): void {
    this.#operations.typing(this.id);
  }

  /** Loads up to `limit` messages before the oldest of `messages`; resolves with how many came. */
  loadOlder(limit: number): Promise<number> {
    return this.#operations.loadOlder(this.#log, limit);
  }
}
