// Finds the first message sent at or after a time. Clocks of gateways differ a little, so times do not strictly rise with
// sequences: the first one by sequence counts. The asker (a gateway) has checked who may read what.
import { internal, type parley, timeMsMax } from '@parley/protocol';
import { type ClickHouse, sqlInteger, sqlText, sqlMoment } from '@parley/adapters';
import { firstKeptSql } from '../retention/expired.ts';
import { BadRequest } from './bad-request.ts';
import { checkConversation, newestSequenceSql } from './page-reader.ts';

/** Spans of membership in one question; the group's own limit is lower. */
export const locateSpansMax = 64;

export async function locate(
  clickHouse: ClickHouse,
  request: parley.internal.v1.HistoryLocateRequest,
): Promise<parley.internal.v1.HistoryLocateAnswer> {
  const { tenant, conversation, atMs, spans } = request;
  checkConversation(tenant, conversation);
  if (!(Number.isSafeInteger(atMs) && atMs >= 0 && atMs <= timeMsMax))
    throw new BadRequest('BAD_REQUEST', 'the time is not valid');
  if (spans.length === 0 || spans.length > locateSpansMax)
    throw new BadRequest('BAD_REQUEST', `1 to ${locateSpansMax} spans must be given`);
  const where = `tenant = ${sqlText(tenant)} AND conversation = ${sqlText(conversation)}`;
  const readable = spans.map(
    ({ from, to }) =>
      `sequence BETWEEN ${sqlInteger(from ?? 1)} AND ${sqlInteger(to || Number.MAX_SAFE_INTEGER)}`,
  );
  // What is complete is asked first: whatever comes meanwhile lies beyond it.
  const newest = await oneNumber(clickHouse, newestSequenceSql(where));
  const firstKept = await oneNumber(clickHouse, `SELECT ${firstKeptSql(tenant, conversation)}`);
  const sequence = await oneNumber(
    clickHouse,
    `SELECT sequence FROM parley.messages WHERE ${where} AND (${readable.join(' OR ')})
     AND sequence >= ${firstKept} AND at >= ${sqlMoment(atMs)} ORDER BY sequence LIMIT 1`,
  );
  if (sequence > Math.max(1, firstKept)) await mustFollowOn(clickHouse, where, sequence);
  const completeThrough = Math.max(newest, firstKept - 1);
  return internal.HistoryLocateAnswer.create({ sequence, completeThrough });
}

/** An insert half way through two years' partitions leaves a hole, and an earlier message may be in it. */
async function mustFollowOn(clickHouse: ClickHouse, where: string, sequence: number): Promise<void> {
  const earlier = `${where} AND sequence < ${sqlInteger(sequence)}`;
  const before = await oneNumber(clickHouse, newestSequenceSql(earlier));
  if (before !== 0 && before !== sequence - 1)
    throw new BadRequest('HISTORY_BEHIND', 'messages before the one found are on their way into the store');
}

async function oneNumber(clickHouse: ClickHouse, sql: string): Promise<number> {
  const [row] = await clickHouse.select(sql);
  return (row?.[0] as number | undefined) ?? 0;
}
