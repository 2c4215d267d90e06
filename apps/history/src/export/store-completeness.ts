// Waits until the store has all that an export must have: what was sent before it was asked for.
import { type ClickHouse, sqlInteger, sqlText } from '@parley/adapters';
import { BadRequest } from '../reading/bad-request.ts';
import type { ExportOrder } from './export-request.ts';

export interface CompletenessParts {
  readonly clickHouse: ClickHouse;
  readonly completeThroughMs: () => Promise<number>;
  /** HISTORY_BEHIND after this long. */
  readonly waitMs: number;
}

/** From one look at the store to the next. */
const lookEveryMs = 100;

export async function untilComplete(order: ExportOrder, parts: CompletenessParts): Promise<void> {
  const startedMs = Date.now();
  const isComplete =
    order.scope.conversation === ''
      ? async () => (await parts.completeThroughMs()) >= startedMs
      : () => hasThrough(order, parts.clickHouse);
  const endMs = performance.now() + parts.waitMs;
  while (!(await isComplete())) {
    if (performance.now() > endMs)
      throw new BadRequest('HISTORY_BEHIND', 'the newest messages are on their way into the store');
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/** Newest sequences that are looked at one by one: an insert half way through two years' partitions leaves a hole. */
const newestMax = 10_000;

async function hasThrough({ scope, through }: ExportOrder, clickHouse: ClickHouse): Promise<boolean> {
  if (through === 0) return true;
  const [row] = await clickHouse.select(
    `SELECT min(sequence), max(sequence), uniqExact(sequence) FROM parley.messages
     WHERE tenant = ${sqlText(scope.tenant)} AND conversation = ${sqlText(scope.conversation)}
     AND sequence BETWEEN ${sqlInteger(Math.max(1, through - newestMax + 1))} AND ${sqlInteger(through)}`,
  );
  const [oldest, newest, count] = (row ?? [0, 0, 0]) as [number, number, number];
  return newest === through && count === newest - oldest + 1;
}
