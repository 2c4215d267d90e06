// The elements of a conversation's log, as the replay looks at them.
import type { LogMessage } from '@parley/domain';

/** What happens by itself once the element before it is played. */
export function isAutomatic({ sender, system }: LogMessage, before: LogMessage | undefined): boolean {
  const leaver = before?.system?.type === 'MemberLeft' ? before.sender : undefined;
  switch (system?.type) {
    case 'DiffusionChanged':
      return true;
    case 'RoleChanged':
      // Who hands a group over steps down; who leaves it hands it over.
      return system.member === sender || sender === leaver;
    case 'GroupDismissed':
      return sender === leaver;
    default:
      return false;
  }
}

/** Everybody who does something, or to whom something is done. */
export function peopleOf(elements: readonly LogMessage[]): Set<string> {
  const people = new Set<string>();
  for (const { sender, system } of elements) {
    if (sender !== '') people.add(sender);
    if (system !== undefined && 'members' in system) for (const member of system.members) people.add(member);
    if (system !== undefined && 'member' in system) people.add(system.member);
  }
  return people;
}

/** What must be equal in both logs, without numbers and times. */
export const contentOf = ({ sender, text, system }: LogMessage): string =>
  JSON.stringify({ sender, text, system: system && sorted(system) });

const sorted = (change: object): object =>
  Object.fromEntries(Object.entries(change).toSorted(([one], [other]) => (one < other ? -1 : 1)));

/** For people: `text`, or `MembersAdded`. Never what was written. */
export const kindOf = ({ system }: LogMessage): string => system?.type ?? 'text';
