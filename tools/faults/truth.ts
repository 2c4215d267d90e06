// What the journals say, replayed by rules of its own: no code of the actors but the decoding of bytes. Conversations with
// their messages, memberships, inboxes. The reading of single events is shared with `npm run verify`: tools/journals.
import { decodeDirectEvent, decodeGroupEvent, decodeUserEvent } from '@parley/protocol';
import { type CommitRecord, decodeCommit } from '@parley/runtime';
import { type MessageFact, directFact, groupFact, userFact } from '../journals/facts.ts';
import { type Membership, applyMembership, newMembership } from '../journals/membership.ts';
import { ShardTrail } from '../journals/shard-trail.ts';

export interface TrueMessage {
  readonly sequence: number;
  readonly sender: string;
  readonly clientMessageId: string;
  /** As it was sent. */
  readonly sentText: string;
  /** As it is now. */
  text: string;
  /** Sequence of the change that made it what it is now; 0: as it was sent. */
  revision: number;
  isRecalled: boolean;
  /** A fact of the group instead of a message of somebody. */
  readonly isSystem: boolean;
  /** Of an edit or a recall: the sequence of the message it changes. */
  readonly target: number;
}

export interface TrueConversation extends Membership {
  readonly id: string;
  /** By sequence - 1. */
  readonly messages: TrueMessage[];
  /** Sequences that are never unread: edits, recalls, and what was recalled. */
  readonly uncounted: Set<number>;
}

export interface TrueInbox {
  position: number;
  /** `conversation#sequence` of all entries. */
  readonly entries: Set<string>;
}

/** Flaws told in words; more are only counted. */
const flawsToldMax = 40;

export class Truth {
  readonly conversations = new Map<string, TrueConversation>();
  readonly inboxes = new Map<string, TrueInbox>();
  readonly flaws: string[] = [];
  flawCount = 0;
  commits = 0;
  events = 0;
  readonly #trails = new Map<string, ShardTrail>();
  readonly #posts = new Map<string, string>();

  /** The next record of a shard; its journal sequence rises. */
  apply(shard: string, sequence: number, bytes: Uint8Array): void {
    const record = decodeCommit(bytes);
    if (!this.#follows(shard, sequence, record)) return;
    this.commits++;
    for (const { type, ids, payload } of record.events) {
      this.events += ids.length;
      if (type === 'direct') for (const id of ids) this.#direct(id, payload);
      else if (type === 'group') for (const id of ids) this.#group(id, payload);
      else if (type === 'user') for (const id of ids) this.#user(id, payload);
      else this.#flaw(`${shard}@${sequence} has an event of ${type}`);
    }
  }

  conversation(id: string): TrueConversation {
    let found = this.conversations.get(id);
    if (found === undefined) {
      found = { id, messages: [], uncounted: new Set(), ...newMembership(id) };
      this.conversations.set(id, found);
    }
    return found;
  }

  /** No gap, no rewritten tail, no epoch that falls: or replay would not be what happened. */
  #follows(shard: string, sequence: number, record: CommitRecord): boolean {
    let trail = this.#trails.get(shard);
    if (trail === undefined) this.#trails.set(shard, (trail = new ShardTrail(shard)));
    const { counts, flaws } = trail.follow(sequence, record);
    for (const { what } of flaws) this.#flaw(`${shard}@${sequence}: ${what}`);
    return counts;
  }

  #direct(id: string, payload: Uint8Array): void {
    const fact = directFact(id, decodeDirectEvent(payload));
    if (fact !== undefined) this.#append(fact);
  }

  #group(id: string, payload: Uint8Array): void {
    const fact = groupFact(id, decodeGroupEvent(payload));
    if (fact !== undefined) this.#append(fact);
  }

  #user(id: string, payload: Uint8Array): void {
    const fact = userFact(decodeUserEvent(payload));
    if (fact === undefined) return;
    let inbox = this.inboxes.get(id);
    if (inbox === undefined) this.inboxes.set(id, (inbox = { position: 0, entries: new Set() }));
    inbox.position++;
    const { entry } = fact;
    if (entry === undefined) return;
    const key = `${entry.conversation}#${entry.sequence}`;
    if (inbox.entries.has(key)) this.#flaw(`the inbox of ${id} has ${key} twice`);
    inbox.entries.add(key);
  }

  #append(fact: MessageFact): void {
    const { sequence, sender, clientMessageId, text = '', system } = fact.message;
    const conversation = this.conversation(fact.message.conversation);
    applyMembership(conversation, fact);
    if (sequence !== conversation.messages.length + 1)
      this.#flaw(`${conversation.id}: #${sequence} after #${conversation.messages.length}`);
    const isSystem = system !== undefined;
    const target = fact.message.edited?.sequence ?? fact.message.recalled?.sequence ?? 0;
    const author = isSystem ? { sender: '', clientMessageId: '' } : { sender, clientMessageId };
    const asSent = { sentText: text, text, revision: 0, isRecalled: false };
    conversation.messages.push({ sequence, ...author, ...asSent, isSystem, target });
    if (target > 0) this.#change(conversation, fact);
    if (isSystem) return;
    const id = `${conversation.id} ${sender} ${clientMessageId}`;
    if (this.#posts.has(id)) this.#flaw(`${conversation.id}: ${clientMessageId} of ${sender} is there twice`);
    this.#posts.set(id, text);
  }

  #change(conversation: TrueConversation, { message, changed }: MessageFact): void {
    const { messages, uncounted, id } = conversation;
    uncounted.add(message.sequence);
    const target = changed && messages[changed.sequence - 1];
    if (target === undefined) return this.#flaw(`${id}: #${message.sequence} changes what is not there`);
    if (target.isRecalled)
      this.#flaw(`${id}: #${message.sequence} changes #${target.sequence}, recalled before`);
    target.text = changed?.text ?? '';
    target.revision = message.sequence;
    target.isRecalled = changed?.isRecalled === true;
    if (target.isRecalled) uncounted.add(target.sequence);
  }

  #flaw(what: string): void {
    this.flawCount++;
    if (this.flaws.length < flawsToldMax) this.flaws.push(what);
  }
}
