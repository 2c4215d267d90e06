// The ready questions of analysts: what each is called, takes and answers, and its SQL over the views. docs/analytics.md shows
// them to people, the gateway's page draws them, Grafana's dashboard asks the same views.
import { parseConversation } from '@parley/protocol';
import { sqlInteger, sqlText } from '@parley/adapters';
import { BadRequest } from '../reading/bad-request.ts';
import { readDelayBounds } from './roll-up-sql.ts';
import { type Parameters, parametersOf } from './question-parameters.ts';

/** How a page may draw the answer. */
export type Plot = 'lines' | 'bars' | 'grid' | 'table';

export interface ParameterDescription {
  readonly name: string;
  readonly type: 'time' | 'integer' | 'choice' | 'conversation';
  readonly description: string;
  /** Of times: milliseconds before `to` (of `to`: before now). Of others: the value itself. Without it: required. */
  readonly byDefault?: number | string;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

export interface Question {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly parameters: readonly ParameterDescription[];
  /** In the order of the values of a row. The first is what the others are drawn over. */
  readonly columns: readonly string[];
  readonly plot: Plot;
  readonly sql: (tenant: string, parameters: Parameters) => string;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Points of a line at most: an axis has no room for more. */
const pointsMax = 1_500;

const during = (defaultMs: number): readonly ParameterDescription[] => [
  { name: 'from', type: 'time', description: 'included', byDefault: defaultMs },
  { name: 'to', type: 'time', description: 'excluded', byDefault: 0 },
];

const days = ({ from, to }: Parameters): string =>
  `day >= toDate(${seconds(from)}, 'UTC') AND day < toDate(${seconds(to)} + 86399, 'UTC')`;

export const questions: readonly Question[] = [
  {
    name: 'messages-per-minute',
    title: 'Messages per minute',
    description:
      'Messages a minute in direct conversations and groups; over a long time, means of several minutes.',
    parameters: during(dayMs),
    columns: ['at_ms', 'direct', 'group'],
    plot: 'lines',
    sql: (tenant, { from, to }) => {
      const step = stepSeconds(from, to);
      const first = Math.floor(Number(from) / 1_000 / step) * step;
      return `SELECT toUnixTimestamp(toStartOfInterval(minute, INTERVAL ${step} SECOND)) * 1000 AS at_ms,
          round(sumIf(messages, conversation_kind = 'direct') * 60 / ${step}, 3) AS direct,
          round(sumIf(messages, conversation_kind = 'group') * 60 / ${step}, 3) AS in_groups
        FROM parley.analytics_minutes
        WHERE tenant = ${sqlText(tenant)} AND minute >= toDateTime(${first}, 'UTC') AND minute < toDateTime(${seconds(to)}, 'UTC')
        GROUP BY at_ms
        ORDER BY at_ms WITH FILL FROM ${first * 1_000} TO ${sqlInteger(Number(to))} STEP ${step * 1_000}`;
    },
  },
  {
    name: 'active-users',
    title: 'Active users',
    description:
      'Users who wrote something, and those among them who did for the first time, by day, week or month.',
    parameters: [
      ...during(92 * dayMs),
      {
        name: 'period',
        type: 'choice',
        description: 'length of a period; weeks begin on Monday',
        byDefault: 'day',
        choices: ['day', 'week', 'month'],
      },
    ],
    columns: ['start', 'users', 'new_users'],
    plot: 'bars',
    sql: (tenant, { from, to, period }) =>
      `SELECT start, users, new_users FROM parley.analytics_users_by_period
       WHERE tenant = ${sqlText(tenant)} AND period = ${sqlText(String(period))}
         AND start >= toDate(${seconds(from)}, 'UTC') AND start < toDate(${seconds(to)} + 86399, 'UTC')
       ORDER BY start`,
  },
  {
    name: 'retention',
    title: 'Retention by cohort',
    description:
      'Of the users who wrote for the first time in a week: how many wrote in that week and in each week after it.',
    parameters: during(92 * dayMs),
    columns: ['cohort', 'weeks_after', 'users', 'share'],
    plot: 'grid',
    sql: (tenant, { from, to }) =>
      `SELECT cohort, intDiv(dateDiff('day', cohort, week), 7) AS weeks_after, users,
         round(users / max(users) OVER (PARTITION BY cohort ORDER BY week ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), 4)
           AS share
       FROM parley.analytics_retention
       WHERE tenant = ${sqlText(tenant)} AND cohort >= toMonday(toDate(${seconds(from)}, 'UTC'))
         AND cohort < toDate(${seconds(to)} + 86399, 'UTC')
       ORDER BY cohort, week`,
  },
  {
    name: 'size-against-activity',
    title: 'Size of groups against activity',
    description:
      'Groups with at least so many members, and fewer than twice as many: what was written on days when anything was.',
    parameters: during(31 * dayMs),
    columns: ['members_from', 'groups', 'messages_per_day', 'messages_per_member', 'writing_share'],
    plot: 'bars',
    sql: (tenant, parameters) =>
      `SELECT toUInt64(exp2(floor(log2(greatest(members, 1))))) AS members_from, uniqExact(conversation) AS groups,
         round(avg(messages), 3) AS messages_per_day, round(sum(messages) / sum(greatest(members, 1)), 4) AS messages_per_member,
         round(sum(senders) / sum(greatest(members, 1)), 4) AS writing_share
       FROM parley.analytics_groups_by_day WHERE tenant = ${sqlText(tenant)} AND ${days(parameters)}
       GROUP BY members_from ORDER BY members_from`,
  },
  {
    name: 'busiest-groups',
    title: 'Busiest groups',
    description: 'Groups with the most messages, their size on the last day on which anything was written.',
    parameters: [
      ...during(7 * dayMs),
      { name: 'limit', type: 'integer', description: 'groups', byDefault: 20, min: 1, max: 500 },
    ],
    columns: ['conversation', 'messages', 'active_days', 'members'],
    plot: 'table',
    sql: (tenant, parameters) =>
      `SELECT conversation, sum(messages) AS written, count() AS active_days, argMax(members, day) AS size
       FROM parley.analytics_groups_by_day WHERE tenant = ${sqlText(tenant)} AND ${days(parameters)}
       GROUP BY conversation ORDER BY written DESC, conversation LIMIT ${sqlInteger(Number(parameters['limit']))}`,
  },
  {
    name: 'read-delays',
    title: 'How soon messages are read',
    description:
      'Moves of read pointers by the time since the message they came to stand on was sent: what the journals know of delivery. How fast the server itself is, its metrics say.',
    parameters: during(7 * dayMs),
    columns: ['delay_ms_max', 'direct', 'group'],
    plot: 'bars',
    sql: (tenant, parameters) =>
      `SELECT delay_ms_max, sumIf(reads, conversation_kind = 'direct') AS direct,
         sumIf(reads, conversation_kind = 'group') AS in_groups
       FROM parley.analytics_read_delays WHERE tenant = ${sqlText(tenant)} AND ${days(parameters)}
       GROUP BY delay_ms_max ORDER BY delay_ms_max`,
  },
  {
    name: 'reach',
    title: 'Reach of a message over time',
    description: 'How many users besides its sender had read a message so long after it was sent.',
    parameters: [
      { name: 'conversation', type: 'conversation', description: 'd.<user>.<user> or g.<group>' },
      {
        name: 'sequence',
        type: 'integer',
        description: 'of the message',
        min: 1,
        max: Number.MAX_SAFE_INTEGER,
      },
    ],
    columns: ['delay_ms_max', 'readers'],
    plot: 'lines',
    sql: (tenant, { conversation, sequence }) => {
      const place = `tenant = ${sqlText(tenant)} AND conversation = ${sqlText(String(conversation))}`;
      const message = `${place} AND sequence = ${sqlInteger(Number(sequence))}`;
      return `WITH (SELECT (any(at), any(sender), count()) FROM parley.analytics_messages WHERE ${message}) AS sent
        SELECT delay_ms_max, sum(count()) OVER (ORDER BY delay_ms_max) AS readers FROM (
          SELECT user, arrayFirst(bound -> bound >= greatest(0, dateDiff('millisecond', sent.1, min(at))),
            [${readDelayBounds.join(', ')}]) AS delay_ms_max
          FROM parley.analytics_reads
          WHERE ${place} AND sequence >= ${sqlInteger(Number(sequence))} AND user != sent.2 AND sent.3 > 0
          GROUP BY user
        ) GROUP BY delay_ms_max ORDER BY delay_ms_max`;
    },
  },
];

/** The SQL of a question with its parameters, checked. Throws BadRequest. */
export function questionSql(name: string, tenant: string, given: ReadonlyMap<string, string>, nowMs: number) {
  const question = questions.find((each) => each.name === name);
  if (question === undefined) {
    const names = questions.map((each) => each.name).join(', ');
    throw new BadRequest('BAD_REQUEST', `there is no question ${name.slice(0, 64)}; there are ${names}`);
  }
  const parameters = parametersOf(question.parameters, given, nowMs);
  const { conversation } = parameters;
  if (conversation !== undefined && parseConversation(String(conversation)) === undefined)
    throw new BadRequest('BAD_ID', 'the conversation is not valid');
  return { question, sql: question.sql(tenant, parameters) };
}

/** As the catalogue shows it. */
export const describeQuestions = (): readonly Omit<Question, 'sql'>[] =>
  questions.map(({ name, title, description, parameters, columns, plot }) => {
    return { name, title, description, parameters, columns, plot };
  });

const seconds = (ms: number | string | undefined): string => sqlInteger(Math.floor(Number(ms) / 1_000));

/** Whole minutes, so long that the points are few enough. */
function stepSeconds(from: number | string | undefined, to: number | string | undefined): number {
  const wanted = (Number(to) - Number(from)) / 1_000 / pointsMax;
  return niceSteps.find((step) => step >= wanted) ?? niceSteps.at(-1)!;
}

const niceSteps = [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1_440, 10_080].map((minutes) => minutes * 60);
