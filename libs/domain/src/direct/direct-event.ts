// Facts of a direct conversation.
import type { LogMessage } from '../conversation/log-message.ts';
import { type MessagePosted, messageOfPost } from '../conversation/post-message.ts';

export interface ReadAdvanced {
  readonly type: 'ReadAdvanced';
  readonly reader: string;
  readonly sequence: number;
}

export type DirectEvent = MessagePosted | ReadAdvanced;

/** The fact as an element of the conversation's log; undefined for facts that take no sequence. */
export const directLogMessage = (event: DirectEvent, conversation: string): LogMessage | undefined =>
  event.type === 'MessagePosted' ? messageOfPost(event, conversation) : undefined;
