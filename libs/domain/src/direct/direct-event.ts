// Facts of a direct conversation.
import { type MessageEdited, type MessageRecalled, elementOfChange } from '../conversation/change-message.ts';
import type { LogMessage } from '../conversation/log-message.ts';
import { type MarkEvent, elementOfMark, isMark } from '../conversation/mark-message.ts';
import { type MessagePosted, messageOfPost } from '../conversation/post-message.ts';
import type { RefusalSet } from './refusal.ts';

export interface ReadAdvanced {
  readonly type: 'ReadAdvanced';
  readonly reader: string;
  readonly sequence: number;
}

export type DirectEvent =
  MessagePosted | MessageEdited | MessageRecalled | MarkEvent | ReadAdvanced | RefusalSet;

/** The fact as an element of the conversation's log; undefined for facts that take no sequence. */
export function directLogMessage(event: DirectEvent, conversation: string): LogMessage | undefined {
  if (event.type === 'ReadAdvanced' || event.type === 'RefusalSet') return undefined;
  if (isMark(event)) return elementOfMark(event, conversation);
  return event.type === 'MessagePosted'
    ? messageOfPost(event, conversation)
    : elementOfChange(event, conversation);
}
