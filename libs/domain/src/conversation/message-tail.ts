// The newest messages of a conversation, dense and ending at its head, bounded by count and bytes. Readers get them
// from here before the history store has caught up.
import { utf8Bytes } from '@parley/std';
import type { ConversationLimits } from './conversation-limits.ts';
import type { LogMessage } from './log-message.ts';
import { type MessageChange, applyChange, withoutContent } from './message-change.ts';
import { type RichContent, richBytes } from './rich-content.ts';

export interface MessageTail {
  readonly messages: LogMessage[];
  bytes: number;
}

type TailLimits = Pick<ConversationLimits, 'tailCountMax' | 'tailBytesMax'>;

export const emptyTail = (): MessageTail => ({ messages: [], bytes: 0 });

export function appendToTail(tail: MessageTail, message: LogMessage, limits: TailLimits): void {
  tail.messages.push(message);
  tail.bytes += memoryBytes(message);
  while (
    tail.messages.length > 1 &&
    (tail.messages.length > limits.tailCountMax || tail.bytes > limits.tailBytesMax)
  ) {
    const dropped = tail.messages.shift();
    if (dropped !== undefined) tail.bytes -= memoryBytes(dropped);
  }
}

/** The part of `from` … `to` (both included) that is still here. */
export function tailSlice(tail: MessageTail, from: number, to: number): readonly LogMessage[] {
  const first = tail.messages[0]?.sequence ?? 1;
  return tail.messages.slice(Math.max(0, from - first), Math.max(0, to - first + 1));
}

/** The message at `sequence`, when it is still here. */
export const tailMessage = (tail: MessageTail, sequence: number): LogMessage | undefined =>
  tail.messages[sequence - (tail.messages[0]?.sequence ?? 1)];

/** A message that is still here becomes what the change makes of it; a recall empties earlier edits as well. */
export function changeTail(tail: MessageTail, change: MessageChange, element: LogMessage): void {
  const target = tailMessage(tail, change.target);
  if (target !== undefined) replace(tail, applyChange(target, element));
  if (!change.isRecall) return;
  for (const each of tail.messages) {
    if (each.edited?.sequence === change.target) replace(tail, withoutContent(each));
  }
}

function replace(tail: MessageTail, message: LogMessage): void {
  const index = message.sequence - tail.messages[0]!.sequence;
  tail.bytes += memoryBytes(message) - memoryBytes(tail.messages[index]!);
  tail.messages[index] = message;
}

export function restoreTail(messages: readonly LogMessage[], limits: TailLimits): MessageTail {
  const tail = emptyTail();
  for (const message of messages) appendToTail(tail, message, limits);
  return tail;
}

/** What an object with its fields takes beside its text, roughly. */
const overheadBytes = 160;

function memoryBytes(message: LogMessage): number {
  if (message.text !== undefined) return contentBytes(message.text, message.rich);
  if (message.edited !== undefined) return contentBytes(message.edited.text, message.edited.rich);
  const change = message.system;
  if (change?.type !== 'GroupCreated' && change?.type !== 'MembersAdded') return overheadBytes;
  return change.members.reduce((sum, member) => sum + member.length + 16, overheadBytes);
}

const contentBytes = (text: string, rich: RichContent | undefined): number =>
  overheadBytes + utf8Bytes(text) + (rich === undefined ? 0 : richBytes(rich));
