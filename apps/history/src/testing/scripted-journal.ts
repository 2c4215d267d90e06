// A journal a test writes by hand: commits of conversations, in memory, the same bytes for the same script.
import {
  type CommittedEvent,
  type Journal,
  type JournalRecord,
  type ShardId,
  encodeCommit,
  shardName,
} from '@parley/runtime';
import type { MessageHeader } from '@parley/domain';
import { internal, type parley } from '@parley/protocol';

export const scriptStartMs = Date.UTC(2025, 11, 31, 23, 0);

/** What a post or an edit says beside its text. */
interface Content {
  readonly rich?: parley.v1.IRichContent;
}

export class ScriptedJournal implements Pick<Journal, 'last' | 'read' | 'at'> {
  readonly #records = new Map<string, JournalRecord[]>();
  readonly #heads = new Map<string, number>();
  /** Of the messages posted, by conversation and sequence. */
  readonly #headers = new Map<string, MessageHeader>();
  /** What edited messages say now, by conversation and sequence. */
  readonly editedTexts = new Map<string, string>();
  #sequence = 0;
  #atMs = scriptStartMs;

  /** Appends one commit. `epoch` 1 unless given. */
  commit(shard: ShardId, events: readonly CommittedEvent[], epoch = 1): void {
    this.commitAfter(shard, this.#of(shard).at(-1)?.sequence ?? 0, events, epoch);
  }

  /** Appends one commit that follows a record with another sequence than the script's own: for real journals. */
  commitAfter(shard: ShardId, previousSequence: number, events: readonly CommittedEvent[], epoch = 1): void {
    const records = this.#of(shard);
    this.#sequence += 1;
    const bytes = encodeCommit({
      kind: 'commit',
      shard: shardName(shard),
      epoch,
      n: records.length + 1,
      previousSequence,
      inputOffset: this.#sequence,
      atMs: this.#atMs,
      lanesIn: [],
      laneCursors: [],
      events,
      effects: [],
    });
    records.push({ sequence: this.#sequence, bytes });
  }

  /** The time of the next commits and events. */
  moveTo(ms: number): void {
    this.#atMs = ms;
  }

  /** Bytes that are no commit. */
  corrupt(shard: ShardId): void {
    this.#sequence += 1;
    this.#of(shard).push({ sequence: this.#sequence, bytes: Buffer.from('not a commit') });
  }

  direct(tenant: string, id: string, sender: string, text: string, more: Content = {}): CommittedEvent {
    const messagePosted = this.#posted(`${tenant}/d.${id}`, sender, text, more);
    return this.#directEvent(tenant, id, { messagePosted });
  }

  group(tenant: string, id: string, sender: string, text: string, more: Content = {}): CommittedEvent {
    return this.groupEvent(tenant, id, {
      messagePosted: this.#posted(`${tenant}/g.${id}`, sender, text, more),
    });
  }

  /** The edit of a message this script has posted in a direct. */
  edited(tenant: string, id: string, sequence: number, text: string, more: Content = {}): CommittedEvent {
    const messageEdited = { ...this.#changeOf(`${tenant}/d.${id}`, sequence), text, ...more };
    this.editedTexts.set(`d.${id}/${sequence}`, text);
    return this.#directEvent(tenant, id, { messageEdited });
  }

  /** The recall of one. */
  recalled(tenant: string, id: string, sequence: number): CommittedEvent {
    return this.#directEvent(tenant, id, {
      messageRecalled: this.#changeOf(`${tenant}/d.${id}`, sequence),
    });
  }

  #directEvent(tenant: string, id: string, event: parley.internal.v1.IDirectEvent): CommittedEvent {
    return { type: 'direct', tenant, ids: [id], payload: internal.DirectEvent.encode(event).finish() };
  }

  #changeOf(conversation: string, sequence: number) {
    const target = this.#headers.get(`${conversation}/${sequence}`)!;
    const stamp = this.#stamp(conversation);
    return { ...stamp, sender: target.sender, clientMessageId: `m${stamp.sequence}`, target };
  }

  /** A change of a group; takes the next sequence of its log. */
  change(
    tenant: string,
    id: string,
    change: (stamp: { sequence: number; atMs: number }) => parley.internal.v1.IGroupEvent,
  ): CommittedEvent {
    return this.groupEvent(tenant, id, change(this.#stamp(`${tenant}/g.${id}`)));
  }

  /** The creation of a group; `members` beside its creator. */
  created(tenant: string, id: string, by: string, members: readonly string[]): CommittedEvent {
    const policy = { membersMax: 1_000, largeFrom: 500, smallTo: 400 };
    return this.change(tenant, id, (stamp) => ({
      groupCreated: { ...stamp, by, title: `Title of ${id}`, members: [by, ...members], policy },
    }));
  }

  /** `user` has read everything of the conversation; known by the time of the commit. */
  readUpTo(tenant: string, user: string, conversation: string): CommittedEvent {
    const readPointerMoved = { conversation, sequence: this.head(`${tenant}/${conversation}`) };
    const payload = internal.UserEvent.encode({ readPointerMoved }).finish();
    return { type: 'user', tenant, ids: [user], payload };
  }

  groupEvent(tenant: string, id: string, event: parley.internal.v1.IGroupEvent): CommittedEvent {
    return { type: 'group', tenant, ids: [id], payload: internal.GroupEvent.encode(event).finish() };
  }

  /** Newest sequence of a conversation, by `tenant/conversation`. */
  head(conversation: string): number {
    return this.#heads.get(conversation) ?? 0;
  }

  get conversations(): readonly string[] {
    return [...this.#heads.keys()];
  }

  /** Time of the newest event. */
  get nowMs(): number {
    return this.#atMs;
  }

  /** Lets time pass, or go back. */
  advance(ms: number): void {
    this.#atMs += ms;
  }

  last(shard: ShardId): Promise<JournalRecord | undefined> {
    return Promise.resolve(this.#of(shard).at(-1));
  }

  at(shard: ShardId, sequence: number): Promise<JournalRecord | undefined> {
    return Promise.resolve(this.#of(shard).find((record) => record.sequence === sequence));
  }

  /** What a server does that comes back with an older copy. */
  loseAfter(shard: ShardId, sequence: number): void {
    this.#records.set(
      shardName(shard),
      this.#of(shard).filter((record) => record.sequence <= sequence),
    );
    this.#sequence = Math.min(this.#sequence, sequence);
  }

  /** What an operator does about it. */
  restore(shard: ShardId, records: readonly JournalRecord[]): void {
    this.#records.set(shardName(shard), [...records]);
    this.#sequence = Math.max(this.#sequence, records.at(-1)?.sequence ?? 0);
  }

  async *read(shard: ShardId, fromSequence: number): AsyncIterable<JournalRecord> {
    const records = this.#of(shard);
    let index = records.findLastIndex((record) => record.sequence < fromSequence) + 1;
    for (; index < records.length; index += 1) yield records[index] as JournalRecord;
  }

  /** Forgets what lies before, as trimming does. */
  trim(shard: ShardId, upToSequence: number): void {
    this.#records.set(
      shardName(shard),
      this.#of(shard).filter((record) => record.sequence > upToSequence),
    );
  }

  /** What the projections need of a Journal. */
  asJournal(): Journal {
    return this as unknown as Journal;
  }

  #of(shard: ShardId): JournalRecord[] {
    const name = shardName(shard);
    const records = this.#records.get(name) ?? [];
    this.#records.set(name, records);
    return records;
  }

  #stamp(conversation: string): { sequence: number; atMs: number } {
    const sequence = this.head(conversation) + 1;
    this.#heads.set(conversation, sequence);
    this.#atMs += 1_500;
    return { sequence, atMs: this.#atMs };
  }

  #posted(conversation: string, sender: string, text: string, more: Content) {
    const stamp = this.#stamp(conversation);
    const { sequence, atMs: sentAtMs } = stamp;
    const clientMessageId = `m${sequence}`;
    const kind = more.rich?.image == null ? 'text' : 'image';
    this.#headers.set(`${conversation}/${sequence}`, { sequence, sender, clientMessageId, sentAtMs, kind });
    return { ...stamp, sender, clientMessageId, text, ...more };
  }
}
