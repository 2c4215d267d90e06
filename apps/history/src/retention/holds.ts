// Legal holds. A conversation on hold keeps everything it still has; a person on hold holds every conversation the person
// is or ever was a member of.
import { type ClickHouse, RowBuffer, dateTimeText, sqlText } from '@parley/adapters';
import { idPattern, internal, parseConversation, type parley } from '@parley/protocol';
import { BadRequest } from '../reading/bad-request.ts';

export const holdKinds = ['user', 'conversation'] as const;
const reasonCharactersMax = 1_000;
const holdsPage = 500;

/** Puts on hold or releases. Throws BadRequest. */
export async function setHold(
  clickHouse: ClickHouse,
  tenant: string,
  change: parley.internal.v1.HoldChange,
  { by, nowMs }: { readonly by: string; readonly nowMs: number },
): Promise<void> {
  const { kind, id, isHeld, reason } = change;
  mustBeHoldable(kind, id);
  if (reason.length > reasonCharactersMax)
    throw new BadRequest('BAD_REQUEST', `a reason has at most ${reasonCharactersMax} characters`);
  const columns = ['tenant', 'kind', 'id', 'is_held', 'by', 'at', 'reason', 'version'];
  const row = new RowBuffer('parley.holds', columns);
  row.add([tenant, kind, id, isHeld ? 1 : 0, by, dateTimeText(nowMs), reason, nowMs]);
  await clickHouse.insert(row.table, row.columns, row.toBytes());
}

/** Those in force. */
export async function readHolds(
  clickHouse: ClickHouse,
  tenant: string,
  { afterKind, afterId }: parley.internal.v1.HoldsQuery,
): Promise<parley.internal.v1.Holds> {
  const rows = await clickHouse.select(
    `SELECT kind, id, by, toUnixTimestamp64Milli(at), reason FROM parley.holds FINAL
     WHERE tenant = ${sqlText(tenant)} AND is_held = 1 AND (kind, id) > (${sqlText(afterKind)}, ${sqlText(afterId)})
     ORDER BY kind, id LIMIT ${holdsPage + 1}`,
  );
  const holds = rows.slice(0, holdsPage).map(([kind, id, by, atMs, reason]) => ({
    kind: kind as string,
    id: id as string,
    by: by as string,
    atMs: atMs as number,
    reason: reason as string,
  }));
  return internal.Holds.create({ holds, more: rows.length > holdsPage });
}

/** Conversations that must not be touched, greater than `after`, in rising order. */
export async function heldConversations(
  clickHouse: ClickHouse,
  tenant: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await clickHouse.select(
    `SELECT DISTINCT conversation FROM (${heldSql(tenant)})
     WHERE conversation > ${sqlText(after)} ORDER BY conversation LIMIT ${limit}`,
  );
  return rows.map((row) => row[0] as string);
}

/** Why nothing of a person may be erased, in one conversation or anywhere: the person, or the conversation. */
export async function holdAgainst(
  clickHouse: ClickHouse,
  tenant: string,
  { user, conversation }: { readonly user: string; readonly conversation: string },
): Promise<string | undefined> {
  const isIts =
    conversation === ''
      ? `conversation IN (SELECT conversation FROM parley.memberships WHERE tenant = ${sqlText(tenant)} AND user = ${sqlText(user)})`
      : `conversation = ${sqlText(conversation)}`;
  const rows = await clickHouse.select(
    `SELECT id FROM (${heldIdsSql(tenant, 'user')}) WHERE id = ${sqlText(user)}
     UNION ALL SELECT conversation FROM (${heldSql(tenant)}) WHERE ${isIts} LIMIT 1`,
  );
  return rows[0]?.[0] as string | undefined;
}

const heldIdsSql = (tenant: string, kind: (typeof holdKinds)[number]): string =>
  `SELECT id FROM parley.holds FINAL WHERE tenant = ${sqlText(tenant)} AND kind = '${kind}' AND is_held = 1`;

const heldSql = (tenant: string): string =>
  `SELECT id AS conversation FROM (${heldIdsSql(tenant, 'conversation')})
   UNION ALL SELECT conversation FROM parley.memberships
   WHERE tenant = ${sqlText(tenant)} AND user IN (${heldIdsSql(tenant, 'user')})`;

function mustBeHoldable(kind: string, id: string): void {
  const isValid =
    kind === 'user' ? idPattern.test(id) : kind === 'conversation' && parseConversation(id) !== undefined;
  if (!isValid) throw new BadRequest('BAD_ID', 'on hold are a user or a conversation, by id');
}
