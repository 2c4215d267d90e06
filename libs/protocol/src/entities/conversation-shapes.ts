// The values shared by direct and group: the orders to post, edit and recall, and the facts that it was done. Plain posts
// go through hot-values.ts.
import type { EditMessage, LogMessage, MessageEdited, MessagePosted, MessageRecalled } from '@parley/domain';
import type {
  EmojiCount,
  MarkEvent,
  PinMessage,
  PostMessage,
  ReactToMessage,
  RecallMessage,
} from '@parley/domain';
import type { parley } from '../messages.ts';
import { fromWireMessage, toWireMessage } from './log-message-codec.ts';
import { readHeader, readRich, readSealed, readWindow } from './rich-content-codec.ts';
import { type Shapes, list, listOf, listOrNothing, orAbsent, plain } from './shape.ts';

/** What the generated code encodes as PostMessage. */
export type PostFields = parley.internal.v1.PostMessage.$Properties;

const target = (message: parley.v1.Message | null | undefined): LogMessage | undefined =>
  message == null ? undefined : fromWireMessage(message);

export const conversationCommands: Shapes<
  PostMessage | EditMessage | RecallMessage | ReactToMessage | PinMessage
> = {
  PostMessage: {
    sender: plain,
    clientMessageId: plain,
    text: plain,
    afterClientMessageId: plain,
    rich: readRich,
    flags: listOrNothing,
    isRefused: orAbsent,
  },
  EditMessage: {
    sender: plain,
    clientMessageId: plain,
    sequence: plain,
    text: plain,
    mentions: list,
    mentionsAll: plain,
    sealed: readSealed,
    target,
    window: readWindow,
    flags: listOrNothing,
    isRefused: orAbsent,
  },
  RecallMessage: {
    sender: plain,
    clientMessageId: plain,
    sequence: plain,
    target,
    window: readWindow,
  },
  ReactToMessage: { sender: plain, sequence: plain, emoji: plain, isRemoved: plain, target },
  PinMessage: { sender: plain, sequence: plain, isRemoved: plain, target },
};

const mark = { sequence: plain, by: plain, atMs: plain, target: plain };
const fact = { sequence: plain, sender: plain, clientMessageId: plain, atMs: plain };

export const conversationEvents: Shapes<MessagePosted | MessageEdited | MessageRecalled | MarkEvent> = {
  MessagePosted: { ...fact, text: plain, rich: readRich, flags: listOrNothing },
  MessageEdited: { ...fact, target: readHeader, text: plain, rich: readRich, flags: listOrNothing },
  MessageRecalled: { ...fact, target: readHeader },
  MessageReacted: {
    ...mark,
    emoji: plain,
    isRemoved: plain,
    counts: listOf<EmojiCount>({ emoji: plain, count: plain }),
  },
  MessagePinned: mark,
  MessageUnpinned: mark,
};

/** The command as the generated code takes it: a log message has its own form there. */
export function withWireTarget<T extends { readonly type: string }>(
  command: T & { readonly target?: LogMessage },
): T {
  if (command.target === undefined) return command;
  return { ...command, target: toWireMessage(command.target) as unknown as LogMessage };
}
