// A row of the messages table as the message it was made of.
import { type parley, wire } from '@parley/protocol';
import type { Row } from '@parley/adapters';

/** In the order `messageOfRow` reads them. */
export const messageColumns =
  'conversation, sequence, sender, client_message_id, toUnixTimestamp64Milli(at), kind, text, system';

export function messageOfRow(
  row: Row,
): parley.v1.IMessage & { conversation: string; sequence: number; sentAtMs: number } {
  const [conversation, sequence, sender, clientMessageId, sentAtMs, kind, text, system] = row;
  const head = {
    conversation: conversation as string,
    sequence: sequence as number,
    sender: sender as string,
    clientMessageId: clientMessageId as string,
    sentAtMs: sentAtMs as number,
  };
  if (kind === 'text') return { ...head, text: text as string };
  return { ...head, system: wire.System.decode(Buffer.from(system as string, 'base64')) };
}
