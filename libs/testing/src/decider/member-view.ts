// What one member of a group comes to see, computed as a client does it: inbox entries while the group is small, the
// group's own log while it is large, from the entry on that says so.
import { Diffusion, type EntryAppended, Membership, type UserEvent } from '@parley/domain';

export interface SeenSpan {
  readonly from: number;
  /** 0 while a member. */
  readonly to: number;
  /** Sequences seen, in the order of seeing. */
  readonly seen: readonly number[];
}

/** `head` is the newest sequence of the group; `events` are the user's own facts, in order. */
export function memberView(
  events: readonly UserEvent[],
  conversation: string,
  head: number,
): readonly SeenSpan[] {
  const spans: { from: number; to: number; seen: number[] }[] = [];
  let diffusion: Diffusion = Diffusion.WRITE;
  let readSince = 0;
  const readLog = (to: number): void => {
    for (let sequence = readSince + 1; sequence <= to; sequence++) spans.at(-1)?.seen.push(sequence);
  };
  for (const entry of events.filter((event) => isEntryOf(event, conversation))) {
    if (entry.membership === Membership.JOINED) spans.push({ from: entry.sequence, to: 0, seen: [] });
    else if (diffusion === Diffusion.READ) readLog(entry.sequence - 1);
    const span = spans.at(-1);
    if (span === undefined) throw new Error('an entry before joining');
    span.seen.push(entry.sequence);
    if (entry.diffusion !== Diffusion.UNSPECIFIED) diffusion = entry.diffusion;
    readSince = entry.sequence;
    if (entry.membership === Membership.LEFT) {
      span.to = entry.sequence;
      diffusion = Diffusion.WRITE;
    }
  }
  if (spans.at(-1)?.to === 0 && diffusion === Diffusion.READ) readLog(head);
  return spans;
}

const isEntryOf = (event: UserEvent, conversation: string): event is EntryAppended =>
  event.type === 'EntryAppended' && event.conversation === conversation;
