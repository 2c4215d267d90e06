// What admins decide about the past, and what they asked about it: retention, holds, the audit.
import type { Column, Table } from '../table.ts';
import type { SchemaStep } from '../migrate.ts';

const tenant: Column = { name: 'tenant', type: 'LowCardinality(String)' };
const by: Column = { name: 'by', type: 'String' };
const at: Column = { name: 'at', type: "DateTime64(3, 'UTC')" };
const version: Column = { name: 'version', type: 'UInt64' };

/** Who asked or changed what, when, about whom. Rows are never changed, and no retention deletes them. */
export const audit: Table = {
  name: 'audit',
  columns: [
    tenant,
    at,
    { name: 'id', type: 'String' },
    by,
    { name: 'action', type: 'LowCardinality(String)' },
    { name: 'subject', type: 'String' },
    // The whole request, as JSON.
    { name: 'details', type: 'String', codec: 'ZSTD(3)' },
  ],
  orderBy: ['tenant', 'at', 'id'],
  shardBy: 'cityHash64(tenant)',
};

/** How long a tenant keeps messages; 0 days: for ever. A tenant without a row keeps them for ever. */
export const retention: Table = {
  name: 'retention',
  columns: [tenant, { name: 'days', type: 'UInt32' }, by, at, version],
  version: 'version',
  orderBy: ['tenant'],
  shardBy: 'cityHash64(tenant)',
};

/** People (`user`) and conversations (`conversation`) that retention must not touch, while `is_held`. */
export const holds: Table = {
  name: 'holds',
  columns: [
    tenant,
    { name: 'kind', type: 'LowCardinality(String)' },
    { name: 'id', type: 'String' },
    { name: 'is_held', type: 'UInt8' },
    by,
    at,
    { name: 'reason', type: 'String' },
    version,
  ],
  version: 'version',
  orderBy: ['tenant', 'kind', 'id'],
  shardBy: 'cityHash64(tenant)',
};

/** Of each conversation that retention has shortened: the first sequence that is left. Written before anything is deleted. */
export const expired: Table = {
  name: 'expired',
  columns: [
    tenant,
    { name: 'conversation', type: 'String', codec: 'ZSTD(1)' },
    { name: 'first_kept', type: 'UInt64', codec: 'ZSTD(1)' },
  ],
  version: 'first_kept',
  orderBy: ['tenant', 'conversation'],
  shardBy: 'cityHash64(tenant, conversation)',
  settings: { index_granularity: 1024 },
};

/** How far retention has come: everything of the tenant sent before, but what is on hold, is deleted. Written after it. */
export const deletions: Table = {
  name: 'deletions',
  columns: [tenant, { name: 'before', type: "DateTime64(3, 'UTC')" }, at],
  version: 'before',
  orderBy: ['tenant'],
  shardBy: 'cityHash64(tenant)',
};

export const step8: SchemaStep = {
  number: 8,
  name: 'audit, retention, holds',
  statements: (layout) =>
    [audit, retention, holds, expired, deletions].flatMap((table) => layout.createTable(table)),
};
