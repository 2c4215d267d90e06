// What is compared of a message: conversation, sequence, sender, client message id, time, and the text or the change of the
// group. Any client can compute it; see "Proof" in docs/operations.md. Golden test: devices have it in their files.
import { hash } from 'node:crypto';
import type { LogMessage } from '@parley/domain';

/** Hexadecimal digits of SHA-256 kept. */
const digitsKept = 16;

export const digestOf = (text: string): string => hash('sha256', text, 'hex').slice(0, digitsKept);

export const messageDigest = (message: LogMessage): string =>
  digestOf(
    JSON.stringify([
      message.conversation,
      message.sequence,
      message.sender,
      message.clientMessageId,
      message.sentAtMs,
      message.system === undefined ? (message.text ?? '') : sortedFields(message.system),
    ]),
  );

const sortedFields = (value: object): object =>
  Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));

/** The digest of a whole conversation or inbox: each element's digest goes into the next one. */
export class Chain {
  count = 0;
  value = digestOf('');

  add(element: string): void {
    this.count++;
    this.value = digestOf(this.value + element);
  }
}

/** In words, what two messages of one sequence differ in. Never their contents. */
export function differenceBetween(one: LogMessage, other: LogMessage): string {
  const fields = [
    one.sender !== other.sender && 'sender',
    one.clientMessageId !== other.clientMessageId && 'client message id',
    one.sentAtMs !== other.sentAtMs && 'time',
    (one.text ?? '') !== (other.text ?? '') && 'text',
    JSON.stringify(sortedFields(one.system ?? {})) !== JSON.stringify(sortedFields(other.system ?? {})) &&
      'change',
  ];
  return fields.filter((field) => field !== false).join(', ') || 'something';
}
