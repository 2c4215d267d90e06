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
  /** Where the id lists of the commit stand in the buffer. */
  readonly #lists: { readonly start: number; readonly end: number }[] = [];
  readonly table = new RowBuffer('parley.events', columns);

  constructor(kept: KeptEvents) {
    this.#kept = kept;
  }

  add(shard: ShardId, { position, atMs, events }: FedCommit): void {
    const cursor = this.#kept === 'off' ? undefined : events();
    if (cursor === undefined) return;
    const { sequence, epoch } = position;
    const { table } = this;
    /** Where the cells stand that are the same for all events of the commit. */
    let headStart = -1;
    let headEnd = -1;
    while (cursor.next()) {
      if (this.#kept !== 'all' && cursor.type === 'user') continue;
      if (headStart < 0) {
        headStart = table.bytes;
        table.begin(`${shardName(shard)}\t${sequence}\t${epoch}\t${dateTimeText(atMs)}`);
        headEnd = table.bytes;
      } else {
        table.repeat(headStart, headEnd);
      }
      this.#addCells(cursor);
    }
    this.#lists.length = 0;
  }

  #addCells(cursor: EventCursor): void {
    const { table } = this;
    const { bytes, list } = cursor;
    table.number(cursor.position);
    table.cell(bytes, cursor.typeStart, cursor.typeEnd);
    table.cell(bytes, cursor.tenantStart, cursor.tenantEnd);
    const known = this.#lists[list];
    if (known === undefined) {
      const start = table.bytes;
      table.list(bytes, (item) => cursor.eachId(item));
      this.#lists[list] = { start, end: table.bytes };
    } else {
      table.repeat(known.start, known.end);
    }
    table.cell(bytes, cursor.payloadStart, cursor.payloadEnd);
    table.end();
  }
}

/** What is the same for all events of a commit comes first. */
const columns = ['shard', 'sequence', 'epoch', 'at', 'position', 'type', 'tenant', 'ids', 'payload'];
