// Events: everything that was journaled, for audits and for looking at the past.
import type { Table } from '../table.ts';
import type { SchemaStep } from '../migrate.ts';

/**
 * One row for each journaled event as it stands in its commit. What happened to one entity lies together, in the order of
 * its journal: `type = … AND tenant = … AND has(ids, …)`, with `ids[1] = …` instead where an event has one entity
 * ('direct' and 'group'). Events of many users lie with those of the same users, so that few granules have any one.
 */
export const events: Table = {
  name: 'events',
  columns: [
    { name: 'shard', type: 'LowCardinality(String)' },
    // Of the commit in its journal; all shards of one stream share its numbers.
    { name: 'sequence', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
    // Index of the event in its commit.
    { name: 'position', type: 'UInt32', codec: 'ZSTD(1)' },
    { name: 'epoch', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
    // Time of the commit, by its owner's clock.
    { name: 'at', type: "DateTime64(3, 'UTC')", codec: 'Delta, ZSTD(1)' },
    { name: 'type', type: 'LowCardinality(String)' },
    { name: 'tenant', type: 'LowCardinality(String)' },
    { name: 'ids', type: 'Array(String)', codec: 'ZSTD(1)' },
    // The event in protobuf, of DirectEvent, GroupEvent or UserEvent (proto/parley/internal/v1/entities.proto).
    { name: 'payload', type: 'String', codec: 'ZSTD(3)' },
  ],
  indexes: ['ids_index ids TYPE bloom_filter(0.01)', 'at_index at TYPE minmax'],
  partitionBy: 'toYear(at)',
  orderBy: ['type', 'tenant', 'ids[1]', 'shard', 'sequence', 'position'],
  shardBy: 'cityHash64(type, tenant, ids[1])',
  settings: { index_granularity: 1024 },
};

export const step2: SchemaStep = {
  number: 2,
  name: 'events',
  statements: (layout) => layout.createTable(events),
};
