// What is compared of a message: conversation, sequence, sender, client message id, time, and the text or the change of the
// group; with what it carries beside its text and the newest edit or recall, where there is any. Any client can compute it; see "Proof" in docs/operations.md. Golden test: devices have it in their files.
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
      whatItSays(message),
      ...moreOf(message),
    ]),
  );

/** Of an edit only what it is about: its text is that of its message, or was taken back with it. */
function whatItSays({ text, system, edited, recalled }: LogMessage): unknown {
  if (system !== undefined) return deepSorted(system);
  if (edited !== undefined) return { edited: edited.sequence };
  return recalled === undefined ? (text ?? '') : { recalled: recalled.sequence };
}

/** What a plain text as it was sent does not have. */
function moreOf({ text, rich, revision = 0, isRecalled = false }: LogMessage): readonly unknown[] {
  if (text === undefined || (rich === undefined && revision === 0)) return [];
  return [rich === undefined ? {} : deepSorted(rich), revision, isRecalled];
}

function deepSorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(deepSorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(sortedFields(value)).map(([name, field]) => [name, deepSorted(field)]);
  return Object.fromEntries(fields) as object;
}

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
    JSON.stringify(moreOf(one)) !== JSON.stringify(moreOf(other)) && 'content or revision',
    JSON.stringify(sortedFields(one.system ?? {})) !== JSON.stringify(sortedFields(other.system ?? {})) &&
      'change',
  ];
  return fields.filter((field) => field !== false).join(', ') || 'something';
}
