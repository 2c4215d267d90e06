// Reading the newest part of a conversation from its owner's memory.
import type { ConversationLog } from './conversation-log.ts';
import type { LogMessage } from './log-message.ts';
import type { MessageChange, MessageChanges } from './message-change.ts';
import { type ShownReactions, shownReactions } from './message-marks.ts';
import { tailSlice } from './message-tail.ts';
import { type Span, isReadable, readableHead } from './span.ts';

export interface LogPage {
  /** What is still in memory of the wanted range; within one span a dense run that ends at min(to, head). */
  readonly messages: readonly LogMessage[];
  /** Newest sequence the reader may see. */
  readonly head: number;
  readonly spans: readonly Span[];
  /** The newest changes of messages in the range, and of messages whose changes stand in it, as far as remembered. */
  readonly changes: readonly MessageChange[];
  /** As many as may be are remembered: older changes may be missing in `changes`. */
  readonly forgetsChanges: boolean;
  /** Of messages in the range, as the reader sees them. */
  readonly reactions: readonly ShownReactions[];
  /** Sequences of pinned messages the reader may see, the newest pin last. */
  readonly pinned: readonly number[];
}

/** `to` 0 means up to the head. */
export function logPage(
  log: ConversationLog,
  spans: readonly Span[],
  range: { readonly reader: string; readonly from: number; readonly to: number },
): LogPage {
  const head = readableHead(spans, log.head);
  const to = range.to === 0 ? head : Math.min(range.to, head);
  const messages = tailSlice(log.tail, range.from, to).filter((message) =>
    isReadable(spans, message.sequence),
  );
  const forgetsChanges = (log.changes?.size ?? 0) >= log.limits.changesMax;
  return {
    messages,
    head,
    spans,
    changes: changesIn(log.changes, range.from, to),
    forgetsChanges,
    reactions: shownReactions(log.marks, { reader: range.reader, from: range.from, to }),
    pinned: (log.marks?.pinned ?? none).filter((sequence) => isReadable(spans, sequence)),
  };
}

function changesIn(changes: MessageChanges, from: number, to: number): readonly MessageChange[] {
  if (changes === undefined) return none;
  const isIn = (sequence: number): boolean => sequence >= from && sequence <= to;
  return [...changes.values()].filter(({ target, sequence }) => isIn(target) || isIn(sequence));
}

const none: readonly never[] = [];
