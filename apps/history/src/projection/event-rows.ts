// Every journaled event, byte for byte as the journal has it: what auditors read, and what is left of a journal that was
// trimmed. A row is a commit, because what a row costs the engine is what its keys cost. Nothing is decoded and no string is
// made but the head of each commit.
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
  readonly table = new RowBuffer('parley.commits', commitColumns);
  /** In all rows. */
  #events = 0;

  constructor(kept: KeptEvents) {
    this.#kept = kept;
  }

  get events(): number {
    return this.#events;
  }

  clear(): void {
    this.table.clear();
    this.#events = 0;
  }

  /** A commit without events that are kept is no row. */
  add(shard: ShardId, { position, atMs, events }: FedCommit): void {
    const cursor = this.#kept === 'off' ? undefined : events();
    if (cursor === undefined || !this.#next(cursor)) return;
    const { table } = this;
    const { sequence, epoch } = position;
    table.plain(`${shardName(shard)}\t${sequence}\t${epoch}\t${dateTimeText(atMs)}\t[`);
    this.#addEvent(cursor);
    while (this.#next(cursor)) {
      table.mark(comma);
      this.#addEvent(cursor);
    }
    table.mark(closingBracket);
    table.end();
    this.#lists.length = 0;
  }

  /** To the next event that is kept; false behind the last. */
  #next(cursor: EventCursor): boolean {
    while (cursor.next()) if (this.#kept === 'all' || cursor.type !== 'user') return true;
    return false;
  }

  /** `(position,'type','tenant',['id',…],'payload')` */
  #addEvent(cursor: EventCursor): void {
    const { table } = this;
    const { bytes } = cursor;
    table.mark(opening);
    table.number(cursor.position);
    table.mark(comma);
    table.quoted(bytes, cursor.typeStart, cursor.typeEnd);
    table.mark(comma);
    table.quoted(bytes, cursor.tenantStart, cursor.tenantEnd);
    table.mark(comma);
    this.#addIds(cursor);
    table.mark(comma);
    table.quoted(bytes, cursor.payloadStart, cursor.payloadEnd);
    table.mark(closing);
    this.#events += 1;
  }

  #addIds(cursor: EventCursor): void {
    const { table } = this;
    const known = this.#lists[cursor.list];
    if (known !== undefined) {
      table.repeat(known.start, known.end);
      return;
    }
    const start = table.bytes;
    table.mark(openingBracket);
    let isFirst = true;
    cursor.eachId((from, to) => {
      if (!isFirst) table.mark(comma);
      table.quoted(cursor.bytes, from, to);
      isFirst = false;
    });
    table.mark(closingBracket);
    this.#lists[cursor.list] = { start, end: table.bytes };
  }
}

/** Of a row of `commits`, in the order of its cells. */
export const commitColumns = ['shard', 'sequence', 'epoch', 'at', 'events'];

const [opening, closing, comma, openingBracket, closingBracket] = [40, 41, 44, 91, 93] as const;
