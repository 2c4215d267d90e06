// A row of the messages table as the message it was made of.
import { type parley, wire } from '@parley/protocol';
import type { Row } from '@parley/adapters';

/** In the order `messageOfRow` reads them. */
export const messageColumns =
  'conversation, sequence, sender, client_message_id, toUnixTimestamp64Milli(at), kind, text, system, ' +
  'state, toUnixTimestamp64Milli(changed_at), content, revision';

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
  if (kind === 'system') return { ...head, system: wire.System.decode(bytesOf(system)) };
  const [state, changedAtMs, content, revision] = row.slice(8);
  if (kind === 'edit') return { ...head, edited: wire.Edited.decode(bytesOf(content)) };
  if (kind === 'recall') return { ...head, recalled: wire.Recalled.decode(bytesOf(content)) };
  return {
    ...head,
    text: text as string,
    ...(content !== '' && { rich: wire.RichContent.decode(bytesOf(content)) }),
    ...((revision as number) > 0 && { revision: revision as number, changedAtMs: changedAtMs as number }),
    ...(state === 'recalled' && { isRecalled: true }),
  };
}

const bytesOf = (cell: Row[number]): Buffer => Buffer.from(cell as string, 'base64');
