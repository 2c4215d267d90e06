// Every journaled event as a row, byte for byte as the journal has it: what auditors read, and what is left of a journal
// that was trimmed. Nothing is decoded and no string is made but the head of each commit.
import { type EventCursor, type ShardId, shardName } from '@parley/runtime';
import { RowBuffer, dateTimeText } from '@parley/adapters';
import type { FedCommit } from './shard-feed.ts';

/** Which events are kept: all, those of conversations ('direct' and 'group'), none. */
export const keptEventsChoices = ['all', 'conversations', 'off'] as const;
export type KeptEvents = (typeof keptEventsChoices)[number];

export class EventRows {
  readonly #kept: KeptEvents;
  readonly table: RowBuffer;

  /** `expectedBytes`: for example those of the batch before. */
  constructor(kept: KeptEvents, expectedBytes = 0) {
    this.#kept = kept;
    this.table = new RowBuffer('parley.events', columns, expectedBytes);
  }

  add(shard: ShardId, { position, atMs, events }: FedCommit): void {
    const cursor = this.#kept === 'off' ? undefined : events();
    if (cursor === undefined) return;
    const { sequence, epoch } = position;
    const head = `${shardName(shard)}\t${sequence}\t${epoch}\t${dateTimeText(atMs)}\t`;
    while (cursor.next()) if (this.#kept === 'all' || cursor.type !== 'user') this.#addRow(head, cursor);
  }

  #addRow(head: string, cursor: EventCursor): void {
    const { bytes } = cursor;
    this.table.begin(head + cursor.position);
    this.table.cell(bytes, cursor.typeStart, cursor.typeEnd);
    this.table.cell(bytes, cursor.tenantStart, cursor.tenantEnd);
    this.table.list(bytes, (item) => cursor.eachId(item));
    this.table.cell(bytes, cursor.payloadStart, cursor.payloadEnd);
    this.table.end();
  }
}

/** What is the same for all events of a commit comes first. */
const columns = ['shard', 'sequence', 'epoch', 'at', 'position', 'type', 'tenant', 'ids', 'payload'];
