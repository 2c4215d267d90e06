// Messages, memberships, watermarks: what paging, search and the projection's own progress need.
import { searchTermsExpression } from '../../search-text.ts';
import type { Table } from '../table.ts';
import type { SchemaStep } from '../migrate.ts';

/** One row for each element of a conversation's log. All versions of one lie in the partition of its original send time. */
export const messages: Table = {
  name: 'messages',
  columns: [
    { name: 'tenant', type: 'LowCardinality(String)' },
    { name: 'conversation', type: 'String', codec: 'ZSTD(1)' },
    { name: 'sequence', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
    { name: 'version', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
    { name: 'sender', type: 'String', codec: 'ZSTD(1)' },
    { name: 'at', type: "DateTime64(3, 'UTC')", codec: 'Delta, ZSTD(1)' },
    { name: 'kind', type: 'LowCardinality(String)' },
    { name: 'client_message_id', type: 'String', codec: 'ZSTD(1)' },
    { name: 'text', type: 'String', codec: 'ZSTD(1)' },
    { name: 'system', type: 'String', codec: 'ZSTD(1)' },
    { name: 'terms', type: 'String', alias: searchTermsExpression('text') },
  ],
  indexes: ['terms_index terms TYPE text(tokenizer = splitByNonAlpha)'],
  version: 'version',
  partitionBy: 'toYear(at)',
  orderBy: ['tenant', 'conversation', 'sequence'],
  shardBy: 'cityHash64(tenant, conversation)',
  settings: { index_granularity: 1024, enable_block_number_column: 1, enable_block_offset_column: 1 },
};

/**
 * Every change of membership; spans are made of them when they are asked for, so that a replayed journal gives the same rows
 * in any state of the table.
 */
export const memberships: Table = {
  name: 'memberships',
  columns: [
    { name: 'tenant', type: 'LowCardinality(String)' },
    { name: 'user', type: 'String', codec: 'ZSTD(1)' },
    { name: 'conversation', type: 'String', codec: 'ZSTD(1)' },
    { name: 'sequence', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
    { name: 'is_member', type: 'UInt8' },
    { name: 'version', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
  ],
  version: 'version',
  orderBy: ['tenant', 'user', 'conversation', 'sequence'],
  shardBy: 'cityHash64(tenant, user)',
  settings: { index_granularity: 1024 },
};

/** How far each shard's journal is in the other tables. Written after them, always. */
export const watermarks: Table = {
  name: 'watermarks',
  columns: [
    { name: 'shard', type: 'String' },
    { name: 'sequence', type: 'UInt64' },
    { name: 'epoch', type: 'UInt64' },
    { name: 'n', type: 'UInt64' },
    { name: 'at', type: "DateTime64(3, 'UTC')" },
  ],
  version: 'sequence',
  orderBy: ['shard'],
  shardBy: 'cityHash64(shard)',
};

export const step1: SchemaStep = {
  number: 1,
  name: 'messages, memberships, watermarks',
  statements: (layout) => [messages, memberships, watermarks].flatMap((table) => layout.createTable(table)),
};
