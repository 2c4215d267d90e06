// Pages of an inbox as their owner answers them: the one answer that is large and asked for by everybody who comes back.
import type { InboxPage } from '@parley/domain';
import { ByteWriter } from '@parley/std';
import { internal, type parley } from '../messages.ts';
import { bytesField, number, onlyMember, varintField } from './hot-values.ts';
import {
  type InboxEntryFields,
  inboxEntryBytes,
  readInboxEntry,
  writeInboxEntry,
} from './inbox-entry-codec.ts';

/** What stands around the entries: only a guess for the writer. */
const aroundEntries = 16;

/** QueryAnswer with `inbox`. */
export function encodeInboxAnswer(page: InboxPage): Buffer {
  const writer = new ByteWriter();
  const expected = page.entries.length * inboxEntryBytes + aroundEntries;
  const at = writer.u8(bytesField(1)).begin(expected);
  for (const entry of page.entries) writeInboxEntry(writer, 1, entry);
  number(writer, 2, page.position);
  number(writer, 3, page.limited ? 1 : 0);
  const views = page.views as parley.internal.v1.OwnView.$Properties[] | undefined;
  if (views !== undefined) writer.raw(internal.InboxAnswer.encode({ views }).finish());
  return writer.end(at, expected).finish();
}

/** QueryAnswer with `inbox`; undefined when it is another answer, or not quite what is written above. */
export function readInboxAnswer(bytes: Uint8Array): parley.internal.v1.InboxAnswer.$Properties | undefined {
  const reader = onlyMember(bytes, 1);
  if (reader === undefined) return undefined;
  const entries: InboxEntryFields[] = [];
  let position = 0;
  let limited = false;
  while (!reader.isAtEnd) {
    const tag = reader.u8();
    if (tag === bytesField(1)) {
      const entry = readInboxEntry(reader);
      if (entry === undefined) return undefined;
      entries.push(entry);
    } else if (tag === varintField(2)) position = reader.varint();
    else if (tag === varintField(3)) limited = reader.varint() === 1;
    else return undefined;
  }
  return { entries, position, limited };
}
