// What those may read who become members now.
import type { MembersAdded } from './group-event.ts';
import type { Fact } from './group-facts.ts';
import type { GroupState } from './group-state.ts';

/**
 * Where the group shows what was said before, newcomers see all of it, and who comes back also what was said meanwhile: what
 * was hidden from them when they came first stays hidden.
 */
export function membersAdded(
  state: GroupState,
  added: Pick<MembersAdded, 'by' | 'members' | 'invite'>,
): Fact {
  const fact = { type: 'MembersAdded', ...added } as const;
  if (!state.settings.historyVisible) return fact;
  return {
    ...fact,
    firstVisible: added.members.map((user) => (state.endedSpans.get(user)?.at(-1)?.to ?? 0) + 1),
  };
}
