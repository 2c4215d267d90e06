// The SQL that counts each roll-up anew from what lies below it. Pure texts; roll-ups.ts decides when to run them.
//
// All versions of a message share tenant, conversation, sequence, sender and time, so grouping by the sorting key makes one
// of them, in the order of the table and with little memory; FINAL would read whole partitions for a minute of them.
import { sqlInteger, sqlTexts } from '@parley/adapters';
import { type TimeRange, MinuteRanges } from './minute-ranges.ts';

/** Kinds of elements that nobody wrote as a message. */
const changeKinds: readonly string[] = ['system', 'edit', 'recall'];

export const minutesOfDay = 1_440;

/** Of minutes since 1970. */
export const minuteActivitySql = (ranges: readonly TimeRange[], version: number): string =>
  activitySql(
    { table: 'minute_activity', unit: 'minute', unitOf: 'toStartOfMinute' },
    secondsOf(ranges, 60),
    version,
  );

/** Of days since 1970. In this order: `daily_activity` last, because its version says that a day is done. */
export function dailySqls(days: readonly number[], version: number): readonly string[] {
  const ranges = new MinuteRanges();
  for (const day of days) ranges.add({ from: day, to: day + 1 });
  const seconds = secondsOf(ranges.all, secondsOfDay);
  const elements = elementsIn(seconds);
  const number = sqlInteger(version);
  return [
    `INSERT INTO parley.daily_users (tenant, day, user, messages, conversations, version)
     SELECT tenant, toDate(sent_at) AS day, author, count(), uniqExact(conversation), ${number}
     FROM (${elements}) WHERE NOT is_change GROUP BY tenant, day, author`,
    // Sizes of groups as of their last element of the day: a later replay of an old day gives the same.
    `INSERT INTO parley.daily_groups (tenant, day, conversation, messages, senders, members, version)
     SELECT day.tenant, day.day, day.conversation, any(day.messages), any(day.senders),
       countIf(change.is_member_now AND change.changed_at <= day.newest
         AND (change.ended_at = 0 OR change.ended_at > day.newest)), ${number}
     FROM (
       SELECT tenant, toDate(sent_at) AS day, conversation, countIf(NOT is_change) AS messages,
         uniqExactIf(author, NOT is_change) AS senders, max(sequence) AS newest
       FROM (${elements}) WHERE startsWith(conversation, 'g.') GROUP BY tenant, day, conversation
     ) AS day GLOBAL LEFT JOIN (${memberSpans}) AS change
       ON day.tenant = change.tenant AND day.conversation = change.conversation
     GROUP BY day.tenant, day.day, day.conversation`,
    // A pointer that passes over messages counts for the one it comes to stand on.
    `INSERT INTO parley.daily_read_delays (tenant, day, conversation_kind, delay_ms_max, reads, version)
     SELECT read.tenant, toDate(read.read_at) AS day, ${kindOf('read.conversation')} AS conversation_kind,
       arrayFirst(bound -> delay_ms <= bound, [${readDelayBounds.join(', ')}]) AS delay_ms_max, count(), ${number}
     FROM (
       SELECT read.tenant, read.conversation, read.read_at, read.reader,
         greatest(0, dateDiff('millisecond', message.sent_at, read.read_at)) AS delay_ms
       FROM (${readsIn(seconds)}) AS read GLOBAL INNER JOIN (
         SELECT tenant, conversation, sequence, any(sender) AS author, any(at) AS sent_at FROM parley.messages
         WHERE (tenant, conversation, sequence) GLOBAL IN (
           SELECT tenant, conversation, sequence FROM (${readsIn(seconds)}))
         GROUP BY tenant, conversation, sequence
       ) AS message ON read.tenant = message.tenant AND read.conversation = message.conversation
         AND read.sequence = message.sequence
       WHERE read.reader != message.author
     ) AS read GROUP BY read.tenant, day, conversation_kind, delay_ms_max`,
    activitySql({ table: 'daily_activity', unit: 'day', unitOf: 'toDate' }, seconds, version),
  ];
}

/**
 * Periods and cohorts from the Monday before the month of `fromDay` on: a user who turns out to have been there earlier is
 * not new later. A cell of a cohort that has nobody any more is written as 0.
 */
export function periodSqls(fromDay: number, version: number): readonly string[] {
  const day = `toDate(${sqlInteger(fromDay)})`;
  const start = `toMonday(toStartOfMonth(${day}))`;
  const number = sqlInteger(version);
  return [
    `INSERT INTO parley.period_users (tenant, period, start, users, new_users, version)
     SELECT active.tenant, active.period, active.start, count(),
       countIf(first.first_day >= active.start), ${number}
     FROM (
       SELECT DISTINCT tenant, user, place.1 AS period, place.2 AS start FROM (
         SELECT tenant, user,
           arrayJoin([('day', day), ('week', toMonday(day)), ('month', toStartOfMonth(day))]) AS place
         FROM parley.daily_users WHERE day >= ${start}
       ) WHERE start >= ${start}
     ) AS active GLOBAL INNER JOIN (${firstDays}) AS first
       ON active.tenant = first.tenant AND active.user = first.user
     GROUP BY active.tenant, active.period, active.start`,
    `INSERT INTO parley.cohort_retention (tenant, cohort, week, users, version)
     SELECT tenant, cohort, week, sum(counted) AS users, ${number} FROM (
       SELECT active.tenant AS tenant, toMonday(first.first_day) AS cohort, active.week AS week, count() AS counted
       FROM (SELECT DISTINCT tenant, user, toMonday(day) AS week FROM parley.daily_users WHERE day >= toMonday(${day})) AS active
       GLOBAL INNER JOIN (${firstDays}) AS first ON active.tenant = first.tenant AND active.user = first.user
       GROUP BY tenant, cohort, week
       UNION ALL
       SELECT DISTINCT tenant, cohort, week, 0 FROM parley.cohort_retention WHERE week >= toMonday(${day})
     ) GROUP BY tenant, cohort, week`,
  ];
}

/** Days whose minutes have been counted after the day itself; as numbers, rising. */
export const dirtyDaysSql = `
  SELECT toUInt32(minutes.day) AS day FROM (
    SELECT toDate(minute) AS day, max(version) AS version FROM parley.minute_activity GROUP BY day
  ) AS minutes GLOBAL LEFT JOIN (
    SELECT day, max(version) AS version FROM parley.daily_activity GROUP BY day
  ) AS days ON minutes.day = days.day
  WHERE minutes.version > days.version ORDER BY day LIMIT 100000`;

/** The first day that was counted after periods and cohorts; a version that cohorts have, periods have too. */
export const dirtyPeriodsSql = `
  SELECT toUInt32(min(day)) AS first_day, count() AS days FROM parley.daily_activity
  WHERE version > (SELECT max(version) FROM parley.cohort_retention) LIMIT 1`;

/** The highest version of any roll-up: the next one must be above it. */
export const newestVersionSql = `
  SELECT max(version) FROM (
    ${[
      'minute_activity',
      'daily_users',
      'daily_groups',
      'daily_read_delays',
      'daily_activity',
      'period_users',
      'cohort_retention',
    ]
      .map((table) => `SELECT max(version) AS version FROM parley.${table}`)
      .join(' UNION ALL ')}
  ) LIMIT 1`;

/** Upper bounds of the delays that are counted together, milliseconds; the last has no bound. */
export const readDelayBounds: readonly number[] = [
  ...[1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 10_800, 43_200, 86_400].map(
    (seconds) => seconds * 1_000,
  ),
  2 ** 32 - 1,
];

const secondsOfDay = 86_400;

interface ActivityTable {
  readonly table: string;
  /** Its column of time, and the function that makes it. */
  readonly unit: string;
  readonly unitOf: string;
}

/** What was written and what was read, by time and kind of conversation. */
const activitySql = (
  { table, unit, unitOf }: ActivityTable,
  seconds: readonly TimeRange[],
  version: number,
): string =>
  `INSERT INTO parley.${table}
     (tenant, ${unit}, conversation_kind, messages, changes, senders, conversations, reads, version)
   SELECT tenant, ${unit}, conversation_kind, sum(messages), sum(changes), sum(senders), sum(conversations), sum(reads),
     ${sqlInteger(version)}
   FROM (
     SELECT tenant, ${unitOf}(sent_at) AS ${unit}, ${kindOf('conversation')} AS conversation_kind,
       countIf(NOT is_change) AS messages, countIf(is_change) AS changes,
       uniqExactIf(author, NOT is_change) AS senders, uniqExact(conversation) AS conversations, 0 AS reads
     FROM (${elementsIn(seconds)}) GROUP BY tenant, ${unit}, conversation_kind
     UNION ALL
     SELECT tenant, ${unitOf}(read_at) AS ${unit}, ${kindOf('conversation')} AS conversation_kind, 0, 0, 0, 0, count()
     FROM (${readsIn(seconds)}) GROUP BY tenant, ${unit}, conversation_kind
   ) GROUP BY tenant, ${unit}, conversation_kind`;

const kindOf = (conversation: string): string => `if(startsWith(${conversation}, 'g.'), 'group', 'direct')`;

/** Ranges of a larger unit as ranges of seconds since 1970. */
const secondsOf = (ranges: readonly TimeRange[], secondsOfUnit: number): readonly TimeRange[] =>
  ranges.map(({ from, to }) => ({ from: from * secondsOfUnit, to: to * secondsOfUnit }));

/** One row for each element of a log that was sent in these seconds. */
const elementsIn = (seconds: readonly TimeRange[]): string =>
  `SELECT tenant, conversation, sequence, any(sender) AS author, any(at) AS sent_at, any(kind) IN ${sqlTexts(changeKinds)} AS is_change
   FROM parley.messages WHERE ${isIn(seconds)} GROUP BY tenant, conversation, sequence`;

/** One row for each move of a read pointer in these seconds. */
const readsIn = (seconds: readonly TimeRange[]): string =>
  `SELECT tenant, conversation, sequence, user AS reader, any(at) AS read_at
   FROM parley.reads WHERE ${isIn(seconds)} GROUP BY tenant, conversation, sequence, user`;

function isIn(seconds: readonly TimeRange[]): string {
  const time = (second: number) => `toDateTime64(${sqlInteger(second)}, 3, 'UTC')`;
  return seconds.map(({ from, to }) => `(at >= ${time(from)} AND at < ${time(to)})`).join(' OR ');
}

/** When each change of membership of a group came, and the one that followed it for the same user; 0: none. */
const memberSpans = `
  SELECT tenant, conversation, sequence AS changed_at, is_member = 1 AS is_member_now,
    leadInFrame(sequence, 1, 0) OVER (
      PARTITION BY tenant, user, conversation ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS ended_at
  FROM (
    SELECT tenant, user, conversation, sequence, any(is_member) AS is_member FROM parley.memberships
    WHERE startsWith(conversation, 'g.') GROUP BY tenant, user, conversation, sequence
  )`;

const firstDays = 'SELECT tenant, user, min(day) AS first_day FROM parley.daily_users GROUP BY tenant, user';
