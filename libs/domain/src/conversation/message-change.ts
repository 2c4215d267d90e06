// An edit or a recall is an element of the log of its own, with a sequence of its own: whoever follows the log cannot miss
// it. Here is what it does to the message it refers to, and the memory of the newest ones.
import type { ConversationLimits } from './conversation-limits.ts';
import type { LogMessage } from './log-message.ts';

/** The message at `target` was changed by the element at `sequence`. */
export interface MessageChange {
  readonly target: number;
  readonly sequence: number;
  readonly atMs: number;
  readonly isRecall: boolean;
}

/** The newest change of each message, by target, in the order they were made. Undefined before the first. */
export type MessageChanges = Map<number, MessageChange> | undefined;

/** Undefined for elements that change nothing. */
export function changeIn(element: LogMessage): MessageChange | undefined {
  const target = element.edited?.sequence ?? element.recalled?.sequence;
  if (target === undefined) return undefined;
  const { sequence, sentAtMs, recalled } = element;
  return { target, sequence, atMs: sentAtMs, isRecall: recalled !== undefined };
}

export function rememberChange(
  changes: MessageChanges,
  change: MessageChange,
  { changesMax }: Pick<ConversationLimits, 'changesMax'>,
): MessageChanges {
  const kept = changes ?? new Map<number, MessageChange>();
  kept.delete(change.target);
  kept.set(change.target, change);
  if (kept.size > changesMax) for (const oldest of kept.keys()) return (kept.delete(oldest), kept);
  return kept;
}

export function restoreChanges(
  changes: readonly MessageChange[],
  limits: Pick<ConversationLimits, 'changesMax'>,
): MessageChanges {
  let restored: MessageChanges;
  for (const change of changes) restored = rememberChange(restored, change, limits);
  return restored;
}

/** The message as `element` leaves it. One that has seen this element or a newer one, or is not meant, stays as it is. */
export function applyChange(message: LogMessage, element: LogMessage): LogMessage {
  if (message.text === undefined || changeIn(element)?.target !== message.sequence) return message;
  if ((message.revision ?? 0) >= element.sequence) return message;
  const { conversation, sequence, sender, clientMessageId, sentAtMs } = message;
  const head = { conversation, sequence, sender, clientMessageId, sentAtMs };
  const changed = { revision: element.sequence, changedAtMs: element.sentAtMs };
  if (element.edited === undefined) return { ...head, text: '', ...changed, isRecalled: true };
  const { text, rich } = element.edited;
  return rich === undefined ? { ...head, text, ...changed } : { ...head, text, rich, ...changed };
}

/** An edit whose message was recalled afterwards: what it said is taken back, too. */
export function withoutContent(element: LogMessage): LogMessage {
  const { edited } = element;
  return edited === undefined ? element : { ...element, edited: { sequence: edited.sequence, text: '' } };
}
