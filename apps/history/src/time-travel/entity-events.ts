// The events of one entity out of the table `events`, in the order of its journal, page by page: never more in memory than
// one page, never more read than `eventsMax`.
import { type ClickHouse, dateTimeText, sqlInteger, sqlText } from '@parley/adapters';
import type { EntityAddress } from '@parley/std';
import { BadRequest } from '../reading/bad-request.ts';

export interface EventLimits {
  /** Events read for one question; more are refused as TOO_MANY_EVENTS. */
  readonly eventsMax: number;
  /** Events of conversations in memory at a time: each may hold 64 KiB of text. */
  readonly conversationPage: number;
  /** Events of users in memory at a time: references without text. */
  readonly userPage: number;
}

export const eventLimits: EventLimits = { eventsMax: 1_000_000, conversationPage: 1_000, userPage: 10_000 };

export interface StoredEvent {
  /** Time of the commit, milliseconds since 1970. */
  readonly atMs: number;
  readonly payload: Uint8Array;
}

/** Both included; 0: unbounded. */
export interface Period {
  readonly fromMs?: number;
  readonly untilMs?: number;
}

/** Throws BadRequest TOO_MANY_EVENTS behind the last event it may read. */
export async function* entityEvents(
  clickHouse: ClickHouse,
  address: EntityAddress,
  period: Period,
  limits: EventLimits = eventLimits,
): AsyncGenerator<StoredEvent> {
  const limit = address.type === 'user' ? limits.userPage : limits.conversationPage;
  let [sequence, position] = [0, -1];
  let read = 0;
  for (;;) {
    const rows = await clickHouse.select(
      `SELECT sequence, position, toUnixTimestamp64Milli(at), base64Encode(payload) FROM parley.events
       WHERE ${ofEntity(address)} AND ${within(period)} AND sequence >= ${sqlInteger(sequence)}
         AND (sequence > ${sqlInteger(sequence)} OR position > ${sqlInteger(position)})
       ORDER BY shard, sequence, position LIMIT 1 BY shard, sequence, position LIMIT ${limit}`,
      { timeoutMs: 30_000 },
    );
    read += rows.length;
    if (read > limits.eventsMax) {
      throw new BadRequest('TOO_MANY_EVENTS', `more than ${limits.eventsMax} events would have to be read`);
    }
    for (const [, , atMs, payload] of rows)
      yield { atMs: atMs as number, payload: Buffer.from(payload as string, 'base64') };
    if (rows.length < limit) return;
    [sequence, position] = rows.at(-1) as [number, number];
  }
}

/** As the table is laid out: see the step that made it. An entity has one shard for ever. */
function ofEntity({ type, tenant, id }: EntityAddress): string {
  const isIn = type === 'user' ? `has(ids, ${sqlText(id)})` : `ids[1] = ${sqlText(id)}`;
  return `type = ${sqlText(type)} AND tenant = ${sqlText(tenant)} AND ${isIn}`;
}

function within({ fromMs = 0, untilMs = 0 }: Period): string {
  const from = fromMs > 0 ? [`at >= ${moment(fromMs)}`] : [];
  const until = untilMs > 0 ? [`at <= ${moment(untilMs)}`] : [];
  return [...from, ...until].join(' AND ') || '1';
}

const moment = (ms: number): string => `toDateTime64('${dateTimeText(ms)}', 3, 'UTC')`;
