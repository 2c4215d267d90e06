// What the journals say, replayed by rules of its own: no code of the actors but the decoding of bytes. Conversations with
// their messages, memberships, inboxes.
import { decodeDirectEvent, decodeGroupEvent, decodeUserEvent } from '@parley/protocol';
import { type CommitRecord, decodeCommit } from '@parley/runtime';

export interface TrueMessage {
  readonly sequence: number;
  readonly sender: string;
  readonly clientMessageId: string;
  readonly text: string;
  /** A fact of the group instead of a message of somebody. */
  readonly isSystem: boolean;
}

export interface TrueConversation {
  readonly id: string;
  /** By sequence - 1. */
  readonly messages: TrueMessage[];
  /** First and last sequence of each member's spans; `to` 0 while open. */
  readonly spans: Map<string, { readonly from: number; to: number }[]>;
  /** Sequences at which it turned to reading the log (true) or to inboxes (false). */
  readonly turns: { readonly sequence: number; readonly isRead: boolean }[];
}

export interface TrueInbox {
  position: number;
  /** `conversation#sequence` of all entries. */
  readonly entries: Set<string>;
}

interface ShardTrail {
  n: number;
  sequence: number;
  epoch: number;
  readonly lanesIn: Map<string, number>;
}

const diffusionRead = 2;
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
    if (record.shard !== shard) this.#flaw(`${shard}@${sequence} is a record of ${record.shard}`);
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
      found = { id, messages: [], spans: new Map(), turns: [] };
      this.conversations.set(id, found);
    }
    return found;
  }

  /** No gap, no rewritten tail, no epoch that falls: or replay would not be what happened. */
  #follows(shard: string, sequence: number, record: CommitRecord): boolean {
    const trail = this.#trails.get(shard);
    if (trail === undefined) {
      // Before the first user came there were only changes of owners, and those may have been trimmed.
      this.#trails.set(shard, {
        n: record.n,
        sequence,
        epoch: record.epoch,
        lanesIn: new Map(record.lanesIn.map((mark) => [mark.shard, mark.number])),
      });
      return true;
    }
    if (record.epoch < trail.epoch) {
      this.#flaw(`${shard}@${sequence}: epoch ${record.epoch} after ${trail.epoch}`);
      return false;
    }
    if (record.n !== trail.n + 1 || record.previousSequence !== trail.sequence)
      this.#flaw(`${shard}@${sequence}: number ${record.n} after ${trail.n}@${trail.sequence}`);
    for (const mark of record.lanesIn) {
      const last = trail.lanesIn.get(mark.shard) ?? 0;
      if (mark.number < last)
        this.#flaw(`${shard}@${sequence}: lane from ${mark.shard} falls to ${mark.number}`);
      trail.lanesIn.set(mark.shard, mark.number);
    }
    Object.assign(trail, { n: record.n, sequence, epoch: record.epoch });
    return true;
  }

  #direct(id: string, payload: Uint8Array): void {
    const event = decodeDirectEvent(payload);
    if (event.type !== 'MessagePosted') return;
    const conversation = this.conversation(`d.${id}`);
    for (const member of id.split('.')) {
      if (!conversation.spans.has(member)) conversation.spans.set(member, [{ from: 1, to: 0 }]);
    }
    this.#append(conversation, { ...event, isSystem: false });
  }

  #group(id: string, payload: Uint8Array): void {
    const event = decodeGroupEvent(payload);
    const conversation = this.conversation(`g.${id}`);
    if (event.type === 'MessagePosted') return this.#append(conversation, { ...event, isSystem: false });
    const { sequence } = event;
    this.#append(conversation, { sequence, sender: '', clientMessageId: '', text: '', isSystem: true });
    const open = (member: string) =>
      conversation.spans.set(member, [...(conversation.spans.get(member) ?? []), { from: sequence, to: 0 }]);
    const close = (member: string) => {
      const last = conversation.spans.get(member)?.at(-1);
      if (last !== undefined) last.to = sequence;
    };
    if (event.type === 'GroupCreated') new Set([event.by, ...event.members]).forEach(open);
    else if (event.type === 'MembersAdded') event.members.forEach(open);
    else if (event.type === 'MemberLeft' || event.type === 'MemberRemoved') close(event.member);
    else if (event.type === 'DiffusionChanged')
      conversation.turns.push({ sequence, isRead: event.diffusion === diffusionRead });
  }

  #user(id: string, payload: Uint8Array): void {
    const event = decodeUserEvent(payload);
    if (event.type !== 'EntryAppended' && event.type !== 'ReadPointerMoved') return;
    let inbox = this.inboxes.get(id);
    if (inbox === undefined) this.inboxes.set(id, (inbox = { position: 0, entries: new Set() }));
    inbox.position++;
    if (event.type !== 'EntryAppended') return;
    const key = `${event.conversation}#${event.sequence}`;
    if (inbox.entries.has(key)) this.#flaw(`the inbox of ${id} has ${key} twice`);
    inbox.entries.add(key);
  }

  #append(conversation: TrueConversation, message: TrueMessage): void {
    const { sequence, sender, clientMessageId, text, isSystem } = message;
    if (sequence !== conversation.messages.length + 1)
      this.#flaw(`${conversation.id}: #${sequence} after #${conversation.messages.length}`);
    conversation.messages.push({ sequence, sender, clientMessageId, text, isSystem });
    if (isSystem) return;
    const id = `${conversation.id} ${sender} ${clientMessageId}`;
    if (this.#posts.has(id)) this.#flaw(`${conversation.id}: ${clientMessageId} of ${sender} is there twice`);
    this.#posts.set(id, text);
  }

  #flaw(what: string): void {
    this.flawCount++;
    if (this.flaws.length < flawsToldMax) this.flaws.push(what);
  }
}

/** Does a message of this sequence go into inboxes? The one that turns the group still does. */
export function reachesInboxes(conversation: TrueConversation, sequence: number): boolean {
  const turn = conversation.turns.findLast((one) => one.sequence < sequence);
  const isTurn = conversation.turns.some((one) => one.sequence === sequence);
  return isTurn || turn?.isRead !== true;
}
