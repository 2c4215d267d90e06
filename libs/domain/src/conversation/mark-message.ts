// The rules of putting emojis on messages and of pinning messages, in every conversation. Both repeat themselves safely:
// what is so already is answered as done. The message is found as for edits: in the tail, or read by the gateway.
import { type Decision, type Refused, accepted, refused, utf8Bytes } from '@parley/std';
import { findTarget } from './change-message.ts';
import type { ConversationLog } from './conversation-log.ts';
import { type Done, done, nothingToDo } from './done.ts';
import type { LogMessage } from './log-message.ts';
import {
  type EmojiCount,
  type MessageReactions,
  changeReaction,
  countsOf,
  noMarks,
} from './message-marks.ts';

export interface ReactToMessage {
  readonly type: 'ReactToMessage';
  readonly sender: string;
  /** Of the message. */
  readonly sequence: number;
  readonly emoji: string;
  readonly isRemoved: boolean;
  /** That message, as the gateway has read it for the sender; its text is not needed. */
  readonly target?: LogMessage;
}

export interface PinMessage {
  readonly type: 'PinMessage';
  readonly sender: string;
  /** Of the message. */
  readonly sequence: number;
  readonly isRemoved: boolean;
  readonly target?: LogMessage;
}

export interface MessageReacted {
  readonly type: 'MessageReacted';
  /** 0: it is not announced, so takes none. */
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  /** Sequence of the message. */
  readonly target: number;
  readonly emoji: string;
  readonly isRemoved: boolean;
  /** All emojis of the message from here on. */
  readonly counts: readonly EmojiCount[];
}

export interface MessagePinned {
  readonly type: 'MessagePinned';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  readonly target: number;
}

export interface MessageUnpinned {
  readonly type: 'MessageUnpinned';
  readonly sequence: number;
  readonly by: string;
  readonly atMs: number;
  readonly target: number;
}

export type MarkEvent = MessageReacted | MessagePinned | MessageUnpinned;

interface Place {
  readonly nowMs: number;
  /** Which messages the sender may see. */
  canRead(sequence: number): boolean;
}

/**
 * `isQuiet`: where everybody reads the log itself, an element for each of 100,000 reactions would bury what people write. Then
 * only those are announced with which the count has changed by an eighth: the ninetieth element tells of the
 * 100,000th reaction. Pages tell exact counts always.
 */
export function decideReact(
  log: ConversationLog,
  command: ReactToMessage,
  { nowMs, canRead, isQuiet }: Place & { readonly isQuiet: boolean },
): Decision<MessageReacted, Done> {
  const { sender, sequence: target, emoji, isRemoved } = command;
  const flaw = flawOfEmoji(emoji, log.limits.emojiBytesMax);
  if (flaw !== undefined) return flaw;
  const message = findTarget(log, command, canRead);
  if ('accepted' in message) return message;
  const known = log.marks?.reactions.get(target);
  if (known === undefined && target <= (log.marks?.forgotten ?? 0)) return refused('TOO_LATE');
  const has = known?.people.get(emoji)?.has(sender) === true;
  if (has === !isRemoved) return nothingToDo;
  const full = isRemoved ? undefined : refusalOfFull(log, known, emoji);
  if (full !== undefined) return full;
  const counts = countsAfter(known, emoji, isRemoved ? -1 : 1);
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const isTold = !isQuiet || Math.abs(total - (known?.announced ?? 0)) * 8 >= total;
  const sequence = isTold ? log.head + 1 : 0;
  const event = { type: 'MessageReacted', sequence, by: sender, atMs: nowMs, target } as const;
  return accepted([{ ...event, emoji, isRemoved, counts }], done);
}

export function decidePin(
  log: ConversationLog,
  command: PinMessage,
  { nowMs, canRead }: Place,
): Decision<MessagePinned | MessageUnpinned, Done> {
  const { sender, sequence: target, isRemoved } = command;
  const pinned = log.marks?.pinned ?? [];
  const event = { sequence: log.head + 1, by: sender, atMs: nowMs, target };
  // What is pinned was a message when it was pinned: it need not be found to take the pin away.
  if (isRemoved) {
    return pinned.includes(target) ? accepted([{ type: 'MessageUnpinned', ...event }], done) : nothingToDo;
  }
  const message = findTarget(log, command, canRead);
  if ('accepted' in message) return message;
  if (pinned.includes(target)) return nothingToDo;
  const { pinnedMax } = log.limits;
  if (pinned.length >= pinnedMax) return refused('PINS_FULL', `At most ${pinnedMax} messages are pinned.`);
  return accepted([{ type: 'MessagePinned', ...event }], done);
}

export const isMark = (event: { readonly type: string }): event is MarkEvent =>
  event.type === 'MessageReacted' || event.type === 'MessagePinned' || event.type === 'MessageUnpinned';

/** The fact as an element of the log; undefined when it is not announced. */
export function elementOfMark(event: MarkEvent, conversation: string): LogMessage | undefined {
  const { sequence, by: sender, atMs: sentAtMs, target } = event;
  if (sequence === 0) return undefined;
  const head = { conversation, sequence, sender, clientMessageId: '', sentAtMs };
  if (event.type !== 'MessageReacted') return { ...head, system: { type: event.type, sequence: target } };
  const { type, emoji, isRemoved, counts: reactions } = event;
  return { ...head, system: { type, sequence: target, emoji, isRemoved, reactions } };
}

/** What the fact leaves in the memory of the owner. The element is appended by who holds the log. */
export function applyMark(log: ConversationLog, event: MarkEvent): void {
  const marks = (log.marks ??= noMarks());
  const { target } = event;
  if (event.type === 'MessageReacted') return changeReaction(marks, event, log.limits);
  const others = marks.pinned.filter((each) => each !== target);
  marks.pinned = event.type === 'MessagePinned' ? [...others, target] : others;
}

/** The message an element puts an emoji or a pin on: such elements are news, but nothing to be read. */
export function markedBy({ system }: LogMessage): number | undefined {
  if (system === undefined || !isMark(system)) return undefined;
  return (system as { readonly sequence: number }).sequence;
}

function flawOfEmoji(emoji: string, bytesMax: number): Refused | undefined {
  if (emoji === '') return refused('BAD_CONTENT', 'A reaction needs an emoji.');
  return utf8Bytes(emoji) > bytesMax
    ? refused('CONTENT_TOO_LARGE', `An emoji has at most ${bytesMax} bytes.`)
    : undefined;
}

function refusalOfFull(
  { limits }: ConversationLog,
  known: MessageReactions | undefined,
  emoji: string,
): Refused | undefined {
  if (known === undefined) return undefined;
  const { emojisPerMessageMax, reactionsPerMessageMax } = limits;
  if (!known.people.has(emoji) && known.people.size >= emojisPerMessageMax)
    return refused('REACTIONS_FULL', `At most ${emojisPerMessageMax} different emojis are on a message.`);
  return known.count >= reactionsPerMessageMax ? refused('REACTIONS_FULL') : undefined;
}

function countsAfter(known: MessageReactions | undefined, emoji: string, by: 1 | -1): readonly EmojiCount[] {
  const counts = new Map(countsOf(known).map((each) => [each.emoji, each.count]));
  counts.set(emoji, (counts.get(emoji) ?? 0) + by);
  return [...counts].filter(([, count]) => count > 0).map(([each, count]) => ({ emoji: each, count }));
}
