// What analysts may know of the store: views by stable names, without texts, without columns that only keep the store
// right, and without superseded versions. docs/analytics.md describes each; a column that is there stays there.
import type { SchemaStep } from '../migrate.ts';
import type { Table } from '../table.ts';
import {
  cohortRetention,
  dailyActivity,
  dailyGroups,
  dailyReadDelays,
  dailyUsers,
  minuteActivity,
  periodUsers,
  reads,
} from './0004-roll-ups.ts';

export interface View {
  readonly name: string;
  readonly select: string;
}

const kindOfConversation = `if(startsWith(conversation, 'g.'), 'group', 'direct') AS conversation_kind`;

const newestOf = ({ name, columns, version }: Table): string =>
  `SELECT ${columns.flatMap((column) => (column.name === version ? [] : [column.name])).join(', ')} FROM parley.${name} FINAL`;

/** All have a column `tenant`, by which they are filtered for whoever asks. */
export const analyticsViews: readonly View[] = [
  {
    name: 'analytics_messages',
    select: `SELECT tenant, conversation, ${kindOfConversation}, sequence, sender, at, kind, lengthUTF8(text) AS characters
      FROM parley.messages FINAL`,
  },
  {
    name: 'analytics_conversations',
    select: `SELECT tenant, conversation, ${kindOfConversation}, max(sequence) AS head, min(at) AS first_at, max(at) AS last_at
      FROM parley.messages GROUP BY tenant, conversation`,
  },
  {
    name: 'analytics_spans',
    select: `SELECT tenant, user, conversation, sequence AS from_sequence, nullIf(next, 0) AS to_sequence FROM (
        SELECT tenant, user, conversation, sequence, is_member, leadInFrame(sequence, 1, 0) OVER (
          PARTITION BY tenant, user, conversation ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS next
        FROM parley.memberships FINAL
      ) WHERE is_member = 1`,
  },
  { name: 'analytics_reads', select: newestOf(reads) },
  { name: 'analytics_minutes', select: newestOf(minuteActivity) },
  { name: 'analytics_days', select: newestOf(dailyActivity) },
  { name: 'analytics_users_by_day', select: newestOf(dailyUsers) },
  { name: 'analytics_groups_by_day', select: newestOf(dailyGroups) },
  { name: 'analytics_read_delays', select: newestOf(dailyReadDelays) },
  { name: 'analytics_users_by_period', select: newestOf(periodUsers) },
  { name: 'analytics_retention', select: newestOf(cohortRetention) },
];

export const step5: SchemaStep = {
  number: 5,
  name: 'views for analysts',
  statements: (layout) => analyticsViews.flatMap(({ name, select }) => layout.createView(name, select)),
};
