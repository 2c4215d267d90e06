// Gives the disk back what deleted rows take. Deletion only masks rows; old parts are large, and hardly ever merged again.
import type { ClickHouse, Layout } from '@parley/adapters';

export interface ReclaimOptions {
  readonly clickHouse: ClickHouse;
  readonly layout: Layout;
  /** Through what time the store has everything. */
  readonly completeThroughMs: () => Promise<number>;
}

const yearsMax = 1_000;

/**
 * Drops years of messages in which nothing is left, and has the other masked rows rewritten away in the background: it takes
 * seconds for each million rows, and inserts must not wait for it. A deletion that comes meanwhile waits.
 */
export async function reclaim(options: ReclaimOptions): Promise<void> {
  const { clickHouse, layout } = options;
  for (const year of await emptyYears(options))
    await clickHouse.execute(`ALTER TABLE ${layout.storage('messages')} DROP PARTITION ${year}`);
  const masked = await clickHouse.select(
    `SELECT DISTINCT table FROM system.parts WHERE database = 'parley' AND active AND has_lightweight_delete LIMIT 10`,
  );
  for (const [table] of masked) {
    const name = String(table).replace(/_local$/, '');
    await clickHouse.execute(
      `ALTER TABLE ${layout.storage(name)} APPLY DELETED MASK SETTINGS mutations_sync = 0`,
    );
  }
  await mustNotFail(clickHouse);
}

/** What runs in the background fails in the background: said here, at the next time at the latest. */
async function mustNotFail(clickHouse: ClickHouse): Promise<void> {
  const [failed] = await clickHouse.select(
    `SELECT table, latest_fail_reason FROM system.mutations
     WHERE database = 'parley' AND NOT is_done AND latest_fail_reason != '' LIMIT 1`,
  );
  if (failed !== undefined) throw new Error(`a mutation of ${String(failed[0])} fails: ${String(failed[1])}`);
}

/**
 * Years with parts and without a row: no tenant keeps longer, and nothing is on hold. Not where messages of that year may
 * still be on their way into the store.
 */
async function emptyYears({ clickHouse, completeThroughMs }: ReclaimOptions): Promise<readonly number[]> {
  const completeYear = new Date(await completeThroughMs()).getUTCFullYear();
  const parts = await clickHouse.select(
    `SELECT DISTINCT toUInt16(partition) AS year FROM system.parts
     WHERE database = 'parley' AND table IN ('messages', 'messages_local') AND active
       AND year < ${completeYear} ORDER BY year LIMIT ${yearsMax}`,
  );
  const years: number[] = [];
  for (const row of parts) {
    const year = row[0] as number;
    const left = await clickHouse.select(`SELECT 1 FROM parley.messages WHERE toYear(at) = ${year} LIMIT 1`);
    if (left.length === 0) years.push(year);
  }
  return years;
}
