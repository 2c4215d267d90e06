// A message as it was sent, and everything that was made of it since: the elements of its conversation's log that are
// about it, in the order of their own sequences.
import { type ClickHouse, sqlInteger, sqlText } from '@parley/adapters';
import type { LogMessage } from '@parley/domain';
import { internal, type parley, toWireMessage, wire } from '@parley/protocol';
import { BadRequest } from '../reading/bad-request.ts';
import { type EventLimits, entityEvents } from './entity-events.ts';
import { conversationEvent } from './fold.ts';
import { boundOf, mustBeStored, timeOf } from './moment.ts';
import { entityOf, firstKeptOf, storedLog } from './stored-log.ts';

type Query = parley.internal.v1.MessageVersionsQuery;

/** An answer is cut before it outgrows this: it must fit into one NATS message. */
export const versionsBytesMax = 700 * 1024;

/** An element of the log that is about an earlier one, when there are such. */
type Element = LogMessage & {
  readonly edited?: { readonly sequence: number };
  readonly recalled?: { readonly sequence: number };
};

/**
 * Throws BadRequest: SEQUENCE_FROM_FUTURE, TOO_MANY_EVENTS, EVENTS_MISSING. An expired message has no versions left, and
 * `firstKept` says so; neither has one that was not there at the moment.
 */
export async function messageVersions(
  clickHouse: ClickHouse,
  tenant: string,
  query: Query,
  limits?: EventLimits,
): Promise<parley.internal.v1.MessageVersions> {
  const { conversation, sequence } = query;
  const address = entityOf(tenant, conversation);
  if (sequence < 1) throw new BadRequest('BAD_REQUEST', 'sequences begin with 1');
  const stored = await storedLog(clickHouse, { tenant, conversation });
  mustBeStored(Math.max(sequence, query.through), stored.through);
  const answer = internal.MessageVersions.create({
    conversation,
    sequence,
    completeThrough: stored.through,
    firstKept: firstKeptOf(stored),
  });
  if (sequence < stored.firstKept) return answer;
  // A message is committed when it is sent or later; nothing about it is older.
  const fromMs = await sentAtMs(clickHouse, { tenant, conversation, sequence });
  const untilMs = timeOf(query.atMs);
  let bytes = 0;
  for await (const { atMs, payload } of entityEvents(clickHouse, address, { fromMs, untilMs }, limits)) {
    const element: Element | undefined = conversationEvent(address, payload).element;
    if (element === undefined) continue;
    if (element.sequence > boundOf(query.through)) break;
    if (subjectOf(element) !== sequence || element.sequence <= query.after) continue;
    const version = { sequence: element.sequence, atMs, element: toWireMessage(element) };
    bytes += wire.Message.encode(version.element).finish().length + 32;
    if (bytes > versionsBytesMax && answer.versions.length > 0) {
      answer.more = true;
      break;
    }
    answer.versions.push(new internal.MessageVersion(version));
  }
  return answer;
}

/** The sequence of the message that an element is about: its own, or that of the one it changes. */
const subjectOf = ({ sequence, edited, recalled }: Element): number =>
  edited?.sequence ?? recalled?.sequence ?? sequence;

async function sentAtMs(
  clickHouse: ClickHouse,
  { tenant, conversation, sequence }: { tenant: string; conversation: string; sequence: number },
): Promise<number> {
  const [row] = await clickHouse.select(
    `SELECT toUnixTimestamp64Milli(min(at)), count() FROM parley.messages WHERE tenant = ${sqlText(tenant)}
       AND conversation = ${sqlText(conversation)} AND sequence = ${sqlInteger(sequence)}`,
  );
  if (row === undefined || row[1] === 0)
    throw new BadRequest('EVENTS_MISSING', 'the store does not have this message');
  return row[0] as number;
}
