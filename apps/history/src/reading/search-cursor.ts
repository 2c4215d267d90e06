// The place in a search where the next page begins, as an opaque text. It grants nothing: every page is checked anew.
import { sqlInteger, sqlText } from '@parley/adapters';
import { BadRequest } from './bad-request.ts';

/** The newest-first order of hits: by time, conversation, sequence. */
export interface SearchKey {
  readonly atMs: number;
  readonly conversation: string;
  readonly sequence: number;
}

export const encodeCursor = ({ atMs, conversation, sequence }: SearchKey): string =>
  Buffer.from(JSON.stringify([atMs, conversation, sequence])).toString('base64url');

export function decodeCursor(cursor: string): SearchKey | undefined {
  if (cursor === '') return undefined;
  try {
    const [atMs, conversation, sequence] = JSON.parse(
      Buffer.from(cursor, 'base64url').toString('utf8'),
    ) as unknown[];
    if (Number.isSafeInteger(atMs) && typeof conversation === 'string' && Number.isSafeInteger(sequence)) {
      return { atMs: atMs as number, conversation, sequence: sequence as number };
    }
  } catch {
    // Not JSON: the same answer as for JSON of the wrong shape.
  }
  throw new BadRequest('BAD_REQUEST', 'the cursor is not one of a search answer');
}

/** Everything after the key in the order of hits. */
export const afterKey = ({ atMs, conversation, sequence }: SearchKey): string =>
  `(toUnixTimestamp64Milli(at), conversation, sequence) < (${sqlInteger(atMs)}, ${sqlText(conversation)}, ${sqlInteger(sequence)})
   AND at <= fromUnixTimestamp64Milli(${sqlInteger(atMs)}, 'UTC')`;
