// The two values shared by direct and group: the order to post and the fact that it was. Most of them go through
// hot-values.ts.
import type { MessagePosted, PostMessage } from '@parley/domain';
import { type Shape, plain } from './shape.ts';

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
