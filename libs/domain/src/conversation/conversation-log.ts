// The part of the state that direct conversations and groups share: the head of the dense sequence, the memory of
// client retries, and the newest messages.
import { assert } from '@parley/std';
import type { ConversationLimits } from './conversation-limits.ts';
import {
  type DedupeEntry,
  type DedupeWindow,
  dedupeEntries,
  emptyDedupe,
  rememberPosted,
  restoreDedupe,
} from './dedupe-window.ts';
import type { LogMessage } from './log-message.ts';
import type { MessageChange, MessageChanges } from './message-change.ts';
import {
  type MarksSnapshot,
  type MessageMarks,
  clearMarks,
  restoreMarks,
  snapshotOfMarks,
} from './message-marks.ts';
import { changeIn, rememberChange, restoreChanges } from './message-change.ts';
import { type MessageTail, appendToTail, changeTail, emptyTail, restoreTail } from './message-tail.ts';

export interface ConversationLog {
  readonly conversation: string;
  readonly limits: ConversationLimits;
  /** Sequence of the newest message; 0 while there is none. */
  head: number;
  readonly dedupe: DedupeWindow;
  readonly tail: MessageTail;
  changes: MessageChanges;
  /** Reactions and pins; undefined before the first. */
  marks: MessageMarks | undefined;
}

/** What a snapshot keeps of a log. */
export interface ConversationLogSnapshot {
  readonly head: number;
  readonly dedupe: readonly DedupeEntry[];
  readonly tail: readonly LogMessage[];
  readonly changes: readonly MessageChange[];
  readonly marks?: MarksSnapshot;
}

export const emptyLog = (conversation: string, limits: ConversationLimits): ConversationLog => ({
  conversation,
  limits,
  head: 0,
  dedupe: emptyDedupe(limits),
  tail: emptyTail(),
  changes: undefined,
  marks: undefined,
});

/** Takes the next message of the conversation into the state. */
export function appendToLog(log: ConversationLog, message: LogMessage): void {
  assert(message.sequence === log.head + 1, 'INV-2: sequences of a conversation are dense');
  log.head = message.sequence;
  appendToTail(log.tail, message, log.limits);
  if (message.text === undefined) noteChange(log, message);
  if (message.clientMessageId === '') return;
  const { sender, clientMessageId, sequence, sentAtMs } = message;
  rememberPosted(log.dedupe, { sender, clientMessageId, sequence, atMs: sentAtMs }, log.limits);
}

function noteChange(log: ConversationLog, element: LogMessage): void {
  const change = changeIn(element);
  if (change === undefined) return;
  log.changes = rememberChange(log.changes, change, log.limits);
  changeTail(log.tail, change, element);
  if (change.isRecall) clearMarks(log.marks, change.target);
}

/** The newest message, when it is the one at `sequence`: what has been made for the log need not be made again. */
export function newestAt(log: ConversationLog, sequence: number): LogMessage | undefined {
  const newest = log.tail.messages.at(-1);
  return newest?.sequence === sequence ? newest : undefined;
}

export function snapshotOfLog(log: ConversationLog): ConversationLogSnapshot {
  const marks = snapshotOfMarks(log.marks);
  return {
    head: log.head,
    dedupe: dedupeEntries(log.dedupe),
    tail: log.tail.messages,
    changes: [...(log.changes?.values() ?? [])],
    ...(marks && { marks }),
  };
}

export const restoreLog = (
  conversation: string,
  snapshot: ConversationLogSnapshot,
  limits: ConversationLimits,
): ConversationLog => ({
  conversation,
  limits,
  head: snapshot.head,
  dedupe: restoreDedupe(snapshot.dedupe, limits),
  tail: restoreTail(snapshot.tail, limits),
  changes: restoreChanges(snapshot.changes, limits),
  marks: restoreMarks(snapshot.marks),
});
