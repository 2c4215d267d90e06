// The rules of posting that hold in every conversation. Who may post is decided by direct and group, between the two
// steps: a retry gets its first answer even when its sender may not post any more.
import { type Accepted, type Decision, type Refused, accepted, refused, utf8Bytes } from '@parley/std';
import type { ConversationLog } from './conversation-log.ts';
import { findPosted } from './dedupe-window.ts';
import type { LogMessage } from './log-message.ts';

export interface PostMessage {
  readonly type: 'PostMessage';
  readonly sender: string;
  readonly clientMessageId: string;
  readonly text: string;
  /** The message this device sent just before, while it is not acknowledged; empty otherwise. */
  readonly afterClientMessageId: string;
}

export interface MessagePosted {
  readonly type: 'MessagePosted';
  readonly sequence: number;
  readonly sender: string;
  readonly clientMessageId: string;
  readonly atMs: number;
  readonly text: string;
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

/** The first answer again, when this message has been posted before. */
export function repeatedPost(log: ConversationLog, command: PostMessage): Accepted<never, Sent> | undefined {
  const first = findPosted(log.dedupe, command.sender, command.clientMessageId);
  return first && accepted([], sentReply(log, command, first.sequence, first.atMs, true));
}

/** A new message of someone who may post. */
export function decideNewPost(
  log: ConversationLog,
  command: PostMessage,
  nowMs: number,
): Decision<MessagePosted, Sent> {
  const refusal = refusalOfPost(log, command);
  if (refusal !== undefined) return refusal;
  const { sender, clientMessageId, text } = command;
  const sequence = log.head + 1;
  const posted: MessagePosted = {
    type: 'MessagePosted',
    sequence,
    sender,
    clientMessageId,
    atMs: nowMs,
    text,
  };
  return accepted([posted], sentReply(log, command, sequence, nowMs, false));
}

export const messageOfPost = (event: MessagePosted, conversation: string): LogMessage => ({
  conversation,
  sequence: event.sequence,
  sender: event.sender,
  clientMessageId: event.clientMessageId,
  sentAtMs: event.atMs,
  text: event.text,
});

function refusalOfPost(log: ConversationLog, command: PostMessage): Refused | undefined {
  if (command.clientMessageId === '') return refused('BAD_ID', 'A message needs a client message id.');
  if (command.text === '') return refused('TEXT_EMPTY');
  if (isTooLarge(command.text, log.limits.textBytesMax)) return refused('TEXT_TOO_LARGE');
  const predecessor = command.afterClientMessageId;
  if (predecessor !== '' && findPosted(log.dedupe, command.sender, predecessor) === undefined) {
    return refused('PREDECESSOR_MISSING');
  }
  return undefined;
}

// A UTF-16 unit takes at most three bytes, so most texts need no counting.
const isTooLarge = (text: string, bytesMax: number): boolean =>
  text.length * 3 > bytesMax && utf8Bytes(text) > bytesMax;

const sentReply = (
  log: ConversationLog,
  command: PostMessage,
  sequence: number,
  sentAtMs: number,
  duplicate: boolean,
): Sent => ({
  type: 'Sent',
  conversation: log.conversation,
  clientMessageId: command.clientMessageId,
  sequence,
  sentAtMs,
  duplicate,
});
