// The client's view of one conversation: a dense log, whichever way a message came (inbox, live push, page), and what the
// user has read of it. Holds what came too early, knows when something is missing; fetching it is repairer.ts.
import type { ConversationInfo, ConversationSettings, HistoryPage, Message } from '../frames.ts';
import type { ClientStore, ConversationFacts } from '../store/client-store.ts';
import { shownTo } from './own-view.ts';
import { changedBy, markedBy, mentionsIn, messageIn, reactedBy, targetOf } from './message-changes.ts';

export interface LogOptions {
  /** The own user id; known from the first welcome on. */
  user(): string;
  readonly heldMessagesMax: number;
  readonly store: ClientStore;
  /** Called for each message that takes its place, in order. */
  onAppended(message: Message, log: ConversationLog): void;
  /** Called when an edit or a recall has given a message that is held another content. */
  onChanged(message: Message, log: ConversationLog): void;
}

/** Sequences remembered that do not count as unread; the oldest count again. */
const uncountedMax = 1_024;

/** Sequences remembered that mention the user, as many as the server does; the oldest are not counted any more. */
const mentionedMax = 256;
const initialSettings: ConversationSettings = {
  doNotDisturbUntilMs: 0,
  pinned: false,
  hidden: false,
  markedUnread: false,
  hiddenThrough: 0,
};

const notOpened = -1;

export class ConversationLog {
  readonly facts: ConversationFacts;
  readonly #options: LogOptions;
  readonly #held = new Map<number, Message>();
  /** The next message begins a new span of membership. */
  #startsSegment = false;
  /** Since when a hole has been known, monotonic; 0 without one. Kept by the repairer. */
  holeSinceMs = 0;

  constructor(facts: ConversationFacts, options: LogOptions) {
    this.facts = facts;
    this.#options = options;
  }

  static emptyFacts(conversation: string): ConversationFacts {
    const base = {
      title: '',
      diffusion: 0,
      firstVisible: 1,
      left: 0,
      read: 0,
      peerRead: 0,
      head: 0,
      spanEnd: 0,
    };
    return { conversation, ...base, tail: notOpened };
  }

  get hasHole(): boolean {
    return this.facts.head > this.start;
  }

  /** The last sequence held without a hole; before the log is opened, the one before the first visible. */
  get start(): number {
    return this.facts.tail === notOpened ? this.facts.firstVisible - 1 : this.facts.tail;
  }

  get isOpen(): boolean {
    return this.facts.tail !== notOpened;
  }

  get unread(): number {
    const { head, tail, read, uncounted = [] } = this.facts;
    const others = uncounted.filter((sequence) => sequence > read).length;
    return Math.max(0, Math.max(head, tail) - read - others);
  }

  get unreadMentions(): number {
    const { read, mentioned = [] } = this.facts;
    return mentioned.filter((sequence) => sequence > read).length;
  }

  /** What `welcome` or a limited page says about this conversation. */
  learn(info: ConversationInfo): void {
    const { facts } = this;
    facts.title = info.title || facts.title;
    facts.diffusion = info.diffusion;
    facts.firstVisible = info.firstVisible || facts.firstVisible;
    facts.read = Math.max(facts.read, info.read);
    facts.peerRead = Math.max(facts.peerRead, info.peerRead);
    facts.peerDelivered = Math.max(facts.peerDelivered ?? 0, info.peerDelivered ?? 0);
    facts.left = info.left;
    facts.spanEnd = Math.max(facts.spanEnd, info.left);
    this.noteHead(info.head);
    this.#discount(info.uncounted ?? []);
    // The server knows of edits and recalls that are still to come here; what is newer than its head it does not.
    const newer = (facts.mentioned ?? []).filter((sequence) => sequence > info.head);
    this.#mention([...(info.mentioned ?? []), ...newer]);
    if (info.settings) facts.settings = info.settings;
    if (info.clearedThrough || info.deleted?.length)
      this.narrow({ clearedThrough: info.clearedThrough ?? 0, deleted: info.deleted ?? [] });
    this.#save();
  }

  /** Whether the user has hidden the conversation, and nobody has written since. */
  get settings(): ConversationSettings {
    const { settings = initialSettings, newest = 0 } = this.facts;
    if (!settings.hidden || newest <= settings.hiddenThrough) return settings;
    return { ...settings, hidden: false, hiddenThrough: 0 };
  }

  changeSettings(settings: ConversationSettings): void {
    this.facts.settings = settings;
    this.#save();
  }

  /** The user has read, here or elsewhere: nothing is marked unread any more. */
  clearUnreadMark(): void {
    const { settings } = this.facts;
    if (settings?.markedUnread) this.changeSettings({ ...settings, markedUnread: false });
  }

  /** The user has deleted messages for themself, here or elsewhere. */
  narrow({
    clearedThrough,
    deleted,
  }: {
    readonly clearedThrough: number;
    readonly deleted: readonly number[];
  }): void {
    const { facts } = this;
    facts.clearedThrough = Math.max(facts.clearedThrough ?? 0, clearedThrough);
    facts.firstVisible = Math.max(facts.firstVisible, clearedThrough + 1);
    facts.read = Math.max(facts.read, clearedThrough);
    const all = new Set([...(facts.deleted ?? []), ...deleted].filter((each) => each > clearedThrough));
    facts.deleted = [...all].sort((one, other) => one - other);
    this.#discount(facts.deleted);
    this.#mention((facts.mentioned ?? []).filter((each) => !all.has(each)));
    for (const { messages } of this.#options.store.segments(facts.conversation))
      for (const message of [...messages]) {
        const shown = shownTo(facts, message);
        if (shown !== message) this.#options.store.replace(shown);
      }
    this.#save();
  }

  /** Begins the log after `sequence`: what is older is loaded on demand. */
  openAfter(sequence: number): void {
    this.facts.tail = sequence;
    this.#startsSegment = true;
    this.#save();
  }

  /** Older messages were put right before the next one: it follows on from them. */
  continueSegment(): void {
    this.#startsSegment = false;
  }

  /** Somebody says the conversation has got this far. */
  noteHead(head: number): void {
    const { left } = this.facts;
    this.facts.head = Math.max(this.facts.head, left > 0 ? Math.min(head, left) : head);
  }

  /**
   * The user became a member with this message, says the inbox: a span begins. `firstVisible`: they may read from there on,
   * 0: from the message on.
   */
  join(message: Message, firstVisible = 0): void {
    const { facts } = this;
    this.#beginSpan(message.sequence);
    if (firstVisible > 0) facts.firstVisible = firstVisible;
    if (facts.tail !== notOpened && message.sequence <= facts.tail) return;
    // Part of the span before may still be missing: the page that fills the hole brings this message again.
    if (facts.tail === notOpened || facts.spanEnd <= facts.tail) this.openAfter(message.sequence - 1);
    this.offer(message);
  }

  /** The user left with the message of this sequence: nothing beyond it counts. */
  leave(sequence: number): void {
    const { facts } = this;
    facts.spanEnd = Math.max(facts.spanEnd, sequence);
    // Pages and `welcome` can be ahead of the inbox: the user is back already.
    if (sequence >= facts.firstVisible) {
      facts.left = sequence;
      facts.head = sequence;
      for (const held of this.#held.keys()) if (held > sequence) this.#held.delete(held);
    }
    this.#save();
  }

  /** Takes a message in; known ones and those outside of the membership are dropped. */
  offer(message: Message): void {
    const { facts } = this;
    const { sequence } = message;
    if (facts.left > 0 && sequence > facts.left) return;
    if (facts.tail === notOpened) this.openAfter(this.start);
    if (sequence <= facts.tail) return;
    if (sequence > facts.head) facts.head = sequence;
    if (sequence !== facts.tail + 1) {
      if (this.#held.size < this.#options.heldMessagesMax) this.#held.set(sequence, message);
      return;
    }
    this.#append(message);
    this.#drainHeld();
  }

  /**
   * Takes a page asked for with `after: start`. A page may jump only where the user was not a member: to a message that
   * makes the user one. Returns false when it jumps elsewhere: then it is not believed beyond the jump.
   */
  offerPage(page: HistoryPage): boolean {
    if (this.facts.tail === notOpened) this.openAfter(this.start);
    for (const message of page.messages) {
      const { facts } = this;
      const jumps = message.sequence > facts.tail + 1;
      if (jumps || (facts.left > 0 && message.sequence > facts.left)) {
        const begins = message.sequence === facts.firstVisible || isJoinOf(message, this.#options.user());
        if (begins) this.#beginSpan(message.sequence);
        else if (jumps) return false;
        if (begins) this.openAfter(message.sequence - 1);
      }
      this.offer(message);
    }
    this.noteHead(page.head);
    this.notePinned(page.pinned ?? [], page.head);
    return true;
  }

  /** Pointers only move forward. Returns whether it moved. */
  moveRead(sequence: number): boolean {
    if (sequence <= this.facts.read) return false;
    this.facts.read = sequence;
    this.#discount([]);
    this.#mention(this.facts.mentioned ?? []);
    this.#save();
    return true;
  }

  #beginSpan(sequence: number): void {
    const { facts } = this;
    if (sequence > facts.left) facts.left = 0;
    facts.firstVisible = Math.max(facts.firstVisible, sequence);
    facts.read = Math.max(facts.read, sequence - 1);
    facts.head = Math.max(facts.head, sequence);
  }

  #append(given: Message): void {
    const { facts } = this;
    const message = shownTo(facts, given);
    facts.tail = message.sequence;
    // In a super-large group the inbox does not bring it.
    if (message.system?.profileChanged?.title) facts.title = message.system.profileChanged.title;
    const target = targetOf(message);
    const marked = markedBy(message);
    if (target !== undefined)
      this.#discount(message.recalled ? [target, message.sequence] : [message.sequence]);
    else if (marked !== undefined || message.gone) this.#discount([message.sequence]);
    else this.#noteMessage(message);
    this.#noteMentions(message);
    this.#options.store.append(message, this.#startsSegment);
    this.#startsSegment = false;
    if (target !== undefined || marked !== undefined) this.#change(target ?? marked ?? 0, message);
    if (marked !== undefined) this.#notePin(message);
    // Live pushes can be ahead of the inbox: what follows this one is not for the user, whoever still sends it.
    if (isLeaveOf(message, this.#options.user())) this.leave(message.sequence);
    this.#options.onAppended(message, this);
  }

  #change(target: number, element: Message): void {
    const message = messageIn(this.#options.store.segments(this.facts.conversation), target);
    const user = this.#options.user();
    const changed = message && reactedBy(changedBy(message, element), element, user);
    if (changed === undefined || changed === message) return;
    this.#options.store.replace(changed);
    this.#options.onChanged(changed, this);
  }

  #noteMessage({ sender, sequence }: Message): void {
    const { facts } = this;
    facts.newest = sequence;
    // Whoever writes has read up to there.
    if (sender === this.#options.user()) facts.read = Math.max(facts.read, sequence);
    else if (facts.conversation.startsWith('d.')) facts.peerRead = Math.max(facts.peerRead, sequence);
  }

  #notePin({ system }: Message): void {
    const { facts } = this;
    const sequence = (system?.messagePinned ?? system?.messageUnpinned)?.sequence ?? 0;
    if (sequence === 0) return;
    const others = (facts.pinned ?? []).filter((each) => each !== sequence);
    facts.pinned = system?.messagePinned ? [...others, sequence] : others;
  }

  /** What a page says is pinned, unless this log knows of something newer. */
  notePinned(pinned: readonly number[], head: number): void {
    if (head >= this.start) this.facts.pinned = pinned;
  }

  /** Those after the pointer are news, but nothing to be read. */
  #discount(sequences: readonly number[]): void {
    const { read, uncounted = [] } = this.facts;
    if (sequences.length === 0 && uncounted.length === 0) return;
    const all = new Set([...uncounted, ...sequences].filter((sequence) => sequence > read));
    this.facts.uncounted = [...all].sort((one, other) => one - other).slice(-uncountedMax);
  }

  /** What the element says about whom a message mentions: itself, or the one it edits or recalls. */
  #noteMentions(element: Message): void {
    const said = mentionsIn(element, this.#options.user());
    if (said === undefined) return;
    const others = (this.facts.mentioned ?? []).filter((sequence) => sequence !== said.sequence);
    if (said.isMentioned) this.#mention([...others, said.sequence]);
    else if (others.length !== this.facts.mentioned?.length) this.#mention(others);
  }

  #mention(sequences: readonly number[]): void {
    const { read, mentioned = [] } = this.facts;
    if (sequences.length === 0 && mentioned.length === 0) return;
    const unread = new Set(sequences.filter((sequence) => sequence > read));
    this.facts.mentioned = [...unread].sort((one, other) => one - other).slice(-mentionedMax);
  }

  #drainHeld(): void {
    if (this.#held.size === 0) return;
    for (const sequence of this.#held.keys()) if (sequence <= this.facts.tail) this.#held.delete(sequence);
    for (let next = this.facts.tail + 1; ; next++) {
      const message = this.#held.get(next);
      if (message === undefined) return;
      this.#held.delete(next);
      this.#append(message);
    }
  }

  #save(): void {
    this.#options.store.saveConversation(this.facts);
  }
}

/** Does this message make `user` a member? */
export function isJoinOf(message: Message, user: string): boolean {
  const { system } = message;
  if (!system) return false;
  if (system.groupCreated) return true;
  return system.membersAdded?.members?.includes(user) ?? false;
}

/** Does this message end the membership of `user`? */
function isLeaveOf({ system }: Message, user: string): boolean {
  if (!system) return false;
  return (
    system.memberLeft?.member === user ||
    system.memberRemoved?.member === user ||
    Boolean(system.groupDismissed)
  );
}
