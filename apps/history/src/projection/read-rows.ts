// Moves of read pointers as rows: when somebody had read what. They are events of users, which are many; all others are
// passed over without being decoded.
import { type EventCursor, type ShardId } from '@parley/runtime';
import { decodeUserEvent } from '@parley/protocol';
import { RowBuffer, dateTimeText } from '@parley/adapters';
import type { FedCommit } from './shard-feed.ts';

export class ReadRows {
  readonly table = new RowBuffer('parley.reads', [
    'tenant',
    'conversation',
    'sequence',
    'user',
    'at',
    'version',
  ]);

  /** True when there were any. Throws on a pointer that cannot be read, before anything was added. */
  add({ kind }: ShardId, { position, atMs, events }: FedCommit): boolean {
    const cursor = kind === 'user' ? events() : undefined;
    const before = this.table.rows;
    while (cursor?.next()) {
      if (isReadPointerMoved(cursor)) this.#addRow(cursor, position.sequence, atMs);
    }
    return this.table.rows > before;
  }

  #addRow(cursor: EventCursor, version: number, atMs: number): void {
    const { bytes, tenantStart, tenantEnd, payloadStart, payloadEnd } = cursor;
    const event = decodeUserEvent(bytes.subarray(payloadStart, payloadEnd));
    if (event.type !== 'ReadPointerMoved') return;
    const tenant = bytes.toString('utf8', tenantStart, tenantEnd);
    cursor.eachId((start, end) => {
      const user = bytes.toString('utf8', start, end);
      this.table.add([tenant, event.conversation, event.sequence, user, dateTimeText(atMs), version]);
    });
  }
}

/** By the first byte of a UserEvent: field 3, length-delimited. */
function isReadPointerMoved({ bytes, typeStart, typeEnd, payloadStart, payloadEnd }: EventCursor): boolean {
  return (
    payloadEnd > payloadStart &&
    bytes[payloadStart] === readPointerMovedTag &&
    bytes.compare(userType, 0, userType.length, typeStart, typeEnd) === 0
  );
}

const readPointerMovedTag = (3 << 3) | 2;
const userType = Buffer.from('user');
