// Events in rows of whole commits: the engine takes a row of its own for each event at three times the CPU, whatever its order
// and indexes, and a message is three events. Three steps, so that each may be run again after a crash anywhere in it.
import type { Table } from '../table.ts';
import type { SchemaStep } from '../migrate.ts';
import { events } from './0002-events.ts';

/**
 * One row for each journal record with events, in the order of the journals. Who asks for the events of one entity looks at
 * `arrayFlatten(events.ids)` first, which has an index, and finds granules of 256 KiB.
 */
export const commits: Table = {
  name: 'commits',
  columns: [
    { name: 'shard', type: 'LowCardinality(String)' },
    // Of the commit in its journal; all shards of one stream share its numbers.
    { name: 'sequence', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
    { name: 'epoch', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
    // Time of the commit, by its owner's clock.
    { name: 'at', type: "DateTime64(3, 'UTC')", codec: 'Delta, ZSTD(1)' },
    // `position`: index of the event in its commit; `payload`: in protobuf, of DirectEvent, GroupEvent or UserEvent.
    {
      name: 'events',
      type:
        'Array(Tuple(position UInt32, type LowCardinality(String), tenant LowCardinality(String),' +
        ' ids Array(String), payload String))',
      codec: 'ZSTD(3)',
    },
  ],
  indexes: [
    'ids_index arrayFlatten(events.ids) TYPE bloom_filter(0.01) GRANULARITY 1',
    'at_index at TYPE minmax GRANULARITY 1',
  ],
  // Retention rewrites the months that have become old.
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['shard', 'sequence'],
  shardBy: 'cityHash64(shard)',
  // Read seldom: merged half as often as usual.
  settings: { index_granularity: 1024, index_granularity_bytes: 262_144, merge_selector_base: 10 },
};

/** The table of step 2 out of the way of the view. */
const before: Table = { ...events, name: 'events_by_entity' };

export const step9: SchemaStep = {
  number: 9,
  name: 'events of before',
  statements: (layout) => layout.renameTable(events.name, before.name),
};

/** Memory does not grow with the rows: what does not fit is sorted on disk, and few commits are made at a time. */
const copied = `INSERT INTO parley.commits (shard, sequence, epoch, at, events)
  SELECT shard, sequence, any(epoch), any(at), arraySort(e -> e.1, groupArray((position, type, tenant, ids, payload)))
  FROM parley.${before.name} FINAL GROUP BY shard, sequence
  SETTINGS max_bytes_before_external_group_by = 268435456, max_block_size = 1024, min_insert_block_size_bytes = 67108864`;

export const step10: SchemaStep = {
  number: 10,
  name: 'events by commit',
  statements: (layout) => [
    ...layout.createTable(before),
    ...layout.createTable(commits),
    copied,
    ...layout.createView(
      'events',
      `SELECT shard, sequence, epoch, at, event.position AS position, event.type AS type, event.tenant AS tenant,
        event.ids AS ids, event.payload AS payload FROM parley.commits FINAL ARRAY JOIN events AS event`,
    ),
  ],
};

export const step11: SchemaStep = {
  number: 11,
  name: 'no events but by commit',
  statements: (layout) => layout.dropTable(before.name),
};
