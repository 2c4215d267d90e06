// What retention has left of a conversation. Expired messages are a prefix: everything below `firstKept` is gone for
// readers, whether its rows are still there or not.
import { sqlText } from '@parley/adapters';
import { wire } from '@parley/protocol';

/** A scalar of a SELECT: the first sequence that is left; 0 while nothing has expired. */
export const firstKeptSql = (tenant: string, conversation: string): string =>
  `(SELECT max(first_kept) FROM parley.expired
    WHERE tenant = ${sqlText(tenant)} AND conversation = ${sqlText(conversation)})`;

/** What readers get in the place of a message that has expired: its number, so that sequences stay dense. */
export const expiredMessage = (conversation: string, sequence: number) => ({
  conversation,
  sequence,
  sender: '',
  clientMessageId: '',
  sentAtMs: 0,
  system: wire.System.create({ expired: {} }),
});
