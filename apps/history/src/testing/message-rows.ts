// Rows of the history store written by hand, for tests of reading: what a projection would have written.
import { type ClickHouse, RowBuffer, dateTimeText, noTimeText } from '@parley/adapters';
import { membershipColumns, messageColumns } from '../projection/history-batch.ts';

export interface MessageRow {
  readonly tenant?: string;
  readonly conversation: string;
  readonly sequence: number;
  readonly sender?: string;
  readonly text?: string;
  readonly kind?: string;
  readonly state?: 'sent' | 'edited' | 'recalled';
  readonly mentions?: readonly string[];
  readonly attachments?: readonly string[];
  readonly atMs?: number;
  readonly version?: number;
}

/** A second after this for each sequence, unless a row says when it was sent. */
export const rowsFromMs = Date.UTC(2026, 0, 31);

export async function insertMessages(clickHouse: ClickHouse, messages: readonly MessageRow[]): Promise<void> {
  const rows = new RowBuffer('parley.messages', messageColumns);
  for (const message of messages) {
    const { conversation, sequence, sender = 'ann', text = '', kind = 'text' } = message;
    rows.add([
      message.tenant ?? 'acme',
      conversation,
      sequence,
      message.version ?? sequence,
      sender,
      dateTimeText(message.atMs ?? rowsFromMs + sequence * 1_000),
      kind,
      `m${sequence}`,
      text,
      '',
      message.state ?? 'sent',
      listCell(message.mentions ?? []),
      listCell(message.attachments ?? []),
      noTimeText,
      '',
      0,
    ]);
  }
  await clickHouse.insert(rows.table, rows.columns, rows.toBytes());
}

/** Ids and references need no escapes. */
const listCell = (values: readonly string[]): string => `[${values.map((value) => `'${value}'`).join(',')}]`;

/** `[user, conversation, sequence, isMember]`, of the tenant `acme` unless another is named. */
export async function insertMemberships(
  clickHouse: ClickHouse,
  changes: readonly (readonly [user: string, conversation: string, sequence: number, isMember: boolean])[],
  tenant = 'acme',
): Promise<void> {
  const rows = new RowBuffer('parley.memberships', membershipColumns);
  for (const [user, conversation, sequence, isMember] of changes)
    rows.add([tenant, user, conversation, sequence, isMember ? 1 : 0, sequence]);
  await clickHouse.insert(rows.table, rows.columns, rows.toBytes());
}
