// What a client keeps: its inbox position, what it knows about each conversation, and their messages. Memory is the only
// implementation now; a durable one writes a batch of these calls in one transaction, position last.
import type { ConversationSettings, Message } from '../frames.ts';

/** What is known about one conversation. */
export interface ConversationFacts {
  readonly conversation: string;
  title: string;
  /** `Diffusion` of the wire. */
  diffusion: number;
  firstVisible: number;
  /** Sequence at which the user left; 0 while a member. */
  left: number;
  /** Where the last span of membership that has ended did so: everything up to there still belongs to the log. */
  spanEnd: number;
  read: number;
  peerRead: number;
  /** Directs: how far a device of the other one has got it, where that is further. */
  peerDelivered?: number;
  /** Newest sequence anybody has told of, within the user's membership. */
  head: number;
  /** Last sequence held without a hole; -1 before the log is opened. */
  tail: number;
  /** Sequences after `read` that do not count as unread: edits, recalls, recalled messages. Rising; absent: none. */
  uncounted?: readonly number[];
  /** Sequences of pinned messages, the newest pin last; absent: none is known of. */
  pinned?: readonly number[];
  /** Sequences after `read` that mention the user or everybody, as edits and recalls have left them. Rising; absent: none. */
  mentioned?: readonly number[];
  /** The user's own settings; absent: as they were from the start. */
  settings?: ConversationSettings;
  /** What the user has deleted for themself: everything up to here, and these. */
  clearedThrough?: number;
  deleted?: readonly number[];
  /** The newest message that counts as one: it brings a hidden conversation back. */
  newest?: number;
}

/** A run of messages without a hole: one span of membership, or the newest part of one. */
export interface Segment {
  readonly first: number;
  readonly messages: readonly Message[];
}

export interface ClientStore {
  inboxPosition(): number;
  saveInboxPosition(position: number): void;
  conversations(): Iterable<ConversationFacts>;
  /** `facts` stays the caller's object; called after each change of it. */
  saveConversation(facts: ConversationFacts): void;
  /** In rising order. */
  segments(conversation: string): readonly Segment[];
  /** The message after the newest one; `startsSegment` when it does not follow on from it. */
  append(message: Message, startsSegment: boolean): void;
  /** Another version of a message that is held: it was edited or recalled. */
  replace(message: Message): void;
  /** Messages right before the newest segment, in rising order. */
  prepend(conversation: string, messages: readonly Message[]): void;
  /** Drops everything: the server no longer knows our positions. */
  clear(): void;
}
