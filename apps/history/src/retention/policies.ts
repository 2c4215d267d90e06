// How long tenants keep what was said, and how far deletion has come.
import { type ClickHouse, RowBuffer, dateTimeText, sqlText } from '@parley/adapters';
import { internal, type parley } from '@parley/protocol';
import type { KeyValue } from '@parley/runtime';
import { BadRequest } from '../reading/bad-request.ts';

/** Longest retention that can be said; who wants more keeps for ever (0). */
export const retentionDaysMax = 36_500;

export interface Policy {
  readonly tenant: string;
  /** 0: for ever. */
  readonly days: number;
}

/** `by` as in AdminRequest. Throws BadRequest. */
export async function setRetention(
  clickHouse: ClickHouse,
  { tenant, days, by, nowMs }: Policy & { readonly by: string; readonly nowMs: number },
): Promise<void> {
  if (!Number.isInteger(days) || days < 0 || days > retentionDaysMax)
    throw new BadRequest('BAD_REQUEST', `days are 0 (for ever) to ${retentionDaysMax}`);
  const row = new RowBuffer('parley.retention', ['tenant', 'days', 'by', 'at', 'version']);
  row.add([tenant, days, by, dateTimeText(nowMs), nowMs]);
  await clickHouse.insert(row.table, row.columns, row.toBytes());
}

export async function readRetention(
  clickHouse: ClickHouse,
  tenant: string,
): Promise<parley.internal.v1.Retention> {
  const [[row], before] = await Promise.all([
    clickHouse.select(
      `SELECT days, by, toUnixTimestamp64Milli(at) FROM parley.retention
       WHERE tenant = ${sqlText(tenant)} ORDER BY version DESC LIMIT 1`,
    ),
    deletedBeforeMs(clickHouse, tenant),
  ]);
  const [days = 0, by = '', atMs = 0] = (row ?? []) as [number?, string?, number?];
  return internal.Retention.create({ days, by, atMs, deletedBeforeMs: before });
}

/** Of all tenants that delete. */
export async function readPolicies(clickHouse: ClickHouse): Promise<readonly Policy[]> {
  const rows = await clickHouse.select(
    `SELECT tenant, argMax(days, version) AS now FROM parley.retention
     GROUP BY tenant HAVING now > 0 ORDER BY tenant LIMIT 10000`,
  );
  return rows.map(([tenant, days]) => ({ tenant: tenant as string, days: days as number }));
}

/** Everything the tenant sent before has been deleted, but what was on hold. 0: nothing has. */
export async function deletedBeforeMs(clickHouse: ClickHouse, tenant: string): Promise<number> {
  const [row] = await clickHouse.select(
    `SELECT toUnixTimestamp64Milli(max(before)) FROM parley.deletions WHERE tenant = ${sqlText(tenant)}`,
  );
  return Math.max(0, Number(row?.[0] ?? 0));
}

export async function noteDeletion(
  clickHouse: ClickHouse,
  { tenant, beforeMs, nowMs }: { readonly tenant: string; readonly beforeMs: number; readonly nowMs: number },
): Promise<void> {
  const row = new RowBuffer('parley.deletions', ['tenant', 'before', 'at']);
  row.add([tenant, dateTimeText(beforeMs), dateTimeText(nowMs)]);
  await clickHouse.insert(row.table, row.columns, row.toBytes());
}

/** Tells gateways, a key for each tenant, what they must not show from memory any more. Again at every run: a key may be lost. */
export async function tellDeletions(clickHouse: ClickHouse, bucket: KeyValue): Promise<void> {
  const rows = await clickHouse.select(
    `SELECT tenant, toUnixTimestamp64Milli(max(before)) FROM parley.deletions GROUP BY tenant ORDER BY tenant LIMIT 10000`,
  );
  for (const [tenant, beforeMs] of rows) {
    const told = await bucket.get(tenant as string);
    const toldMs = told === undefined ? 0 : Number(Buffer.from(told.value).toString('utf8'));
    // Who writes meanwhile is another history process, which has read the same table.
    if ((beforeMs as number) > toldMs)
      await bucket.write(tenant as string, Buffer.from(String(beforeMs)), told?.revision ?? 0);
  }
}
