// Messages without the two columns that patch parts would need: nothing is deleted or changed that way (retention deletes by
// mutations, an edit is a new version), and they cost 2.3 bytes a message.
import type { SchemaStep } from '../migrate.ts';
import { messages } from './0001-messages.ts';

export const step12: SchemaStep = {
  number: 12,
  name: 'messages without block numbers',
  statements: (layout) =>
    layout.changeSettings(messages, { enable_block_number_column: 0, enable_block_offset_column: 0 }),
};
