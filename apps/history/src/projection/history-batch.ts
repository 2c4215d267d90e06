// Rows on their way into the history store, of all shards of this process together: few inserts, few parts. Rows are
// pure functions of the journal; keys and versions are the same whenever an event is projected again.
import { type ShardId, shardName } from '@parley/runtime';
import { toWireMessage, wire } from '@parley/protocol';
import { type LogMessage, type RichContent, kindOf, mediaRefOf } from '@parley/domain';
import { type CellValue, RowBuffer, dateTimeText, noTimeText } from '@parley/adapters';
import type { DirtyMinutes } from '../analytics/dirty-minutes.ts';
import { minuteOf } from '../analytics/minute-ranges.ts';
import type { LogElement } from './conversation-log.ts';
import { EventRows, type KeptEvents } from './event-rows.ts';
import { ReadRows } from './read-rows.ts';
import type { FedCommit, ShardPosition } from './shard-feed.ts';

export interface ShardProgress extends ShardPosition {
  readonly atMs: number;
}

export class HistoryBatch {
  readonly messages = new RowBuffer('parley.messages', messageColumns);
  readonly memberships = new RowBuffer('parley.memberships', membershipColumns);
  readonly #events: EventRows;
  readonly #reads = new ReadRows();
  /** By shard name: where the projection is once this batch is durable. */
  readonly progress = new Map<string, ShardProgress>();
  /** By shard name: minutes since 1970 in which its messages were sent and its users read. */
  readonly minutes = new Map<string, Set<number>>();

  constructor(kept: KeptEvents) {
    this.#events = new EventRows(kept);
  }

  /** Empty again, with the room it had: memory of this size costs more than filling it. */
  clear(): void {
    this.messages.clear();
    this.memberships.clear();
    this.#events.clear();
    this.reads.clear();
    this.progress.clear();
    this.minutes.clear();
  }

  /** Throws on an event that is not known, before anything of the commit was added. */
  add(shard: ShardId, commit: FedCommit): void {
    const name = shardName(shard);
    const elements = commit.elements();
    for (const element of elements) this.#addElement(element, commit.position.sequence);
    this.#addMinutes(name, elements);
    if (this.#reads.add(shard, commit)) this.#minutesOf(name).add(minuteOf(commit.atMs));
    this.#events.add(shard, commit);
    this.progress.set(name, { ...commit.position, atMs: commit.atMs });
  }

  /** The journaled events, a row for each commit. */
  get commits(): RowBuffer {
    return this.#events.table;
  }

  /** In `commits`. */
  get events(): number {
    return this.#events.events;
  }

  get reads(): RowBuffer {
    return this.#reads.table;
  }

  /** Rows that readers of history wait for: not those of events and reads. */
  get rows(): number {
    return this.messages.rows + this.memberships.rows;
  }

  get bytes(): number {
    return this.messages.bytes + this.memberships.bytes + this.commits.bytes + this.reads.bytes;
  }

  /** The rows that say how far the others go. Inserted last, when everything before is durable. */
  watermarks(dirty: DirtyMinutes): RowBuffer {
    const rows = new RowBuffer('parley.watermarks', ['shard', 'sequence', 'epoch', 'n', 'at', 'touched']);
    for (const [shard, { sequence, epoch, n, atMs }] of this.progress) {
      const touched = dirty.with(shard, this.minutes.get(shard) ?? []);
      rows.add([shard, sequence, epoch, n, dateTimeText(atMs), `[${touched.join(',')}]`]);
    }
    return rows;
  }

  #addMinutes(shard: string, elements: readonly LogElement[]): void {
    if (elements.length === 0) return;
    const minutes = this.#minutesOf(shard);
    for (const { message } of elements) minutes.add(minuteOf(message.sentAtMs));
  }

  #minutesOf(shard: string): Set<number> {
    const minutes = this.minutes.get(shard) ?? new Set();
    this.minutes.set(shard, minutes);
    return minutes;
  }

  #addElement({ tenant, message, changed, memberships }: LogElement, version: number): void {
    const { conversation, sequence } = message;
    this.messages.add(rowOf({ tenant, message, kind: kindOf(message), version }));
    // After the message itself, which may be of the same commit and so of the same version.
    if (changed !== undefined) this.messages.add(rowOf({ tenant, ...changed, version }));
    for (const { user, isMember, from } of memberships) {
      this.memberships.add([tenant, user, conversation, from ?? sequence, isMember ? 1 : 0, version]);
    }
  }
}

interface MessageVersion {
  readonly tenant: string;
  readonly message: LogMessage;
  readonly kind: string;
  readonly version: number;
}

function rowOf({ tenant, message, kind, version }: MessageVersion): CellValue[] {
  const { system } = toWireMessage(message);
  const { rich, revision, changedAtMs, isRecalled, sentAtMs } = message;
  const mediaRef = mediaRefOf(rich);
  return [
    tenant,
    message.conversation,
    message.sequence,
    version,
    message.sender,
    dateTimeText(sentAtMs),
    kind,
    message.clientMessageId,
    message.text ?? '',
    system == null ? '' : base64(wire.System.encode(system).finish()),
    isRecalled === true ? 'recalled' : revision === undefined ? 'sent' : 'edited',
    rich === undefined ? '[]' : mentionsOf(rich),
    mediaRef === undefined ? '[]' : [mediaRef],
    changedAtMs === undefined ? noTimeText : dateTimeText(changedAtMs),
    contentOf(message),
    revision ?? 0,
  ];
}

function mentionsOf({ mentions, mentionsAll }: RichContent): CellValue {
  if (mentionsAll) return ['*', ...mentions];
  return mentions.length === 0 ? '[]' : mentions;
}

/** What of a message is in no other column. The text of an edit is not searched: that of its message is. */
function contentOf(message: LogMessage): string {
  const { rich, edited, recalled } = message;
  if (rich === undefined && edited === undefined && recalled === undefined) return '';
  const { rich: content, edited: edit, recalled: recall } = toWireMessage(message);
  if (edit != null) return base64(wire.Edited.encode(edit).finish());
  if (recall != null) return base64(wire.Recalled.encode(recall).finish());
  return content == null ? '' : base64(wire.RichContent.encode(content).finish());
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** Of a row of `messages`, in the order of its cells. */
export const messageColumns = [
  'tenant',
  'conversation',
  'sequence',
  'version',
  'sender',
  'at',
  'kind',
  'client_message_id',
  'text',
  'system',
  'state',
  'mentions',
  'attachments',
  'changed_at',
  'content',
  'revision',
];

/** Likewise of `memberships`. */
export const membershipColumns = ['tenant', 'user', 'conversation', 'sequence', 'is_member', 'version'];
