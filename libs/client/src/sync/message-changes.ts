// What edits and recalls make of messages. They are elements of the log themselves, so they come in order and none is
// missed; the message they are about may be far back, or not be here at all.
import type { Message, Reaction } from '../frames.ts';
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
  if (!edited) return { ...changed, text: '', rich: null, reactions: [], isRecalled: true };
  return { ...changed, text: edited.text ?? '', rich: edited.rich ?? null };
}

/** The sequence of the message an element puts an emoji or a pin on; undefined for everything else. */
export function markedBy({ system }: Message): number | undefined {
  const mark = system?.messageReacted ?? system?.messagePinned ?? system?.messageUnpinned;
  return mark == null ? undefined : (mark.sequence ?? 0);
}

/** The message with the emojis it has from `element` on, as `user` sees them. */
export function reactedBy(message: Message, element: Message, user: string): Message {
  const reacted = element.system?.messageReacted;
  if (!reacted || (reacted.sequence ?? 0) !== message.sequence || message.text == null) return message;
  if ((message.reactionsRevision ?? 0) >= element.sequence || message.isRecalled) return message;
  const before = new Map((message.reactions ?? []).map((each) => [each.emoji, each]));
  const reactions = (reacted.reactions ?? []).map(({ emoji = '', count = 0 }): Reaction => {
    const { own = false, users = [] } = before.get(emoji ?? '') ?? {};
    const isMeant = emoji === reacted.emoji;
    const others = isMeant ? users.filter((each) => each !== element.sender) : users;
    return {
      emoji: emoji ?? '',
      count: count ?? 0,
      own: isMeant && element.sender === user ? !reacted.isRemoved : own,
      users: isMeant && !reacted.isRemoved ? [...others, element.sender].slice(0, namedUsersMax) : others,
    };
  });
  return { ...message, reactions, reactionsRevision: element.sequence };
}

/** As many as the server names. */
const namedUsersMax = 20;
/** Whether the message an element is about (the one itself, or the one it changes) mentions `user` from now on. */
export function mentionsIn(
  element: Message,
  user: string,
): { readonly sequence: number; readonly isMentioned: boolean } | undefined {
  const target = targetOf(element);
  const rich = target === undefined ? element.rich : element.edited?.rich;
  const isMentioned = Boolean(rich?.mentionsAll) || (rich?.mentions?.includes(user) ?? false);
  if (target !== undefined) return { sequence: target, isMentioned };
  return isMentioned ? { sequence: element.sequence, isMentioned } : undefined;
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
export function broughtUp(
  page: readonly Message[],
  segments: readonly Segment[],
  user: string,
): readonly Message[] {
  const targets = new Set(page.map(({ sequence }) => sequence));
  const changes = segments
    .flatMap(({ messages }) => messages)
    .filter((message) => targets.has(targetOf(message) ?? markedBy(message) ?? 0));
  return changes.length === 0
    ? page
    : page.map((message) =>
        changes.reduce((each, element) => reactedBy(changedBy(each, element), element, user), message),
      );
}
