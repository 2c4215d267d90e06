// The SQL of a search: which messages match, and which of them the asker may read. Newer versions of a row decide, so a
// search first finds keys quickly among all versions and then asks again for the newest of just these.
import { type SearchQuery, sqlInteger, sqlText, sqlTexts } from '@parley/adapters';
import { parseConversation } from '@parley/protocol';
import { type SearchKey, afterKey } from './search-cursor.ts';

export interface SearchScope {
  readonly tenant: string;
  readonly user: string;
  /** Empty: every conversation of the user. */
  readonly conversations: readonly string[];
  readonly sender: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The end of a span that is open. */
const openEnd = Number.MAX_SAFE_INTEGER;

/**
 * `conversation, from_sequence, to_sequence` of everything the user may read: from the entry that made them a member to
 * the one that ended it, both included. Direct conversations named in the request need no row: their id says who is in.
 */
export function spansSql({ tenant, user, conversations }: SearchScope): string {
  const directs = conversations.filter((conversation) => isDirectOf(conversation, user));
  const groups = conversations.filter((conversation) => parseConversation(conversation)?.type === 'group');
  const selects = directs.map(
    (direct) => `SELECT ${sqlText(direct)} AS conversation, 1 AS from_sequence, ${openEnd} AS to_sequence`,
  );
  if (conversations.length === 0 || groups.length > 0) {
    const only = groups.length > 0 ? ` AND conversation IN ${sqlTexts(groups)}` : '';
    selects.push(
      `SELECT conversation, sequence AS from_sequence, next AS to_sequence FROM (
         SELECT conversation, sequence, is_member, leadInFrame(sequence, 1, ${openEnd}) OVER (
           PARTITION BY conversation ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next
         FROM parley.memberships FINAL WHERE tenant = ${sqlText(tenant)} AND user = ${sqlText(user)}${only}
       ) WHERE is_member = 1`,
    );
  }
  return selects.length === 0
    ? `SELECT '' AS conversation, 1 AS from_sequence, 0 AS to_sequence WHERE 0`
    : selects.join('\nUNION ALL\n');
}

const isDirectOf = (conversation: string, user: string): boolean => {
  const address = parseConversation(conversation);
  return address?.type === 'direct' && (address.first === user || address.second === user);
};

/** Keys of matching messages the user may read, newest first. May hold one twice and superseded versions. */
export function keysSql(
  scope: SearchScope,
  query: SearchQuery,
  after: SearchKey | undefined,
  limit: number,
): string {
  const conditions = [
    `m.tenant = ${sqlText(scope.tenant)}`,
    'm.conversation IN (SELECT conversation FROM spans)',
    'm.sequence BETWEEN s.from_sequence AND s.to_sequence',
    ...matchConditions(query),
  ];
  if (scope.sender !== '') conditions.push(`sender = ${sqlText(scope.sender)}`);
  if (scope.fromMs > 0) conditions.push(`at >= fromUnixTimestamp64Milli(${sqlInteger(scope.fromMs)}, 'UTC')`);
  if (scope.toMs > 0) conditions.push(`at < fromUnixTimestamp64Milli(${sqlInteger(scope.toMs)}, 'UTC')`);
  if (after !== undefined) conditions.push(afterKey(after));
  return `WITH spans AS (${spansSql(scope)})
    SELECT toUnixTimestamp64Milli(at) AS at_ms, m.conversation AS conversation, sequence
    FROM parley.messages AS m INNER JOIN spans AS s ON m.conversation = s.conversation
    WHERE ${conditions.join('\n AND ')}
    ORDER BY at DESC, conversation DESC, sequence DESC LIMIT ${sqlInteger(limit)}`;
}

/** The newest versions of these keys that still match. `columns` as they are to be selected. */
export function newestSql(
  columns: string,
  tenant: string,
  query: SearchQuery,
  keys: readonly SearchKey[],
): string {
  const wanted = keys.map((key) => `(${sqlText(key.conversation)}, ${sqlInteger(key.sequence)})`);
  return `SELECT ${columns} FROM parley.messages FINAL
    WHERE tenant = ${sqlText(tenant)} AND (conversation, sequence) IN (${wanted.join(', ')})
    AND ${matchConditions(query).join(' AND ')}
    ORDER BY at DESC, conversation DESC, sequence DESC LIMIT ${sqlInteger(keys.length)}`;
}

/** All words by the index; words that must stand together once more as a phrase. */
function matchConditions({ parts }: SearchQuery): string[] {
  const phrases = parts.filter((part) => part.length > 1);
  return [
    `hasAllTokens(terms, ${sqlText(parts.flat().join(' '))})`,
    ...phrases.map((phrase) => `hasPhrase(terms, ${sqlText(phrase.join(' '))})`),
  ];
}
