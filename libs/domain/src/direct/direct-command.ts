// Orders to a direct conversation, and their answers.
import type { EditMessage, RecallMessage } from '../conversation/change-message.ts';
import type { Done } from '../conversation/done.ts';
import type { PinMessage, ReactToMessage } from '../conversation/mark-message.ts';
import type { PostMessage, Sent } from '../conversation/post-message.ts';
import type { SetRefusal } from './refusal.ts';

/** `reader` has read up to `sequence`. */
export interface MarkRead {
  readonly type: 'MarkRead';
  readonly reader: string;
  readonly sequence: number;
}

export type DirectCommand =
  PostMessage | EditMessage | RecallMessage | ReactToMessage | PinMessage | MarkRead | SetRefusal;
export type DirectReply = Sent | Done;
