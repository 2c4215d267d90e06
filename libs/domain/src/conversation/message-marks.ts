// What people have put on messages: emojis and pins. The owner of the conversation remembers who did, because each person
// puts one emoji on a message once; everybody else is told counts. Bounded: reactions of the oldest messages are forgotten.
import type { ConversationLimits } from './conversation-limits.ts';

/** Undefined in a log without any, which are most. */
export interface MessageMarks {
  /** By the sequence of the message. */
  readonly reactions: Map<number, MessageReactions>;
  /** Pairs of person and emoji in `reactions`. */
  reactionCount: number;
  /** Reactions of messages up to this sequence have been forgotten, and take no new ones. */
  forgotten: number;
  /** Sequences of pinned messages, the newest pin last. */
  pinned: readonly number[];
}

export interface MessageReactions {
  readonly target: number;
  /** Sequence of the newest element that told of them; 0 before the first. */
  revision: number;
  /** How many there were when that was told. */
  announced: number;
  count: number;
  /** Who, by emoji; in the order the emojis came. */
  readonly people: Map<string, Set<string>>;
}

export interface EmojiCount {
  readonly emoji: string;
  readonly count: number;
}

/** What a snapshot keeps of the reactions to one message. */
export interface ReactionsSnapshot {
  readonly target: number;
  readonly revision: number;
  readonly announced: number;
  readonly emojis: readonly { readonly emoji: string; readonly users: readonly string[] }[];
}

export interface MarksSnapshot {
  readonly reactions: readonly ReactionsSnapshot[];
  readonly reactionsForgotten: number;
  readonly pinned: readonly number[];
}

/** The emojis of one message as one reader sees them, shaped like parley.internal.v1.ShownReactions. */
export interface ShownReactions {
  readonly target: number;
  readonly revision: number;
  readonly reactions: readonly (EmojiCount & { readonly own: boolean; readonly users: readonly string[] })[];
}

type MarkLimits = Pick<ConversationLimits, 'reactedMessagesMax' | 'reactionsMax'>;

export const noMarks = (): MessageMarks => ({
  reactions: new Map(),
  reactionCount: 0,
  forgotten: 0,
  pinned: [],
});

export const countsOf = (reactions: MessageReactions | undefined): readonly EmojiCount[] =>
  [...(reactions?.people ?? [])].map(([emoji, users]) => ({ emoji, count: users.size }));

/** Puts one emoji of one person on a message or takes it away. `sequence` of the element that tells of it; 0: none does. */
export function changeReaction(
  marks: MessageMarks,
  change: { target: number; by: string; emoji: string; isRemoved: boolean; sequence: number },
  limits: MarkLimits,
): void {
  const { target, by, emoji, isRemoved, sequence } = change;
  const reactions = marks.reactions.get(target) ?? newReactions(target);
  const users = reactions.people.get(emoji) ?? new Set<string>();
  const before = users.size;
  if (isRemoved) users.delete(by);
  else users.add(by);
  if (users.size === 0) reactions.people.delete(emoji);
  else reactions.people.set(emoji, users);
  reactions.count += users.size - before;
  marks.reactionCount += users.size - before;
  if (sequence > 0) {
    reactions.revision = sequence;
    reactions.announced = reactions.count;
  }
  // One that lost its last emoji is kept: its revision tells readers of older copies that nothing is left.
  marks.reactions.set(target, reactions);
  while (marks.reactions.size > limits.reactedMessagesMax || marks.reactionCount > limits.reactionsMax) {
    if (!forgetOldest(marks)) return;
  }
}

/** A recalled message has nothing on it. */
export function clearMarks(marks: MessageMarks | undefined, target: number): void {
  if (marks === undefined) return;
  marks.reactionCount -= marks.reactions.get(target)?.count ?? 0;
  marks.reactions.delete(target);
  marks.pinned = marks.pinned.filter((each) => each !== target);
}

/** How many of those who have put an emoji on a message a reader is told by name. */
const namedUsersMax = 20;
/**
 * What reactions may add to an answer, bytes, roughly. Beyond half of it nobody is named, beyond all of it the older messages
 * come without: only a conversation whose members mean harm gets there.
 */
const shownBytesMax = 262_144;
const aroundEmoji = 16;

/** What a reader sees of the messages `from` … `to`, both ends included; the newest message first. */
export function shownReactions(
  marks: MessageMarks | undefined,
  { reader, from, to }: { readonly reader: string; readonly from: number; readonly to: number },
): readonly ShownReactions[] {
  if (marks === undefined) return nothingShown;
  const targets = [...marks.reactions.keys()].filter((target) => target >= from && target <= to);
  const shown: ShownReactions[] = [];
  let bytes = 0;
  for (const target of targets.sort((one, other) => other - one)) {
    const { revision, people } = marks.reactions.get(target)!;
    const namedMax = bytes > shownBytesMax / 2 ? 0 : namedUsersMax;
    const reactions = [...people].map(([emoji, users]) => {
      const named = firstOf(users, namedMax);
      bytes += aroundEmoji + emoji.length * 3 + named.reduce((sum, user) => sum + user.length + 2, 0);
      return { emoji, count: users.size, own: users.has(reader), users: named };
    });
    if (bytes > shownBytesMax) break;
    shown.push({ target, revision, reactions });
  }
  return shown;
}

const nothingShown: readonly ShownReactions[] = [];

/** Undefined when there is nothing to keep. */
export function snapshotOfMarks(marks: MessageMarks | undefined): MarksSnapshot | undefined {
  if (marks === undefined) return undefined;
  const reactions = [...marks.reactions.values()].map(({ target, revision, announced, people }) => ({
    target,
    revision,
    announced,
    emojis: [...people].map(([emoji, users]) => ({ emoji, users: [...users] })),
  }));
  return { reactions, reactionsForgotten: marks.forgotten, pinned: marks.pinned };
}

export function restoreMarks(snapshot: MarksSnapshot | undefined): MessageMarks | undefined {
  if (snapshot === undefined) return undefined;
  const marks = { ...noMarks(), forgotten: snapshot.reactionsForgotten, pinned: snapshot.pinned };
  for (const { target, revision, announced, emojis } of snapshot.reactions) {
    const people = new Map(emojis.map(({ emoji, users }) => [emoji, new Set(users)]));
    const count = emojis.reduce((sum, { users }) => sum + users.length, 0);
    marks.reactions.set(target, { target, revision, announced, count, people });
    marks.reactionCount += count;
  }
  return marks;
}

const newReactions = (target: number): MessageReactions => ({
  target,
  revision: 0,
  announced: 0,
  count: 0,
  people: new Map(),
});

/** The oldest message, so that all that are forgotten lie before all that are not. False: only one is left. */
function forgetOldest(marks: MessageMarks): boolean {
  if (marks.reactions.size <= 1) return false;
  const oldest = Math.min(...marks.reactions.keys());
  marks.reactionCount -= marks.reactions.get(oldest)!.count;
  marks.reactions.delete(oldest);
  marks.forgotten = oldest;
  return true;
}

function firstOf(users: ReadonlySet<string>, countMax: number): string[] {
  const first: string[] = [];
  for (const user of users) {
    if (first.length === countMax) break;
    first.push(user);
  }
  return first;
}
