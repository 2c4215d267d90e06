// The rules of posting that hold in every conversation. Who may post is decided by direct and group, between the two
// steps: a retry gets its first answer even when its sender may not post any more.
import { type Accepted, type Decision, type Refused, accepted, refused, utf8Bytes } from '@parley/std';
import type { ConversationLog } from './conversation-log.ts';
import { findPosted } from './dedupe-window.ts';
import type { LogMessage } from './log-message.ts';
import { tailMessage } from './message-tail.ts';
import { type Reply, type RichContent, hasAttachment, isWritten, kindOf } from './rich-content.ts';
import { orNothing, refusalOfRich } from './rich-content.ts';

export interface PostMessage {
  readonly type: 'PostMessage';
  readonly sender: string;
  readonly clientMessageId: string;
  readonly text: string;
  /** The message this device sent just before, while it is not acknowledged; empty otherwise. */
  readonly afterClientMessageId: string;
  /** Absent for a plain text. The source of a forwarded message has been looked at by the gateway. */
  readonly rich?: RichContent;
  /** Words of the tenant's filter that were found, for moderators; absent when there are none. */
  readonly flags?: readonly string[];
  /** The filter refuses the message. It comes all the same: a retry of what was taken gets its first answer. */
  readonly isRefused?: boolean;
}

export interface MessagePosted {
  readonly type: 'MessagePosted';
  readonly sequence: number;
  readonly sender: string;
  readonly clientMessageId: string;
  readonly atMs: number;
  readonly text: string;
  readonly rich?: RichContent;
  readonly flags?: readonly string[];
}

/** The answer to PostMessage, shaped like parley.v1.Sent. */
export interface Sent {
  readonly type: 'Sent';
  readonly conversation: string;
  readonly clientMessageId: string;
  readonly sequence: number;
  readonly sentAtMs: number;
  readonly duplicate: boolean;
}

/** The first answer again, when this message, edit or recall has been taken before. */
export function repeatedPost(log: ConversationLog, command: Repeatable): Accepted<never, Sent> | undefined {
  const first = findPosted(log.dedupe, command.sender, command.clientMessageId);
  if (first === undefined) return undefined;
  const { sequence, atMs: sentAtMs } = first;
  return accepted([], sentReply(log, command, { sequence, sentAtMs, duplicate: true }));
}

/** Posts, edits and recalls have their ids from one range: a repeated id is a retry, whatever it comes with. */
type Repeatable = Pick<PostMessage, 'sender' | 'clientMessageId'>;

/** A new message of someone who may post; `canRead` says what of the conversation the sender may see. */
export function decideNewPost(
  log: ConversationLog,
  command: PostMessage,
  nowMs: number,
  canRead: (sequence: number) => boolean,
): Decision<MessagePosted, Sent> {
  const refusal = refusalOfPost(log, command);
  if (refusal !== undefined) return refusal;
  const { sender, clientMessageId, text } = command;
  const sequence = log.head + 1;
  const bare = { type: 'MessagePosted', sequence, sender, clientMessageId, atMs: nowMs, text } as const;
  const plain: MessagePosted = command.flags === undefined ? bare : { ...bare, flags: command.flags };
  const reply = sentReply(log, command, { sequence, sentAtMs: nowMs, duplicate: false });
  const given = command.rich && orNothing(command.rich);
  if (given === undefined) return accepted([plain], reply);
  const rich = withPreview(log, given, canRead);
  if ('accepted' in rich) return rich;
  return accepted([{ ...plain, rich }], reply);
}

export function messageOfPost(event: MessagePosted, conversation: string): LogMessage {
  const message: LogMessage = {
    conversation,
    sequence: event.sequence,
    sender: event.sender,
    clientMessageId: event.clientMessageId,
    sentAtMs: event.atMs,
    text: event.text,
  };
  return event.rich === undefined ? message : { ...message, rich: event.rich };
}

function refusalOfPost(log: ConversationLog, command: PostMessage): Refused | undefined {
  if (command.clientMessageId === '') return refused('BAD_ID', 'A message needs a client message id.');
  if (command.isRefused === true) return refused('CONTENT_REFUSED');
  const { rich } = command;
  if (rich?.forwardedFrom?.sender === '') return refused('MESSAGE_NOT_FOUND', 'There is nothing to forward.');
  if (command.text === '' && !hasAttachment(rich)) return refused('TEXT_EMPTY');
  if (isTooLarge(command.text, log.limits.textBytesMax)) return refused('TEXT_TOO_LARGE');
  const flaw = rich && refusalOfRich(rich, log.limits);
  if (flaw !== undefined) return flaw;
  const predecessor = command.afterClientMessageId;
  if (predecessor !== '' && findPosted(log.dedupe, command.sender, predecessor) === undefined) {
    return refused('PREDECESSOR_MISSING');
  }
  return undefined;
}

/** The preview of the answered message is the server's, never the sender's; without it in the tail there is none. */
function withPreview(
  log: ConversationLog,
  rich: RichContent,
  canRead: (sequence: number) => boolean,
): RichContent | Refused {
  if (rich.replyTo === undefined) return rich;
  const { sequence } = rich.replyTo;
  if (sequence < 1 || sequence > log.head || !canRead(sequence)) return refused('MESSAGE_NOT_FOUND');
  const answered = tailMessage(log.tail, sequence);
  if (answered?.isRecalled === true || log.changes?.get(sequence)?.isRecall === true)
    return refused('MESSAGE_RECALLED');
  if (answered !== undefined && !isWritten(answered)) return refused('MESSAGE_NOT_FOUND');
  // What is sealed shows nothing of what it answers: the preview would be a plain copy.
  const lengthMax = rich.sealed === undefined ? log.limits.previewLengthMax : 0;
  return { ...rich, replyTo: previewOf(sequence, answered, lengthMax) };
}

function previewOf(sequence: number, answered: LogMessage | undefined, lengthMax: number): Reply {
  if (answered === undefined) return { sequence, sender: '', text: '', kind: '' };
  // Twice as many units are enough for as many characters, and a huge text is not taken apart.
  const characters = [...(answered.text ?? '').slice(0, lengthMax * 2)].slice(0, lengthMax);
  return { sequence, sender: answered.sender, text: characters.join(''), kind: kindOf(answered) };
}

// A UTF-16 unit takes at most three bytes, so most texts need no counting.
export const isTooLarge = (text: string, bytesMax: number): boolean =>
  text.length * 3 > bytesMax && utf8Bytes(text) > bytesMax;

export const sentReply = (
  log: ConversationLog,
  { clientMessageId }: Repeatable,
  { sequence, sentAtMs, duplicate }: Pick<Sent, 'sequence' | 'sentAtMs' | 'duplicate'>,
): Sent => ({
  type: 'Sent',
  conversation: log.conversation,
  clientMessageId,
  sequence,
  sentAtMs,
  duplicate,
});
