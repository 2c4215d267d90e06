// Whom messages mention, as edits and recalls leave them: what a group remembers of its newest messages, and what an
// inbox entry tells its user.
import type { LogMessage } from './log-message.ts';
import { changeIn } from './message-change.ts';

/** Whom the message at `sequence` mentions now. */
export interface Mentioning {
  readonly sequence: number;
  readonly users: readonly string[];
  readonly all: boolean;
}

/** By sequence of the message, in the order they came to mention somebody. Undefined before the first. */
export type Mentionings = Map<number, Mentioning> | undefined;

export const isMentioned = ({ users, all }: Mentioning, user: string): boolean => all || users.includes(user);

/**
 * Whom a message mentions from this element of the log on: the one itself, or the one it edits. Undefined: nobody, so an
 * edit (or a recall) without takes earlier mentions away.
 */
export function mentioningIn({ sequence, rich, edited }: LogMessage): Mentioning | undefined {
  const { mentions, mentionsAll } = (edited === undefined ? rich : edited.rich) ?? {};
  if (mentions === undefined || mentionsAll === undefined || (mentions.length === 0 && !mentionsAll))
    return undefined;
  return { sequence: edited?.sequence ?? sequence, users: mentions, all: mentionsAll };
}

/** Takes an element of the log in; beyond `countMax` the oldest is forgotten. */
export function rememberMentions(known: Mentionings, element: LogMessage, countMax: number): Mentionings {
  known?.delete(changeIn(element)?.target ?? element.sequence);
  const mentioning = mentioningIn(element);
  if (mentioning === undefined) return known?.size === 0 ? undefined : known;
  const kept: Map<number, Mentioning> = known ?? new Map<number, Mentioning>();
  kept.set(mentioning.sequence, mentioning);
  if (kept.size > countMax) for (const oldest of kept.keys()) return (kept.delete(oldest), kept);
  return kept;
}

export const restoreMentions = (list: readonly Mentioning[]): Mentionings =>
  list.length === 0 ? undefined : new Map(list.map((each) => [each.sequence, each]));

/** Sequences after `read` that mention `user`, rising. */
export function mentionsOf(known: Mentionings, user: string, read: number): readonly number[] {
  if (known === undefined) return [];
  const found: number[] = [];
  for (const each of known.values())
    if (each.sequence > read && isMentioned(each, user)) found.push(each.sequence);
  return found.sort((one, other) => one - other);
}
