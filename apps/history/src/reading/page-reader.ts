// A part of a conversation's log by sequence. The asker (a gateway) has checked who may read it.
import { internal, type parley, parseConversation, tenantPattern, wire } from '@parley/protocol';
import { type ClickHouse, sqlInteger, sqlText } from '@parley/adapters';
import { expiredMessage, firstKeptSql } from '../retention/expired.ts';
import { BadRequest } from './bad-request.ts';
import { messageColumns, messageOfRow } from './message-row.ts';

export interface PageLimits {
  /** Sequences asked for at a time; more are refused. */
  readonly sequencesMax: number;
  /** An answer is cut before it outgrows this: it must fit into one NATS message. */
  readonly answerBytesMax: number;
}

export const pageLimits: PageLimits = { sequencesMax: 500, answerBytesMax: 700 * 1024 };

export async function readPage(
  clickHouse: ClickHouse,
  request: parley.internal.v1.HistoryPageRequest,
  limits: PageLimits = pageLimits,
): Promise<parley.internal.v1.HistoryPageAnswer> {
  const { tenant, conversation, from, to } = request;
  checkConversation(tenant, conversation);
  if (!(from >= 1 && to >= from && to - from < limits.sequencesMax)) {
    throw new BadRequest('BAD_REQUEST', `from … to must be 1 to ${limits.sequencesMax} sequences`);
  }
  const where = `tenant = ${sqlText(tenant)} AND conversation = ${sqlText(conversation)}`;
  const [stored, heads, firstKept] = await Promise.all([
    clickHouse.select(
      `SELECT ${messageColumns} FROM parley.messages
       WHERE ${where} AND sequence BETWEEN ${sqlInteger(from)} AND ${sqlInteger(to)}
       ORDER BY sequence, version DESC, revision DESC LIMIT 1 BY sequence LIMIT ${limits.sequencesMax}`,
    ),
    clickHouse.select(newestSequenceSql(where)),
    clickHouse.select(`SELECT ${firstKeptSql(tenant, conversation)}`),
  ]);
  const kept = Number(firstKept[0]?.[0] ?? 0);
  // A run without a hole, whatever retention has deleted, and whether it is through with it or not.
  const current = await withoutRecalledEdits(clickHouse, where, stored.map(messageOfRow));
  const rows = current.filter(({ sequence }) => sequence >= kept);
  for (let sequence = Math.min(kept - 1, to); sequence >= from; sequence -= 1)
    rows.unshift(expiredMessage(conversation, sequence));
  const messages = denseRun(rows, from, limits.answerBytesMax);
  // A hole in the middle (an insert half way through several partitions) is the end of what is complete.
  const isCut =
    messages.length < rows.length &&
    messages.length ===
      firstHole(
        rows.map((row) => row.sequence),
        from,
      );
  const head = Math.max(Number(heads[0]?.[0] ?? 0), kept - 1);
  const completeThrough = isCut ? from + messages.length - 1 : head;
  return internal.HistoryPageAnswer.create({ messages, completeThrough });
}

/** What the edits of a message said that was recalled since, is taken back with it. */
async function withoutRecalledEdits<T extends ReturnType<typeof messageOfRow>>(
  clickHouse: ClickHouse,
  where: string,
  messages: readonly T[],
): Promise<readonly T[]> {
  const targets = new Set(messages.flatMap(({ edited }) => edited?.sequence ?? []));
  if (targets.size === 0) return messages;
  const states = await clickHouse.select(
    `SELECT sequence, state FROM parley.messages WHERE ${where} AND sequence IN (${[...targets].map(sqlInteger).join(', ')})
     ORDER BY sequence, version DESC, revision DESC LIMIT 1 BY sequence LIMIT ${targets.size}`,
  );
  const recalled = new Set(states.filter(([, state]) => state === 'recalled').map(([sequence]) => sequence));
  return messages.map((message) => {
    const sequence = message.edited?.sequence ?? 0;
    return recalled.has(sequence) ? { ...message, edited: { sequence } } : message;
  });
}

/** Reads the end of the log alone; `max(sequence)` would read all of it. `where` names one conversation. */
export const newestSequenceSql = (where: string): string =>
  `SELECT sequence FROM parley.messages WHERE ${where} ORDER BY sequence DESC LIMIT 1`;

export function checkConversation(tenant: string, conversation: string): void {
  if (!tenantPattern.test(tenant)) throw new BadRequest('BAD_ID', 'the tenant is not valid');
  if (parseConversation(conversation) === undefined)
    throw new BadRequest('BAD_ID', 'the conversation is not valid');
}

/** The messages from `from` on without a hole, as many as the answer can carry, but at least one. */
function denseRun<T extends ReturnType<typeof messageOfRow>>(
  messages: readonly T[],
  from: number,
  bytesMax: number,
): T[] {
  const run: T[] = [];
  let bytes = 0;
  for (const message of messages) {
    bytes += wire.Message.encode(message).finish().length + 8;
    if (message.sequence !== from + run.length || (bytes > bytesMax && run.length > 0)) break;
    run.push(message);
  }
  return run;
}

/** How many of the sequences follow each other from `from` on. */
function firstHole(sequences: readonly number[], from: number): number {
  const index = sequences.findIndex((sequence, position) => sequence !== from + position);
  return index < 0 ? sequences.length : index;
}
