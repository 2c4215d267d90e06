// Who asked what about the past, and who changed what becomes of it. An entry is durable before its request is carried
// out; nothing is answered that is not in here.
import { randomUUID } from 'node:crypto';
import { type ClickHouse, RowBuffer, dateTimeText, sqlText, sqlMoment } from '@parley/adapters';
import { internal, type parley } from '@parley/protocol';
import { BadRequest } from '../reading/bad-request.ts';
import { pageOf } from '../time-travel/moment.ts';

export interface AuditedRequest {
  readonly tenant: string;
  readonly by: string;
  readonly action: string;
  /** A conversation, `user:<id>`, or empty: the tenant. */
  readonly subject: string;
  /** JSON. */
  readonly details: string;
}

/** Rejects when the store did not take it: then the request must not be carried out. */
export async function record(clickHouse: ClickHouse, entry: AuditedRequest, nowMs: number): Promise<void> {
  const { tenant, by, action, subject, details } = entry;
  const row = new RowBuffer('parley.audit', ['tenant', 'at', 'id', 'by', 'action', 'subject', 'details']);
  row.add([tenant, dateTimeText(nowMs), randomUUID(), by, action, subject, details]);
  await clickHouse.insert(row.table, row.columns, row.toBytes());
}

const entriesDefault = 100;
const entriesMax = 500;

/** Newest first. */
export async function readAudit(
  clickHouse: ClickHouse,
  tenant: string,
  query: parley.internal.v1.AuditQuery,
): Promise<parley.internal.v1.Audit> {
  const limit = pageOf(query.limit, entriesDefault, entriesMax);
  const rows = await clickHouse.select(
    `SELECT toUnixTimestamp64Milli(at) AS at_ms, id, by, action, subject, details FROM parley.audit
     WHERE tenant = ${sqlText(tenant)}${olderThan(query.before)}
     ORDER BY at DESC, id DESC LIMIT 1 BY at, id LIMIT ${limit + 1}`,
  );
  const entries = rows.slice(0, limit).map(([atMs, id, by, action, subject, details]) => ({
    atMs: atMs as number,
    id: id as string,
    by: by as string,
    action: action as string,
    subject: subject as string,
    details: details as string,
  }));
  const last = entries.at(-1);
  const next = rows.length > limit && last !== undefined ? `${last.atMs}.${last.id}` : '';
  return internal.Audit.create({ entries, next });
}

function olderThan(cursor: string): string {
  if (cursor === '') return '';
  const parts = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(cursor);
  if (parts === null) throw new BadRequest('BAD_REQUEST', 'before is no cursor of the audit');
  const at = sqlMoment(Number(parts[1]));
  return ` AND (at < ${at} OR (at = ${at} AND id < ${sqlText(parts[2]!)}))`;
}
