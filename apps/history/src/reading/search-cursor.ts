// The place in a search where the next page begins, as an opaque text. It grants nothing: every page is checked anew.
import { type SearchSort, searchSorts } from '@parley/protocol';
import { sqlInteger, sqlText, sqlMoment } from '@parley/adapters';
import { BadRequest } from './bad-request.ts';

/** Where a hit stands among all hits: by score (0 unless sorted by relevance), time, conversation, sequence. */
export interface SearchKey {
  readonly atMs: number;
  readonly conversation: string;
  readonly sequence: number;
  readonly score: number;
}

export const encodeCursor = ({ atMs, conversation, sequence, score }: SearchKey, sort: SearchSort): string =>
  Buffer.from(JSON.stringify([atMs, conversation, sequence, searchSorts.indexOf(sort), score])).toString(
    'base64url',
  );

/** undefined for the first page. */
export function decodeCursor(cursor: string, sort: SearchSort): SearchKey | undefined {
  if (cursor === '') return undefined;
  const [atMs, conversation, sequence, sortIndex = 0, score = 0] = partsOf(cursor);
  if (sortIndex !== searchSorts.indexOf(sort))
    throw new BadRequest('BAD_REQUEST', 'the cursor is not one of a search answer in this order');
  if (isCount(atMs) && typeof conversation === 'string' && isCount(sequence) && isCount(score))
    return { atMs, conversation, sequence, score };
  throw notACursor();
}

function partsOf(cursor: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(parts)) return parts;
  } catch {
    // Not JSON: the same answer as for JSON of the wrong shape.
  }
  throw notACursor();
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 43;

const notACursor = (): BadRequest =>
  new BadRequest('BAD_REQUEST', 'the cursor is not one of a search answer');

/** The order of hits. */
export const orderSql = (sort: SearchSort): string =>
  sort === 'oldest'
    ? 'at, conversation, sequence'
    : `${sort === 'relevance' ? 'score DESC, ' : ''}at DESC, conversation DESC, sequence DESC`;

/** Everything behind the key in that order. */
export function behindSql({ atMs, conversation, sequence, score }: SearchKey, sort: SearchSort): string {
  const at = sqlMoment(atMs);
  const place = `(toUnixTimestamp64Milli(at), m.conversation, sequence)`;
  const key = `(${sqlInteger(atMs)}, ${sqlText(conversation)}, ${sqlInteger(sequence)})`;
  if (sort === 'oldest') return `${place} > ${key} AND at >= ${at}`;
  if (sort === 'newest') return `${place} < ${key} AND at <= ${at}`;
  const rank = sqlInteger(score);
  return `(score < ${rank} OR (score = ${rank} AND ${place} < ${key}))`;
}
