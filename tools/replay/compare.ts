// The original against what the replay made of it.
import type { LogMessage } from '@parley/domain';
import type { PastState } from './past-reader.ts';
import { contentOf, kindOf } from './elements.ts';

export interface Difference {
  readonly code: 'refused' | 'different' | 'missing' | 'extra' | 'state';
  /** In the original log; of `extra`, in the replayed one. 0: of `state`. */
  readonly sequence: number;
  /** Without content. */
  readonly what: string;
}

/** `expected`: the window without what was refused. Elements meet in order. */
export function compareLogs(expected: readonly LogMessage[], replayed: readonly LogMessage[]): Difference[] {
  const differences: Difference[] = [];
  expected.forEach((original, index) => {
    const { sequence } = original;
    const other = replayed[index];
    if (other === undefined)
      differences.push({ code: 'missing', sequence, what: `${kindOf(original)} of ${original.sender}` });
    else if (contentOf(original) !== contentOf(other))
      differences.push({ code: 'different', sequence, what: differenceOf(original, other) });
  });
  for (const { sequence, ...rest } of replayed.slice(expected.length))
    differences.push({ code: 'extra', sequence, what: kindOf({ sequence, ...rest }) });
  return differences;
}

/** What the group was at the end of the window. */
export function compareStates(original: PastState, replayed: PastState): Difference[] {
  const fields = ['title', 'diffusion', 'isDismissed', 'memberCount'] as const;
  const whats: string[] = fields.filter((field) => original[field] !== replayed[field]);
  const others = new Map(replayed.members.map((member) => [member.user, member]));
  for (const { user, role, mutedUntilMs } of original.members) {
    const other = others.get(user);
    if (other?.role !== role) whats.push(`role of ${user}`);
    else if (other.mutedUntilMs !== mutedUntilMs) whats.push(`mute of ${user}`);
  }
  return whats.map((what) => ({ code: 'state', sequence: 0, what }));
}

function differenceOf(original: LogMessage, other: LogMessage): string {
  if (kindOf(original) !== kindOf(other)) return `${kindOf(original)} became ${kindOf(other)}`;
  if (original.sender !== other.sender) return `sender ${original.sender} became ${other.sender}`;
  return original.text === other.text ? `other fields of ${kindOf(original)}` : 'another text';
}
