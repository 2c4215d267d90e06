// The events of one entity out of the table `commits`, in the order of its journal, page by page: never more in memory than
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
      // Commits of the entity in the order of the table, which ends early; each but the first gives an event at least.
      `SELECT sequence, event.position, toUnixTimestamp64Milli(at), base64Encode(event.payload) FROM (
         SELECT shard, sequence, at, arrayFilter(e -> ${ofEntity(address)}, events) AS found FROM parley.commits
         WHERE ${ofCommit(address)} AND ${within(period)} AND sequence >= ${sqlInteger(sequence)}
         ORDER BY shard, sequence LIMIT 1 BY shard, sequence LIMIT ${limit + 1}
       ) ARRAY JOIN found AS event
       WHERE sequence > ${sqlInteger(sequence)} OR event.position > ${sqlInteger(position)}
       ORDER BY sequence, event.position LIMIT ${limit}`,
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

/** Of one event `e`. */
const ofEntity = ({ type, tenant, id }: EntityAddress): string =>
  `e.type = ${sqlText(type)} AND e.tenant = ${sqlText(tenant)} AND has(e.ids, ${sqlText(id)})`;

/** By ids alone first, which have an index and are read by themselves. An entity has one shard for ever. */
const ofCommit = (address: EntityAddress): string =>
  `has(arrayFlatten(events.ids), ${sqlText(address.id)}) AND arrayExists(e -> ${ofEntity(address)}, events)`;

function within({ fromMs = 0, untilMs = 0 }: Period): string {
  const from = fromMs > 0 ? [`at >= ${moment(fromMs)}`] : [];
  const until = untilMs > 0 ? [`at <= ${moment(untilMs)}`] : [];
  return [...from, ...until].join(' AND ') || '1';
}

const moment = (ms: number): string => `toDateTime64('${dateTimeText(ms)}', 3, 'UTC')`;
