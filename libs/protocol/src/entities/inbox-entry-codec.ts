// Inbox entries: references as they stand in user snapshots and in answers to inbox queries. Written and read by hand, as
// hot values are: a page holds hundreds of them, a snapshot thousands.
import { Diffusion, type InboxEntry, Membership } from '@parley/domain';
import type { ByteReader, ByteWriter } from '@parley/std';
import { internal, type parley, wire } from '../messages.ts';
import { personalChanges, toWirePersonal } from './personal-codec.ts';
import { readSettings } from './user-parts-codec.ts';
import { bytesField, isDoubtful, number, string, varintField } from './hot-values.ts';

export type InboxEntryFields = parley.internal.v1.InboxEntry.$Properties;

/** What an entry takes at most, most of the time: only a guess for the writer. */
export const inboxEntryBytes = 40;

/** As the member `field` of what is being written. */
export function writeInboxEntry(
  writer: ByteWriter,
  field: number,
  { position, entry }: { position: number; entry: InboxEntry },
): void {
  const { conversation, sequence, change } = entry;
  const at = writer.u8(bytesField(field)).begin(inboxEntryBytes);
  number(writer, 1, position);
  string(writer, 2, conversation);
  number(writer, 3, sequence);
  if (change?.kind === 'read-moved') {
    number(writer, 4, 1);
    number(writer, 5, change.unread);
    if (change.unreadMentions > 0) writer.raw(unreadMentionsTag).varint(change.unreadMentions);
  } else if (change?.kind === 'personal') {
    const bytes = wire.PersonalChange.encode(toWirePersonal(change.change)).finish();
    writer.varint(bytesField(50)).varint(bytes.length).raw(bytes);
  } else if (change?.kind === 'settings') {
    writer.raw(internal.InboxEntry.encode({ settings: change.settings }).finish());
  } else if (change?.kind === 'narrowed') {
    const { clearedThrough, deleted } = change;
    const narrowed = { clearedThrough, deleted: deleted as number[] };
    writer.raw(internal.InboxEntry.encode({ narrowed }).finish());
  } else if (change !== undefined) {
    number(writer, 6, change.membership);
    number(writer, 7, change.diffusion);
    string(writer, 8, change.title);
    // Rare, and its tag takes two bytes: whoever reads by hand leaves it to the generated code.
    if (change.firstVisible !== undefined) writer.varint(varintField(40)).varint(change.firstVisible);
  }
  writer.end(at, inboxEntryBytes);
}

/** Field 30: the first number whose tag takes two bytes. */
const unreadMentionsTag = Uint8Array.of(0xf0, 0x01);

/** What stands behind the tag; undefined when it is not quite what is written above. */
export function readInboxEntry(reader: ByteReader): InboxEntryFields | undefined {
  const size = reader.varint();
  const end = reader.offset + size;
  let position = 0;
  let conversation = '';
  let sequence = 0;
  let isReadMoved = false;
  let unread = 0;
  let unreadMentions = 0;
  let membership = 0;
  let diffusion = 0;
  let title = '';
  while (reader.offset < end) {
    const tag = reader.u8();
    if (tag === varintField(1)) position = reader.varint();
    else if (tag === bytesField(2)) conversation = reader.text();
    else if (tag === varintField(3)) sequence = reader.varint();
    else if (tag === varintField(4)) isReadMoved = reader.varint() === 1;
    else if (tag === varintField(5)) unread = reader.varint();
    else if (tag === varintField(6)) membership = reader.varint();
    else if (tag === varintField(7)) diffusion = reader.varint();
    else if (tag === bytesField(8)) title = reader.freshText();
    else if (tag === unreadMentionsTag[0] && reader.u8() === unreadMentionsTag[1])
      unreadMentions = reader.varint();
    else return undefined;
  }
  if (reader.offset > end || isDoubtful(conversation) || isDoubtful(title)) return undefined;
  return {
    position,
    conversation,
    sequence,
    isReadMoved,
    unread,
    membership,
    diffusion,
    title,
    unreadMentions,
  };
}

export function readEntry(message: parley.internal.v1.InboxEntry): InboxEntry {
  const {
    conversation,
    sequence,
    isReadMoved,
    unread,
    membership,
    diffusion,
    title,
    personal,
    firstVisible,
  } = message;
  if (personal != null) {
    return { conversation, sequence, change: { kind: 'personal', change: personalChanges.unwrap(personal) } };
  }
  if (isReadMoved) {
    const { unreadMentions } = message;
    return { conversation, sequence, change: { kind: 'read-moved', unread, unreadMentions } };
  }
  if (message.settings != null)
    return { conversation, sequence, change: { kind: 'settings', settings: readSettings(message.settings) } };
  if (message.narrowed != null) {
    const { clearedThrough = 0, deleted = [] } = message.narrowed as {
      clearedThrough?: number;
      deleted?: number[];
    };
    return { conversation, sequence, change: { kind: 'narrowed', clearedThrough, deleted: [...deleted] } };
  }
  const isPlain = membership === Membership.UNCHANGED && diffusion === Diffusion.UNSPECIFIED && title === '';
  if (isPlain) return { conversation, sequence, change: undefined };
  const change = { kind: 'membership', membership, diffusion, title } as const;
  return { conversation, sequence, change: firstVisible > 0 ? { ...change, firstVisible } : change };
}
