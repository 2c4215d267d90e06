// The SQL of a search: which messages match, and which of them the asker may read. Newer versions of a row decide, so a
// search first finds keys quickly among all versions and then asks again for the newest of just these. GLOBAL: on a cluster what
// somebody may read is found once, and not on every server; it says nothing on one server.
import { type SearchQuery, sqlInteger, sqlText, sqlTexts, sqlMoment } from '@parley/adapters';
import { type SearchSort, parseConversation } from '@parley/protocol';
import { type SearchKey, behindSql, orderSql } from './search-cursor.ts';
import { matchConditions, scoreSql } from './search-match.ts';
import type { SearchPlan, SearchScope } from './search-request.ts';

/** The end of a span that is open. */
const openEnd = Number.MAX_SAFE_INTEGER;

/**
 * `conversation, from_sequence, to_sequence` of everything the user may read: from the entry that made them a member to
 * the one that ended it, both included, as far as retention has left it. Who joined and sees what was said before has an entry
 * for the first they see and one for the joining: one span ends before the next begins. On a cluster the marks of retention lie
 * elsewhere than the memberships: GLOBAL.
 */
export function spansSql(scope: SpansOf): string {
  const member = memberSpansSql(scope);
  const only =
    scope.conversations.length > 0
      ? sqlTexts(scope.conversations)
      : `(SELECT conversation FROM parley.memberships
          WHERE tenant = ${sqlText(scope.tenant)} AND user = ${sqlText(scope.user)})`;
  return `SELECT conversation, greatest(since, first_kept) AS from_sequence, to_sequence
    FROM (${member}) AS member GLOBAL LEFT JOIN (
      SELECT conversation, max(first_kept) AS first_kept FROM parley.expired
      WHERE tenant = ${sqlText(scope.tenant)} AND conversation GLOBAL IN ${only}
      GROUP BY conversation) AS marks USING (conversation)`;
}

/** Direct conversations named in the request need no row: their id says who is in. */
function memberSpansSql({ tenant, user, conversations }: SpansOf): string {
  const directs = conversations.filter((conversation) => isDirectOf(conversation, user));
  const groups = conversations.filter((conversation) => parseConversation(conversation)?.type === 'group');
  const selects = directs.map(
    (direct) =>
      `SELECT ${sqlText(direct)} AS conversation, toUInt64(1) AS since, toUInt64(${openEnd}) AS to_sequence`,
  );
  if (conversations.length === 0 || groups.length > 0) {
    const only = groups.length > 0 ? ` AND conversation IN ${sqlTexts(groups)}` : '';
    selects.push(
      `SELECT conversation, sequence AS since, next - next_is_member AS to_sequence FROM (
         SELECT conversation, sequence, is_member,
           toInt64(leadInFrame(sequence, 1, ${openEnd}) OVER following) AS next,
           leadInFrame(is_member, 1, 0) OVER following AS next_is_member
         FROM parley.memberships FINAL WHERE tenant = ${sqlText(tenant)} AND user = ${sqlText(user)}${only}
         WINDOW following AS (
           PARTITION BY conversation ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
       ) WHERE is_member = 1`,
    );
  }
  return selects.length === 0
    ? `SELECT '' AS conversation, toUInt64(1) AS since, toUInt64(0) AS to_sequence WHERE 0`
    : selects.join('\nUNION ALL\n');
}

type SpansOf = Pick<SearchScope, 'tenant' | 'user' | 'conversations'>;

const isDirectOf = (conversation: string, user: string): boolean => {
  const address = parseConversation(conversation);
  return address?.type === 'direct' && (address.first === user || address.second === user);
};

/** Keys of matching messages the user may read, in order. May hold one twice and superseded versions. */
export function keysSql(
  { scope, query, sort }: SearchPlan,
  behind: SearchKey | undefined,
  limit: number,
): string {
  const conditions = [
    `m.tenant = ${sqlText(scope.tenant)}`,
    `m.conversation GLOBAL IN (${conversationsSql(scope)})`,
    'm.sequence BETWEEN s.from_sequence AND s.to_sequence',
    ...filterConditions(scope),
    ...matchConditions(query),
  ];
  if (behind !== undefined) conditions.push(behindSql(behind, sort));
  return `WITH spans AS (${spansSql(scope)})
    SELECT toUnixTimestamp64Milli(at) AS at_ms, m.conversation AS conversation, sequence, ${rankSql(query, sort)} AS score
    FROM parley.messages AS m GLOBAL INNER JOIN spans AS s ON m.conversation = s.conversation
    WHERE ${conditions.join('\n AND ')}
    ORDER BY ${orderSql(sort)} LIMIT ${sqlInteger(limit)}`;
}

/**
 * The newest versions of these keys that still match, and their scores first. `columns` as they are to be selected. Without
 * FINAL, which would read all that lies between; the index is of no use for so few rows.
 */
export function newestSql(
  columns: string,
  { scope, query, sort }: SearchPlan,
  keys: readonly SearchKey[],
): string {
  const wanted = keys.map((key) => `(${sqlText(key.conversation)}, ${sqlInteger(key.sequence)})`);
  const times = keys.map(({ atMs }) => atMs);
  const conditions = [...filterConditions(scope), ...matchConditions(query)];
  // All versions of a message have its time, and lie in the partition of that.
  return `SELECT ${rankSql(query, sort)} AS score, ${columns} FROM (
      SELECT *, terms FROM parley.messages
      WHERE tenant = ${sqlText(scope.tenant)} AND (conversation, sequence) IN (${wanted.join(', ')})
      AND at BETWEEN ${sqlMoment(Math.min(...times))} AND ${sqlMoment(Math.max(...times))}
      ORDER BY conversation, sequence, version DESC LIMIT 1 BY conversation, sequence)
    WHERE ${conditions.join('\n AND ')}
    ORDER BY ${orderSql(sort)} LIMIT ${sqlInteger(keys.length)}`;
}

const rankSql = (query: SearchQuery, sort: SearchSort): string =>
  sort === 'relevance' ? scoreSql(query) : 'toUInt32(0)';

/** No more than the index of the table needs to leave out what is certainly not the user's. The spans decide. */
const conversationsSql = ({ tenant, user, conversations }: SearchScope): string =>
  conversations.length === 0
    ? `SELECT conversation FROM parley.memberships WHERE tenant = ${sqlText(tenant)} AND user = ${sqlText(user)}`
    : conversations.map(sqlText).join(', ');

/** What a server writes into a log is not found; a message that was taken back matches nothing. */
function filterConditions({
  user,
  senders,
  kinds,
  hasAttachment,
  mentionsMe,
  fromMs,
  toMs,
}: SearchScope): string[] {
  const conditions = [
    `state != 'recalled'`,
    kinds.length > 0 ? `kind IN ${sqlTexts(kinds)}` : `kind NOT IN ('system', 'edit', 'recall')`,
  ];
  if (senders.length > 0) conditions.push(`sender IN ${sqlTexts(senders)}`);
  if (hasAttachment) conditions.push('notEmpty(attachments)');
  if (mentionsMe) conditions.push(`hasAny(mentions, [${sqlText(user)}, '*'])`);
  if (fromMs > 0) conditions.push(`at >= ${sqlMoment(fromMs)}`);
  if (toMs > 0) conditions.push(`at < ${sqlMoment(toMs)}`);
  return conditions;
}

/**
 * The last sequence of each of the scope's conversations that was sent by then, where the user may know of it. `known`: by
 * conversation a sequence that was, so that nothing before it has to be read.
 */
export function headsSql(scope: SpansOf, throughMs: number, known: ReadonlyMap<string, number>): string {
  const ends = scope.conversations.map(
    (conversation) =>
      `(m.conversation = ${sqlText(conversation)} AND m.sequence >= ${sqlInteger(known.get(conversation) ?? 1)})`,
  );
  return `WITH spans AS (${spansSql(scope)})
    SELECT m.conversation, max(m.sequence) FROM parley.messages AS m GLOBAL INNER JOIN spans AS s ON m.conversation = s.conversation
    WHERE m.tenant = ${sqlText(scope.tenant)} AND (${ends.join(' OR ')})
    AND m.sequence BETWEEN s.from_sequence AND s.to_sequence AND m.at <= ${sqlMoment(throughMs)}
    GROUP BY m.conversation ORDER BY m.conversation LIMIT 10000`;
}
