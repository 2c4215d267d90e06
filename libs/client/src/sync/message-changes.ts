// What edits and recalls make of messages. They are elements of the log themselves, so they come in order and none is
// missed; the message they are about may be far back, or not be here at all.
import type { Message } from '../frames.ts';
import type { Segment } from '../store/client-store.ts';

/** The sequence of the message an edit or a recall is about; undefined for everything else. */
export const targetOf = ({ edited, recalled }: Message): number | undefined =>
  edited?.sequence ?? recalled?.sequence ?? undefined;

/** The message as `element` leaves it. One that has seen this change or a newer one, or is not meant, stays as it is. */
export function changedBy(message: Message, element: Message): Message {
  if (message.text == null || targetOf(element) !== message.sequence) return message;
  if ((message.revision ?? 0) >= element.sequence) return message;
  const changed = { ...message, revision: element.sequence, changedAtMs: element.sentAtMs };
  const { edited } = element;
  if (!edited) return { ...changed, text: '', rich: null, isRecalled: true };
  return { ...changed, text: edited.text ?? '', rich: edited.rich ?? null };
}

/** The message at a sequence, wherever it is held. */
export function messageIn(segments: readonly Segment[], sequence: number): Message | undefined {
  for (const { first, messages } of segments) {
    const message = messages[sequence - first];
    if (message?.sequence === sequence) return message;
  }
  return undefined;
}

/** A page of older messages may have been read before the changes that are held already. */
export function broughtUp(page: readonly Message[], segments: readonly Segment[]): readonly Message[] {
  const targets = new Set(page.map(({ sequence }) => sequence));
  const changes = segments
    .flatMap(({ messages }) => messages)
    .filter((message) => targets.has(targetOf(message) ?? 0));
  return changes.length === 0 ? page : page.map((message) => changes.reduce(changedBy, message));
}
