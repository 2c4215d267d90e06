// The rules of editing and recalling that hold in every conversation. How long it may be done, and by whom, is told by
// direct and group. The message is looked for in the tail; an older one the gateway has read and put into the command.
import { type Decision, type Refused, accepted, refused } from '@parley/std';
import type { ConversationLog } from './conversation-log.ts';
import type { LogMessage } from './log-message.ts';
import { tailMessage } from './message-tail.ts';
import { type Sent, isTooLarge, sentReply } from './post-message.ts';
import {
  type RichContent,
  hasAttachment,
  isWritten,
  kindOf,
  orNothing,
  refusalOfRich,
} from './rich-content.ts';

/** How long after it was sent a message may be changed, milliseconds. */
export interface ChangeWindow {
  readonly ownMs: number;
  /** By owners and admins of a group. */
  readonly managerMs: number;
}

/** Gives the message at `sequence` a new text and new mentions; what else it carries stays. */
export interface EditMessage {
  readonly type: 'EditMessage';
  readonly sender: string;
  readonly clientMessageId: string;
  readonly sequence: number;
  readonly text: string;
  readonly mentions: readonly string[];
  readonly mentionsAll: boolean;
  /** The new text and the attachment of the message; `text` is empty then. */
  readonly sealed?: Uint8Array;
  /** That message, as the gateway has read it for the sender; its text is not needed. */
  readonly target?: LogMessage;
  /** The tenant's. */
  readonly window: ChangeWindow;
  /** As in PostMessage. */
  readonly flags?: readonly string[];
  readonly isRefused?: boolean;
}

/** Takes the message at `sequence` back for everybody. */
export interface RecallMessage {
  readonly type: 'RecallMessage';
  readonly sender: string;
  readonly clientMessageId: string;
  readonly sequence: number;
  readonly target?: LogMessage;
  readonly window: ChangeWindow;
}

/** The unchanging part of a message, with which a newer version of all of it can be written without reading it. */
export interface MessageHeader {
  readonly sequence: number;
  readonly sender: string;
  readonly clientMessageId: string;
  readonly sentAtMs: number;
  readonly kind: string;
}

export interface MessageEdited {
  readonly type: 'MessageEdited';
  readonly sequence: number;
  readonly sender: string;
  readonly clientMessageId: string;
  readonly atMs: number;
  readonly target: MessageHeader;
  /** The whole new content. */
  readonly text: string;
  readonly rich?: RichContent;
  readonly flags?: readonly string[];
}

export interface MessageRecalled {
  readonly type: 'MessageRecalled';
  readonly sequence: number;
  readonly sender: string;
  readonly clientMessageId: string;
  readonly atMs: number;
  readonly target: MessageHeader;
}

/** What the sender of a change may do. */
export interface ChangeRights {
  /** For how long after it was sent an own message. */
  readonly ownMs: number;
  /** And one of `author`; undefined: never. */
  othersMs(author: string): number | undefined;
  canRead(sequence: number): boolean;
}

export function decideEdit(
  log: ConversationLog,
  command: EditMessage,
  { nowMs, rights }: { readonly nowMs: number; readonly rights: ChangeRights },
): Decision<MessageEdited, Sent> {
  const target = targetOf(log, command, rights);
  if ('accepted' in target) return target;
  const { sender, clientMessageId, text, flags } = command;
  if (target.sender !== sender) return refused('FORBIDDEN', 'Only who wrote a message edits it.');
  if (target.rich?.forwardedFrom !== undefined)
    return refused('FORBIDDEN', 'A forwarded message stays what it was.');
  if (nowMs - target.sentAtMs > rights.ownMs) return refused('TOO_LATE');
  const rich = orNothing(editedRich(target.rich, command));
  if (command.isRefused === true) return refused('CONTENT_REFUSED');
  if (text === '' && !hasAttachment(rich)) return refused('TEXT_EMPTY');
  if (isTooLarge(text, log.limits.textBytesMax)) return refused('TEXT_TOO_LARGE');
  const refusal = rich && refusalOfRich(rich, log.limits);
  if (refusal !== undefined) return refusal;
  const sequence = log.head + 1;
  const edited: MessageEdited = {
    type: 'MessageEdited',
    sequence,
    sender,
    clientMessageId,
    atMs: nowMs,
    target: headerOf(target),
    text,
    ...(rich && { rich }),
    ...(flags && { flags }),
  };
  return accepted([edited], sentReply(log, command, { sequence, sentAtMs: nowMs, duplicate: false }));
}

export function decideRecall(
  log: ConversationLog,
  command: RecallMessage,
  { nowMs, rights }: { readonly nowMs: number; readonly rights: ChangeRights },
): Decision<MessageRecalled, Sent> {
  const target = targetOf(log, command, rights);
  if ('accepted' in target) return target;
  const { sender, clientMessageId } = command;
  const withinMs = target.sender === sender ? rights.ownMs : rights.othersMs(target.sender);
  if (withinMs === undefined) return refused('FORBIDDEN');
  if (nowMs - target.sentAtMs > withinMs) return refused('TOO_LATE');
  const sequence = log.head + 1;
  const recalled: MessageRecalled = {
    type: 'MessageRecalled',
    sequence,
    sender,
    clientMessageId,
    atMs: nowMs,
    target: headerOf(target),
  };
  return accepted([recalled], sentReply(log, command, { sequence, sentAtMs: nowMs, duplicate: false }));
}

/** Everything stays but the mentions; what is sealed is sealed as a whole, so the new seal replaces text and attachment. */
function editedRich(
  before: RichContent | undefined,
  { mentions, mentionsAll, sealed }: EditMessage,
): RichContent {
  const { replyTo, sealed: _, ...attachment } = before ?? {};
  const kept = { mentions, mentionsAll, ...(replyTo && { replyTo }) };
  return sealed !== undefined ? { ...kept, sealed } : { ...attachment, ...kept };
}

/** The fact as an element of the log. */
export function elementOfChange(event: MessageEdited | MessageRecalled, conversation: string): LogMessage {
  const { sequence, sender, clientMessageId, atMs, target } = event;
  const head = { conversation, sequence, sender, clientMessageId, sentAtMs: atMs };
  if (event.type === 'MessageRecalled') return { ...head, recalled: { sequence: target.sequence } };
  const { text, rich } = event;
  return { ...head, edited: { sequence: target.sequence, text, ...(rich && { rich }) } };
}

/** The changed message as it is from this fact on, and the kind it has had from the start. */
export function changedMessage(
  event: MessageEdited | MessageRecalled,
  conversation: string,
): { readonly message: LogMessage; readonly kind: string } {
  const { kind, ...head } = event.target;
  const base = { conversation, ...head, revision: event.sequence, changedAtMs: event.atMs };
  if (event.type === 'MessageRecalled') return { message: { ...base, text: '', isRecalled: true }, kind };
  const { text, rich } = event;
  return { message: { ...base, text, ...(rich && { rich }) }, kind };
}

/** The message to be changed, when there is one that can be. */
function targetOf(
  log: ConversationLog,
  command: EditMessage | RecallMessage,
  rights: ChangeRights,
): LogMessage | Refused {
  if (command.clientMessageId === '') return refused('BAD_ID', 'A change needs a client message id.');
  return findTarget(log, command, (sequence) => rights.canRead(sequence));
}

/** What somebody wrote and has not been recalled, at the sequence a command names. */
export function findTarget(
  log: ConversationLog,
  command: { readonly sequence: number; readonly target?: LogMessage },
  canRead: (sequence: number) => boolean,
): LogMessage | Refused {
  const { sequence } = command;
  if (sequence < 1 || sequence > log.head || !canRead(sequence)) return refused('MESSAGE_NOT_FOUND');
  const given = command.target?.sequence === sequence ? command.target : undefined;
  const target = tailMessage(log.tail, sequence) ?? given;
  if (target === undefined) return refused('MESSAGE_NOT_FOUND');
  if (!isWritten(target)) return refused('FORBIDDEN', 'Only what somebody wrote can be changed.');
  const isRecalled = target.isRecalled === true || log.changes?.get(sequence)?.isRecall === true;
  return isRecalled ? refused('MESSAGE_RECALLED') : target;
}

const headerOf = (target: LogMessage): MessageHeader => ({
  sequence: target.sequence,
  sender: target.sender,
  clientMessageId: target.clientMessageId,
  sentAtMs: target.sentAtMs,
  kind: kindOf(target),
});
