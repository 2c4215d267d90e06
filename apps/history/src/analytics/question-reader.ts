// Answers an analyst's ready question from the views. The asker (a gateway) has checked that the user is one of the tenant's
// analysts, and counts what was read.
import { internal, type parley, tenantPattern } from '@parley/protocol';
import { type ClickHouse, ClickHouseRefused, ClickHouseUnavailable } from '@parley/adapters';
import { BadRequest } from '../reading/bad-request.ts';
import { describeQuestions, questionSql } from './questions.ts';

export interface QuestionLimits {
  /** A question that must read more is RANGE_TOO_LARGE. */
  readonly rowsReadMax: number;
  /** Likewise when its answer is longer. */
  readonly rowsMax: number;
  /** Then RANGE_TOO_LARGE as well: a longer one would not fit into one NATS message. */
  readonly answerBytesMax: number;
  /** The engine gives up then: HISTORY_UNAVAILABLE. */
  readonly timeoutMs: number;
  readonly memoryBytesMax: number;
  /** So that questions leave most of the machine to others. */
  readonly threadsMax: number;
}

export const questionLimits: QuestionLimits = {
  rowsReadMax: 20_000_000,
  rowsMax: 5_000,
  answerBytesMax: 700 * 1024,
  timeoutMs: 5_000,
  memoryBytesMax: 256 * 1024 * 1024,
  threadsMax: 2,
};

export interface Freshness {
  /** Everything sent before is in the store. */
  readonly completeThroughMs: number;
  /** Roll-ups count everything before; 0: not known here. */
  readonly countedThroughMs: number;
}

export async function answerQuestion(
  clickHouse: ClickHouse,
  request: parley.internal.v1.AnalyticsRequest,
  freshness: () => Promise<Freshness>,
  limits: QuestionLimits = questionLimits,
): Promise<parley.internal.v1.AnalyticsAnswer> {
  const { tenant, question: name, parameters } = request;
  if (!tenantPattern.test(tenant)) throw new BadRequest('BAD_ID', 'the tenant is not valid');
  if (name === '')
    return internal.AnalyticsAnswer.create({ json: JSON.stringify({ questions: describeQuestions() }) });
  const given = new Map(parameters.map((each) => [each.name ?? '', each.value ?? '']));
  const { question, sql } = questionSql(name, tenant, given, Date.now());
  // Asked before the question: what is complete now is complete in the answer.
  const { completeThroughMs, countedThroughMs } = await freshness();
  let rowsRead = 0;
  const rows = await selectWithin(clickHouse, sql, limits, (read) => (rowsRead = read));
  const json = JSON.stringify({ columns: question.columns, rows });
  if (json.length > limits.answerBytesMax) throw tooLarge();
  return internal.AnalyticsAnswer.create({ json, rowsRead, completeThroughMs, countedThroughMs });
}

async function selectWithin(
  clickHouse: ClickHouse,
  sql: string,
  limits: QuestionLimits,
  onRowsRead: (rows: number) => void,
) {
  const { rowsMax, rowsReadMax, timeoutMs, memoryBytesMax, threadsMax } = limits;
  const settings = {
    max_rows_to_read: rowsReadMax,
    max_threads: threadsMax,
    // All versions of a row lie in one partition.
    do_not_merge_across_partitions_select_final: 1,
  };
  try {
    return await clickHouse.select(sql, { rowsMax, timeoutMs, memoryBytesMax, settings, onRowsRead });
  } catch (error) {
    const isTooLarge = error instanceof ClickHouseRefused && tooLargeCodes.has(error.code);
    const isTooMuchMemory = error instanceof ClickHouseUnavailable && /\bCode: 241\b/.test(error.message);
    if (isTooLarge || isTooMuchMemory) throw tooLarge();
    throw error;
  }
}

/** TOO_MANY_ROWS, TOO_MANY_ROWS_OR_BYTES. */
const tooLargeCodes: ReadonlySet<number> = new Set([158, 396]);

const tooLarge = (): BadRequest =>
  new BadRequest('RANGE_TOO_LARGE', 'the answer would read or hold too much: ask for a shorter time');
