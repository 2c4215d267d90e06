// What the user has deleted for themself keeps its place in the log, and says nothing.
import type { Message } from '../frames.ts';
import type { ConversationFacts } from '../store/client-store.ts';
import { targetOf } from './message-changes.ts';

type View = Pick<ConversationFacts, 'clearedThrough' | 'deleted'>;

const isGone = ({ clearedThrough = 0, deleted = [] }: View, sequence: number): boolean =>
  sequence <= clearedThrough || deleted.includes(sequence);

/** The message as the user is shown it: gone when it, or the message it is about, was deleted. */
export function shownTo(view: View, message: Message): Message {
  if (view.clearedThrough === undefined && view.deleted === undefined) return message;
  const target = targetOf(message) ?? 0;
  if (!isGone(view, message.sequence) && (target === 0 || !isGone(view, target))) return message;
  if (message.gone) return message;
  const { conversation, sequence } = message;
  return { conversation, sequence, sender: '', clientMessageId: '', sentAtMs: 0, gone: {} };
}
