// Delivered: a device of the user has acknowledged the inbox position that holds a message. The other one of a direct
// conversation is told, unless they know already that it has been read.
import { type Decision, type Effect, accepted } from '@parley/std';
import { isDirectConversation, peerOfDirect } from '../conversation/conversation-id.ts';
import { type Done, done, nothingToDo } from '../conversation/done.ts';
import { inboxEntryAt } from './inbox-window.ts';
import type { AcknowledgeInbox, NotePeerDelivered } from './user-command.ts';
import type { InboxDelivered, PeerDeliveredNoted } from './user-event.ts';
import type { DeliveredPush } from './user-push.ts';
import type { UserState } from './user-state.ts';

/** Nothing is journaled for positions that bring nothing new of direct conversations: they are looked at once more. */
export function decideAcknowledge(
  state: UserState,
  command: AcknowledgeInbox,
): Decision<InboxDelivered, Done> {
  const position = Math.min(command.position, state.inbox.last);
  const newest = new Map<string, number>();
  for (let at = Math.max(state.delivered + 1, state.inbox.first); at <= position; at++) {
    const entry = inboxEntryAt(state.inbox, at);
    if (entry === undefined || entry.change?.kind === 'read-moved') continue;
    const { conversation, sequence } = entry;
    const read = state.conversations.get(conversation)?.read ?? 0;
    if (isDirectConversation(conversation) && sequence > read) newest.set(conversation, sequence);
  }
  if (newest.size === 0) return nothingToDo;
  const directs = [...newest]
    .slice(0, state.limits.deliveredConversationsMax)
    .map(([conversation, sequence]) => ({ conversation, sequence }));
  return accepted([{ type: 'InboxDelivered', position, directs }], done);
}

/** Whoever has read it has got it. */
export function decidePeerDelivered(
  state: UserState,
  { conversation, sequence }: NotePeerDelivered,
): Decision<PeerDeliveredNoted, Done> {
  const known = state.conversations.get(conversation);
  if (known === undefined || sequence <= Math.max(known.peerDelivered, known.peerRead)) return nothingToDo;
  return accepted([{ type: 'PeerDeliveredNoted', conversation, sequence }], done);
}

export function evolveDelivered(state: UserState, event: InboxDelivered | PeerDeliveredNoted): void {
  if (event.type === 'InboxDelivered') {
    state.delivered = Math.max(state.delivered, event.position);
    return;
  }
  const known = state.conversations.get(event.conversation);
  if (known !== undefined) known.peerDelivered = Math.max(known.peerDelivered, event.sequence);
}

export function effectsOfDelivered(
  event: InboxDelivered | PeerDeliveredNoted,
  state: UserState,
): readonly Effect[] {
  if (event.type === 'PeerDeliveredNoted') {
    const { conversation, sequence } = event;
    const user = peerOfDirect(conversation, state.user);
    const payload: DeliveredPush = { type: 'Delivered', conversation, user, delivered: sequence };
    return [{ kind: 'push', position: 0, payload }];
  }
  return event.directs.flatMap(({ conversation, sequence }): Effect[] => {
    const sender = peerOfDirect(conversation, state.user);
    if (sender === state.user) return [];
    const command: NotePeerDelivered = { type: 'NotePeerDelivered', conversation, sequence };
    return [{ kind: 'tell', type: 'user', ids: [sender], command }];
  });
}
