// How decisions of a group become events: each takes the next sequence of the conversation, so the i-th event of a decision
// has sequence head + 1 + i.
import { type Decision, accepted } from '@parley/std';
import { done } from '../conversation/done.ts';
import type { GroupReply } from './group-command.ts';
import type { GroupEvent, LoggedGroupEvent } from './group-event.ts';
import type { GroupState } from './group-state.ts';

export type GroupDecision = Decision<GroupEvent, GroupReply>;

/** An event before it has got its sequence and time. */
export type Fact = {
  [T in LoggedGroupEvent as T['type']]: Omit<T, 'sequence' | 'atMs'>;
}[LoggedGroupEvent['type']];

export function facts(state: GroupState, nowMs: number, list: readonly Fact[]): GroupDecision {
  const first = state.log.head + 1;
  const events = list.map((fact, index): LoggedGroupEvent => ({
    ...fact,
    sequence: first + index,
    atMs: nowMs,
  }));
  return accepted<GroupEvent, GroupReply>(events, done);
}
