// Whom messages mention, in events, commands and snapshots.
import type { Mentioning } from '@parley/domain';
import { list, listOf, plain } from './shape.ts';

export const readMentions = listOf<Mentioning>({ sequence: plain, users: list, all: plain });

/** An empty list leaves no key behind. */
export const mentionsOrAbsent = (messages: readonly object[]): readonly Mentioning[] | undefined =>
  messages.length === 0 ? undefined : readMentions(messages);
