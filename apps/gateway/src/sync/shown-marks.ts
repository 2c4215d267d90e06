// Reactions and pins in a page. They are no part of a message's bytes anywhere: its owner tells with each page what the
// asker sees of them now, so copies in caches and in the history never show older ones.
import type { parley } from '@parley/protocol';
import type { Message } from './changed-messages.ts';

type ShownReactions = parley.internal.v1.ShownReactions.$Properties;

/** The messages with the reactions their owner knows of. */
export function withReactions(
  messages: readonly Message[],
  shown: readonly ShownReactions[],
): readonly Message[] {
  if (shown.length === 0) return messages;
  const byTarget = new Map(shown.map((each) => [each.target ?? 0, each]));
  return messages.map((message) => {
    const found = byTarget.get(message.sequence ?? 0);
    if (found === undefined || message.text == null || message.isRecalled) return message;
    return { ...message, reactions: found.reactions ?? [], reactionsRevision: found.revision ?? 0 };
  });
}
