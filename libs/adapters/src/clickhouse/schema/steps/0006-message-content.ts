// What a message carries beside its text, and which edit or recall has made it what it is. A change writes a newer version
// of the whole row of its message: same key, same `at`, same sender.
import type { SchemaStep } from '../migrate.ts';
import type { Column } from '../table.ts';
import { messages } from './0001-messages.ts';

const columns: readonly Column[] = [
  /** parley.v1.RichContent of a message, Edited or Recalled of a change: protobuf as base64, empty for a plain text. */
  { name: 'content', type: 'String', codec: 'ZSTD(1)' },
  /** Sequence of the edit or recall that made the row what it is; 0: as it was sent. */
  { name: 'revision', type: 'UInt64', codec: 'T64, ZSTD(1)' },
];

export const step6: SchemaStep = {
  number: 6,
  name: 'content and revision of messages',
  statements: (layout) => columns.flatMap((column) => layout.addColumn(messages, column)),
};
