// Who may see which sequences of a conversation, and which of them go into inboxes, as the journal's facts tell it.
import { conversationOfDirect, isDirectConversation, usersOfDirect } from '@parley/domain';
import type { MessageFact } from './facts.ts';

export interface MemberSpan {
  readonly from: number;
  /** Last sequence; 0 while it is open. */
  to: number;
}

export interface Membership {
  readonly spans: Map<string, MemberSpan[]>;
  /** Sequences at which it turned to reading the log (true) or to inboxes (false). */
  readonly turns: { readonly sequence: number; readonly isRead: boolean }[];
}

/** Both users of a direct conversation are members from the beginning; a group begins empty. */
export function newMembership(conversation: string): Membership {
  const spans = new Map<string, MemberSpan[]>();
  if (isDirectConversation(conversation)) {
    const id = conversation.slice(conversationOfDirect('').length);
    for (const user of usersOfDirect(id)) spans.set(user, [{ from: 1, to: 0 }]);
  }
  return { spans, turns: [] };
}

export function applyMembership({ spans, turns }: Membership, fact: MessageFact): void {
  const { sequence } = fact.message;
  for (const user of fact.joined) spans.set(user, [...(spans.get(user) ?? []), { from: sequence, to: 0 }]);
  for (const user of fact.left) {
    const last = spans.get(user)?.at(-1);
    if (last !== undefined) last.to = sequence;
  }
  if (fact.isRead !== undefined) turns.push({ sequence, isRead: fact.isRead });
}

/** Does a message of this sequence go into inboxes? The one that turns the group still does. */
export function reachesInboxes({ turns }: Pick<Membership, 'turns'>, sequence: number): boolean {
  const turn = turns.findLast((one) => one.sequence < sequence);
  const isTurn = turns.some((one) => one.sequence === sequence);
  return isTurn || turn?.isRead !== true;
}
