// Text search in what the asker may read. Answers with hits newest first and says through where it is complete.
import { idPattern, internal, type parley, parseConversation, tenantPattern, wire } from '@parley/protocol';
import {
  type ClickHouse,
  type Row,
  type SearchQuery,
  parseSearchQuery,
  sqlInteger,
  sqlText,
  sqlTexts,
} from '@parley/adapters';
import { BadRequest } from './bad-request.ts';
import { messageColumns, messageOfRow } from './message-row.ts';
import { type SearchKey, decodeCursor, encodeCursor } from './search-cursor.ts';
import { type SearchScope, keysSql, newestSql, spansSql } from './search-sql.ts';
import { snippetOf } from './snippet.ts';
import { timeMsMax } from './time-limits.ts';

export interface SearchLimits {
  /** Longest search text, UTF-16 code units. */
  readonly textMax: number;
  /** Words and characters searched for at a time, each counted once. */
  readonly termsMax: number;
  readonly conversationsMax: number;
  readonly hitsDefault: number;
  readonly hitsMax: number;
  /** A page ends before its answer outgrows this: it must fit into one NATS message. */
  readonly answerBytesMax: number;
  /** Key queries for one page; where hits are this sparse, the page ends early with a cursor. */
  readonly roundsMax: number;
}

export const searchLimits: SearchLimits = {
  textMax: 500,
  termsMax: 48,
  conversationsMax: 500,
  hitsDefault: 20,
  hitsMax: 100,
  answerBytesMax: 700 * 1024,
  roundsMax: 8,
};

type Hit = ReturnType<typeof messageOfRow>;

export async function search(
  clickHouse: ClickHouse,
  request: parley.internal.v1.SearchRequest,
  completeThroughMs: () => Promise<number>,
  limits: SearchLimits = searchLimits,
): Promise<parley.internal.v1.SearchAnswer> {
  const scope = scopeOf(request, limits);
  const query = queryOf(request.text, limits);
  const limit = Math.min(request.limit === 0 ? limits.hitsDefault : request.limit, limits.hitsMax);
  const after = decodeCursor(request.cursor);
  // Asked before the search: what is complete now is complete in the hits.
  const throughMs = await completeThroughMs();
  const page = await collectHits(clickHouse, { scope, query, after, limit, limits });
  const conversations = [...new Set([...scope.conversations, ...page.hits.map((hit) => hit.conversation)])];
  return internal.SearchAnswer.create({
    hits: page.hits.map((message) => ({ message, ...snippetFor(message, query) })),
    nextCursor: page.next === undefined ? '' : encodeCursor(page.next),
    completeThrough: await completeThrough(clickHouse, { ...scope, conversations }, throughMs),
    completeThroughMs: throughMs,
  });
}

function scopeOf(request: parley.internal.v1.SearchRequest, limits: SearchLimits): SearchScope {
  const { tenant, user, conversations, sender, fromMs, toMs } = request;
  if (!tenantPattern.test(tenant)) throw new BadRequest('BAD_ID', 'the tenant is not valid');
  if (!idPattern.test(user)) throw new BadRequest('BAD_ID', 'the user is not valid');
  if (sender !== '' && !idPattern.test(sender)) throw new BadRequest('BAD_ID', 'the sender is not valid');
  if (conversations.length > limits.conversationsMax) {
    throw new BadRequest('BAD_REQUEST', `at most ${limits.conversationsMax} conversations at a time`);
  }
  for (const conversation of conversations) {
    if (parseConversation(conversation) === undefined)
      throw new BadRequest('BAD_ID', 'a conversation is not valid');
  }
  for (const ms of [fromMs, toMs]) {
    if (!Number.isSafeInteger(ms) || ms < 0 || ms > timeMsMax)
      throw new BadRequest('BAD_REQUEST', 'a time is not valid');
  }
  return { tenant, user, conversations: [...new Set(conversations)], sender, fromMs, toMs };
}

function queryOf(text: string, limits: SearchLimits): SearchQuery {
  if (text.length > limits.textMax)
    throw new BadRequest('BAD_REQUEST', `the text is longer than ${limits.textMax}`);
  const query = parseSearchQuery(text);
  const terms = new Set(query.parts.flat());
  if (terms.size === 0) throw new BadRequest('BAD_REQUEST', 'the text has no word to search for');
  if (terms.size > limits.termsMax) throw new BadRequest('BAD_REQUEST', `more than ${limits.termsMax} words`);
  return query;
}

interface Collecting {
  readonly scope: SearchScope;
  readonly query: SearchQuery;
  readonly after: SearchKey | undefined;
  readonly limit: number;
  readonly limits: SearchLimits;
}

/** Keys first, then the newest version of each, again and again until the page is full. */
async function collectHits(
  clickHouse: ClickHouse,
  { scope, query, after, limit, limits }: Collecting,
): Promise<{ hits: Hit[]; next: SearchKey | undefined }> {
  const hits: Hit[] = [];
  let from = after;
  let bytes = 0;
  for (let round = 0; round < limits.roundsMax; round += 1) {
    const keyMax = Math.ceil(limit * 1.5);
    const keys = (await clickHouse.select(keysSql(scope, query, from, keyMax))).map(keyOfRow);
    const wanted = withoutRepeats(keys);
    const found = wanted.length === 0 ? [] : await newestOf(clickHouse, scope.tenant, query, wanted);
    for (const hit of found) {
      const size = wire.Message.encode(hit).finish().length + hitOverheadBytes;
      if (hits.length === limit || (hits.length > 0 && bytes + size > limits.answerBytesMax)) {
        return { hits, next: keyOf(hits.at(-1)) };
      }
      hits.push(hit);
      bytes += size;
    }
    if (keys.length < keyMax) return { hits, next: undefined };
    from = keys.at(-1);
  }
  return { hits, next: from };
}

/** What a hit costs beside its message: snippet, highlights, framing. */
const hitOverheadBytes = 1_024;

const keyOfRow = (row: Row): SearchKey => ({
  atMs: row[0] as number,
  conversation: row[1] as string,
  sequence: row[2] as number,
});

const keyOf = (hit: Hit | undefined): SearchKey | undefined =>
  hit && { atMs: hit.sentAtMs, conversation: hit.conversation, sequence: hit.sequence };

function withoutRepeats(keys: readonly SearchKey[]): SearchKey[] {
  const byName = new Map(keys.map((key) => [`${key.conversation}/${key.sequence}`, key]));
  return [...byName.values()];
}

async function newestOf(
  clickHouse: ClickHouse,
  tenant: string,
  query: SearchQuery,
  keys: readonly SearchKey[],
): Promise<Hit[]> {
  return (await clickHouse.select(newestSql(messageColumns, tenant, query, keys))).map(messageOfRow);
}

/**
 * For each conversation the asker may read: the last sequence that was searched. Messages sent after `throughMs` may
 * have arrived during the search and do not count; a conversation somebody has left ends where they left.
 */
async function completeThrough(clickHouse: ClickHouse, scope: SearchScope, throughMs: number) {
  if (scope.conversations.length === 0) return [];
  const rows = await clickHouse.select(
    `WITH spans AS (${spansSql(scope)})
     SELECT m.conversation, max(m.sequence) FROM parley.messages AS m INNER JOIN spans AS s ON m.conversation = s.conversation
     WHERE m.tenant = ${sqlText(scope.tenant)} AND m.conversation IN ${sqlTexts(scope.conversations)}
     AND m.sequence BETWEEN s.from_sequence AND s.to_sequence
     AND m.at <= fromUnixTimestamp64Milli(${sqlInteger(throughMs)}, 'UTC')
     GROUP BY m.conversation ORDER BY m.conversation LIMIT 10000`,
  );
  return rows.map(([conversation, sequence]) => ({
    conversation: conversation as string,
    sequence: sequence as number,
  }));
}

function snippetFor(message: Hit, query: SearchQuery) {
  const { snippet, highlights } = snippetOf(message.text ?? '', query);
  return { snippet, highlights: [...highlights] };
}
