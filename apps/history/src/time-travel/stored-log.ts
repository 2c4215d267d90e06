// How much of a conversation's log the store has now.
import { type ClickHouse, sqlText } from '@parley/adapters';
import { type ConversationAddress, parseConversation, type parley } from '@parley/protocol';
import type { EntityAddress } from '@parley/std';
import { BadRequest } from '../reading/bad-request.ts';
import { firstKeptSql } from '../retention/expired.ts';

export interface StoredLog {
  /** The newest sequence; 0: the store does not know the conversation. */
  readonly through: number;
  readonly firstKept: number;
}

export async function storedLog(
  clickHouse: ClickHouse,
  { tenant, conversation }: { readonly tenant: string; readonly conversation: string },
): Promise<StoredLog> {
  const [row] = await clickHouse.select(
    `SELECT max(sequence), ${firstKeptSql(tenant, conversation)} FROM parley.messages
     WHERE tenant = ${sqlText(tenant)} AND conversation = ${sqlText(conversation)}`,
  );
  const firstKept = Math.max(1, Number(row?.[1] ?? 0));
  return { through: Math.max(Number(row?.[0] ?? 0), firstKept - 1), firstKept };
}

/** Throws BadRequest. */
export function entityOf(tenant: string, conversation: string): EntityAddress {
  const parsed: ConversationAddress | undefined = parseConversation(conversation);
  if (parsed === undefined) throw new BadRequest('BAD_ID', 'the conversation is not valid');
  return { type: parsed.type, tenant, id: parsed.id };
}

/** As answers say it: 0 where nothing has expired. */
export const firstKeptOf = ({
  firstKept: first,
}: StoredLog): parley.internal.v1.IConversationAsOf['firstKept'] => (first > 1 ? first : 0);
