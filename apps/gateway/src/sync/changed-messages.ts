// Brings messages up to the edits and recalls that came after them. Copies of a message are everywhere (cache, Redis,
// ClickHouse), and a change reaches them one after another; the change itself is an element of the log and never changes,
// so whoever knows of it applies it here.
import { applyChange, withoutContent } from '@parley/domain';
import { type parley, fromWireMessage, toWireMessage } from '@parley/protocol';

export type Message = parley.v1.Message.$Properties;
export type Change = parley.internal.v1.Change.$Properties;

/** The message as the change leaves it; as it is, when it has seen this change or a newer one. */
export function changedBy(message: Message, element: Message): Message {
  const before = fromWireMessage(message as parley.v1.Message);
  const after = applyChange(before, fromWireMessage(element as parley.v1.Message));
  return after === before ? message : toWireMessage(after);
}

/** An edit whose message was recalled says nothing any more. */
export const emptied = (element: Message): Message =>
  toWireMessage(withoutContent(fromWireMessage(element as parley.v1.Message)));

/** A recall says all there is to say about it. */
export const elementOfRecall = ({ target, sequence, atMs }: Change): Message => ({
  sequence,
  sentAtMs: atMs,
  recalled: { sequence: target },
});

const isBehind = (message: Message | undefined, change: Change): message is Message =>
  message?.text != null && (message.revision ?? 0) < (change.sequence ?? 0);

/** Edits that have to be read before `messages` can be brought up to `changes`. */
export function editsToRead(messages: ReadonlyMap<number, Message>, changes: readonly Change[]): number[] {
  return changes
    .filter((change) => !change.isRecall && isBehind(messages.get(change.target ?? 0), change))
    .map(({ sequence }) => sequence ?? 0)
    .filter((sequence) => !messages.has(sequence));
}

/** `messages` as `changes` and `edits` leave them, by sequence. */
export function broughtUp(
  messages: ReadonlyMap<number, Message>,
  changes: readonly Change[],
  edits: ReadonlyMap<number, Message>,
): Map<number, Message> {
  const now = new Map(messages);
  const recalled = new Set<number>();
  for (const change of changes) {
    const target = change.target ?? 0;
    if (change.isRecall) recalled.add(target);
    const message = now.get(target);
    if (!isBehind(message, change)) continue;
    const sequence = change.sequence ?? 0;
    const element = change.isRecall
      ? elementOfRecall(change)
      : (edits.get(sequence) ?? messages.get(sequence));
    if (element !== undefined) now.set(target, changedBy(message, element));
  }
  for (const [sequence, message] of now) {
    const target = message.edited?.sequence ?? 0;
    if (target > 0 && (recalled.has(target) || now.get(target)?.isRecalled))
      now.set(sequence, emptied(message));
  }
  return now;
}
