// Inbox entries: references as they stand in user snapshots and in answers to inbox queries.
import { Diffusion, type InboxEntry, Membership } from '@parley/domain';
import type { parley } from '../messages.ts';

export type InboxEntryFields = parley.internal.v1.InboxEntry.$Properties;

export function toInboxEntry(position: number, entry: InboxEntry): InboxEntryFields {
  const { conversation, sequence, change } = entry;
  if (change === undefined) return { position, conversation, sequence };
  if (change.kind === 'read-moved') {
    return { position, conversation, sequence, isReadMoved: true, unread: change.unread };
  }
  const { membership, diffusion, title } = change;
  return { position, conversation, sequence, membership, diffusion, title };
}

export function readEntry(message: parley.internal.v1.InboxEntry): InboxEntry {
  const { conversation, sequence, isReadMoved, unread, membership, diffusion, title } = message;
  if (isReadMoved) return { conversation, sequence, change: { kind: 'read-moved', unread } };
  const isPlain = membership === Membership.UNCHANGED && diffusion === Diffusion.UNSPECIFIED && title === '';
  const change = isPlain ? undefined : ({ kind: 'membership', membership, diffusion, title } as const);
  return { conversation, sequence, change };
}
