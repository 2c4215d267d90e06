// What a message is beyond its text: whom it mentions, what is attached, and whether it is still as it was sent.
import type { Column } from '../table.ts';
import type { SchemaStep } from '../migrate.ts';
import { messages } from './0001-messages.ts';

/** Rows of before have none of it. */
const details: readonly Column[] = [
  /** `sent`, `edited` or `recalled`. A recalled message keeps its row, as sequences are dense, and matches nothing. */
  { name: 'state', type: 'LowCardinality(String)', byDefault: "'sent'" },
  /** User ids, and `*` for everybody. */
  { name: 'mentions', type: 'Array(String)', codec: 'ZSTD(1)' },
  /** Media references. */
  { name: 'attachments', type: 'Array(String)', codec: 'ZSTD(1)' },
  /** Of a changed message: when; `at` stays the time of sending. It says nothing of one that is as it was sent. */
  { name: 'changed_at', type: "DateTime64(3, 'UTC')", byDefault: 'at', codec: 'Delta, ZSTD(1)' },
];

export const step3: SchemaStep = {
  number: 3,
  name: 'state, mentions and attachments of messages',
  statements: (layout) => details.flatMap((column) => layout.addColumn(messages, column)),
};
