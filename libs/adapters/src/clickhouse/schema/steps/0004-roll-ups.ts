// Read pointers; and roll-ups: what analysts ask for again and again, counted once. Every row is counted anew from what lies below it, never
// added to, so that a replay changes nothing; the row with the highest version counts. Below each other: messages, minutes,
// days, periods and cohorts. A level is dirty where the one below has a higher version; the lowest where watermarks say so.
import type { SchemaStep } from '../migrate.ts';
import type { Table } from '../table.ts';
import { watermarks } from './0001-messages.ts';

const tenant = { name: 'tenant', type: 'LowCardinality(String)' };
/** `direct` or `group`. */
const conversationKind = { name: 'conversation_kind', type: 'LowCardinality(String)' };
const version = { name: 'version', type: 'UInt64', codec: 'Delta, ZSTD(1)' };
const count = (name: string) => ({ name, type: 'UInt64', codec: 'T64, ZSTD(1)' });
const date = (name: string) => ({ name, type: 'Date', codec: 'Delta, ZSTD(1)' });

/**
 * Every move of a read pointer: who had read a conversation through which element, when. A pointer passes over elements, so
 * somebody has read an element when there is a row at or behind it. Personal: erased with the person.
 */
export const reads: Table = {
  name: 'reads',
  columns: [
    tenant,
    { name: 'conversation', type: 'String', codec: 'ZSTD(1)' },
    { name: 'sequence', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
    { name: 'user', type: 'String', codec: 'ZSTD(1)' },
    { name: 'at', type: "DateTime64(3, 'UTC')", codec: 'Delta, ZSTD(1)' },
    version,
  ],
  version: 'version',
  partitionBy: 'toYear(at)',
  orderBy: ['tenant', 'conversation', 'sequence', 'user'],
  shardBy: 'cityHash64(tenant, conversation)',
  settings: { index_granularity: 1024 },
};

/** `messages` are what people wrote; `changes` are all other elements of a log: joins, titles, roles; `reads` moves of read pointers. */
export const minuteActivity: Table = {
  name: 'minute_activity',
  columns: [
    tenant,
    { name: 'minute', type: "DateTime('UTC')", codec: 'Delta, ZSTD(1)' },
    conversationKind,
    ...['messages', 'changes', 'senders', 'conversations', 'reads'].map(count),
    version,
  ],
  version: 'version',
  partitionBy: 'toYear(minute)',
  orderBy: ['tenant', 'minute', 'conversation_kind'],
  shardBy: 'cityHash64(tenant)',
};

/** Written after the other tables of a day: where it has a day, they have it too. */
export const dailyActivity: Table = {
  name: 'daily_activity',
  columns: [
    tenant,
    date('day'),
    conversationKind,
    ...['messages', 'changes', 'senders', 'conversations', 'reads'].map(count),
    version,
  ],
  version: 'version',
  orderBy: ['tenant', 'day', 'conversation_kind'],
  shardBy: 'cityHash64(tenant)',
};

/** Who wrote something on a day. Personal: erased with the person. */
export const dailyUsers: Table = {
  name: 'daily_users',
  columns: [
    tenant,
    date('day'),
    { name: 'user', type: 'String', codec: 'ZSTD(1)' },
    ...['messages', 'conversations'].map(count),
    version,
  ],
  version: 'version',
  partitionBy: 'toYear(day)',
  orderBy: ['tenant', 'day', 'user'],
  shardBy: 'cityHash64(tenant, user)',
};

/** Groups in which something was written on a day. `members`: as of the last element of that day. */
export const dailyGroups: Table = {
  name: 'daily_groups',
  columns: [
    tenant,
    date('day'),
    { name: 'conversation', type: 'String', codec: 'ZSTD(1)' },
    ...['messages', 'senders', 'members'].map(count),
    version,
  ],
  version: 'version',
  partitionBy: 'toYear(day)',
  orderBy: ['tenant', 'day', 'conversation'],
  shardBy: 'cityHash64(tenant, conversation)',
};

/** How long after a message was sent somebody's pointer came to stand on it, on the day of the reading. */
export const dailyReadDelays: Table = {
  name: 'daily_read_delays',
  columns: [
    tenant,
    date('day'),
    conversationKind,
    /** The longest delay that is counted here and not in a smaller one. */
    { name: 'delay_ms_max', type: 'UInt32', codec: 'ZSTD(1)' },
    count('reads'),
    version,
  ],
  version: 'version',
  orderBy: ['tenant', 'day', 'conversation_kind', 'delay_ms_max'],
  shardBy: 'cityHash64(tenant)',
};

/** Distinct users of days, weeks (from Monday) and months; `new_users` wrote for the first time ever in it. */
export const periodUsers: Table = {
  name: 'period_users',
  columns: [
    tenant,
    { name: 'period', type: 'LowCardinality(String)' },
    date('start'),
    ...['users', 'new_users'].map(count),
    version,
  ],
  version: 'version',
  orderBy: ['tenant', 'period', 'start'],
  shardBy: 'cityHash64(tenant)',
};

/** Of the users who wrote for the first time in the week `cohort`: how many wrote in the week `week`. Both are Mondays. */
export const cohortRetention: Table = {
  name: 'cohort_retention',
  columns: [tenant, date('cohort'), date('week'), count('users'), version],
  version: 'version',
  orderBy: ['tenant', 'cohort', 'week'],
  shardBy: 'cityHash64(tenant)',
};

export const rollUps: readonly Table[] = [
  minuteActivity,
  dailyUsers,
  dailyGroups,
  dailyReadDelays,
  dailyActivity,
  periodUsers,
  cohortRetention,
];

export const step4: SchemaStep = {
  number: 4,
  name: 'reads, roll-ups',
  statements: (layout) => [
    ...[reads, ...rollUps].flatMap((table) => layout.createTable(table)),
    // Minutes since 1970 whose roll-up is older than their messages: from, to (excluded), from, to …
    ...layout.addColumn(watermarks, { name: 'touched', type: 'Array(UInt32)' }),
  ],
};
