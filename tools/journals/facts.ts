// What one event of the journal says happened to one entity, in the words of conversations and inboxes: a message took a
// sequence, an entry took an inbox position. Shared by the tools that replay journals with rules of their own.
import {
  type DirectEvent,
  type EntryAppended,
  type GroupEvent,
  type LogMessage,
  type UserEvent,
  changedMessage,
  conversationOfDirect,
  conversationOfGroup,
  directLogMessage,
  groupLogMessage,
  takesPosition,
} from '@parley/domain';

/** Something took the next sequence of a conversation. */
export interface MessageFact {
  readonly kind: 'message';
  readonly message: LogMessage;
  /** Of an edit or a recall: the earlier message as it is from here on. */
  readonly changed?: LogMessage;
  /** Who became a member with it, and whose membership ended with it. */
  readonly joined: readonly string[];
  readonly left: readonly string[];
  /** Set when it turned the conversation to reading the log (true) or back to inboxes (false). */
  readonly isRead?: boolean;
}

/** Something took the next position of an inbox: a reference to a message, or a move of the read pointer. */
export interface EntryFact {
  readonly kind: 'entry';
  /** Undefined for what is no reference: a moved read pointer, settings, what was deleted. */
  readonly entry: EntryAppended | undefined;
}

const diffusionRead = 2;

export function directFact(id: string, event: DirectEvent): MessageFact | undefined {
  const message = directLogMessage(event, conversationOfDirect(id));
  return message && { kind: 'message', message, ...changeOf(event, message), joined: [], left: [] };
}

function changeOf(
  event: DirectEvent | GroupEvent,
  { conversation }: LogMessage,
): Pick<MessageFact, 'changed'> {
  return event.type === 'MessageEdited' || event.type === 'MessageRecalled'
    ? { changed: changedMessage(event, conversation).message }
    : {};
}

/** Undefined for what takes no sequence. */
export function groupFact(id: string, event: GroupEvent): MessageFact | undefined {
  const message = groupLogMessage(event, conversationOfGroup(id));
  if (message === undefined) return undefined;
  const fact = { kind: 'message', message, ...changeOf(event, message), joined: [], left: [] } as const;
  switch (event.type) {
    case 'GroupCreated':
      return { ...fact, joined: [...new Set([event.by, ...event.members])] };
    case 'MembersAdded':
      return { ...fact, joined: event.members };
    case 'MemberLeft':
    case 'MemberRemoved':
      return { ...fact, left: [event.member] };
    case 'DiffusionChanged':
      return { ...fact, isRead: event.diffusion === diffusionRead };
    default:
      return fact;
  }
}

export function userFact(event: UserEvent): EntryFact | undefined {
  if (event.type === 'EntryAppended') return { kind: 'entry', entry: event };
  return takesPosition(event) ? { kind: 'entry', entry: undefined } : undefined;
}
