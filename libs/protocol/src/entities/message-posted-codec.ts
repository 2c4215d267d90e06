// The two hottest values, shared by direct and group: the order to post and the fact that it was. Written out by hand.
import type { MessagePosted, PostMessage } from '@parley/domain';
import type { parley } from '../messages.ts';
import { type Decoded, type Shape, plain } from './shape.ts';

export const readPostMessage = (
  message: Decoded<parley.internal.v1.PostMessage.$Properties>,
): PostMessage => ({
  type: 'PostMessage',
  sender: message.sender,
  clientMessageId: message.clientMessageId,
  text: message.text,
  afterClientMessageId: message.afterClientMessageId,
});

export const readMessagePosted = (
  message: Decoded<parley.internal.v1.MessagePosted.$Properties>,
): MessagePosted => ({
  type: 'MessagePosted',
  sequence: message.sequence,
  sender: message.sender,
  clientMessageId: message.clientMessageId,
  atMs: message.atMs,
  text: message.text,
});

/** For the unions they are members of. */
export const postMessageShape: Shape<PostMessage> = {
  sender: plain,
  clientMessageId: plain,
  text: plain,
  afterClientMessageId: plain,
};
export const messagePostedShape: Shape<MessagePosted> = {
  sequence: plain,
  sender: plain,
  clientMessageId: plain,
  atMs: plain,
  text: plain,
};
