// What retention has left of a conversation. Expired messages are a prefix: everything below `firstKept` is gone for
// readers, whether its rows are still there or not.
import { type ClickHouse, sqlText } from '@parley/adapters';
import { wire } from '@parley/protocol';

/** First sequence that is left; 1 while nothing has expired. */
export async function firstKept(
  clickHouse: ClickHouse,
  { tenant, conversation }: { readonly tenant: string; readonly conversation: string },
): Promise<number> {
  const [row] = await clickHouse.select(
    `SELECT max(first_kept) FROM parley.expired
     WHERE tenant = ${sqlText(tenant)} AND conversation = ${sqlText(conversation)}`,
  );
  return Math.max(1, Number(row?.[0] ?? 0));
}

/** What readers get in the place of a message that has expired: its number, so that sequences stay dense. */
export const expiredMessage = (conversation: string, sequence: number) => ({
  conversation,
  sequence,
  sender: '',
  clientMessageId: '',
  sentAtMs: 0,
  system: wire.System.create({ expired: {} }),
});
