// What a search asks for, checked: what to look for, where, in which order. Filters come as fields of the request and in its
// text; values of one filter are alternatives, wherever they come from, and all filters must hold.
import {
  type SearchSort,
  idPattern,
  type parley,
  searchSorts,
  tenantPattern,
  timeMsMax,
} from '@parley/protocol';
import { type SearchQuery, parseSearchQuery } from '@parley/adapters';
import { BadRequest } from './bad-request.ts';
import { type SearchKey, decodeCursor } from './search-cursor.ts';
import {
  type SearchFilters,
  conversationOf,
  joinFilters,
  kindOf,
  letThroughAll,
  senderOf,
  takeFilters,
} from './search-filters.ts';

export interface SearchLimits {
  /** Longest search text, UTF-16 code units. */
  readonly textMax: number;
  /** Words and characters searched for at a time, each counted once, excluded ones too. */
  readonly termsMax: number;
  /** Letters and digits that a beginning (`ke*`) has at least. */
  readonly prefixMin: number;
  /** Conversations named at a time; as many senders. */
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
  prefixMin: 2,
  conversationsMax: 500,
  hitsDefault: 20,
  hitsMax: 100,
  answerBytesMax: 700 * 1024,
  roundsMax: 8,
};

/** Who asks, and which messages are looked at. */
export interface SearchScope extends SearchFilters {
  readonly tenant: string;
  readonly user: string;
}

export interface SearchPlan {
  readonly scope: SearchScope;
  readonly query: SearchQuery;
  readonly sort: SearchSort;
  /** Hits on the page. */
  readonly limit: number;
  /** Where the page before ended; undefined for the first. */
  readonly after: SearchKey | undefined;
}

/** Throws BadRequest with what is wrong. */
export function planOf(request: parley.internal.v1.SearchRequest, limits: SearchLimits): SearchPlan {
  const { tenant, user } = request;
  if (!tenantPattern.test(tenant)) throw new BadRequest('BAD_ID', 'the tenant is not valid');
  if (!idPattern.test(user)) throw new BadRequest('BAD_ID', 'the user is not valid');
  if (request.text.length > limits.textMax)
    throw new BadRequest('BAD_REQUEST', `the text is longer than ${limits.textMax}`);
  const { text, filters: inText } = takeFilters(request.text, user);
  const filters = joinFilters(fieldsOf(request), inText);
  const valuesMax = limits.conversationsMax;
  if (filters.conversations.length > valuesMax || filters.senders.length > valuesMax)
    throw new BadRequest('BAD_REQUEST', `at most ${valuesMax} conversations, and senders, at a time`);
  const query = queryOf(text, limits);
  // What only excludes, or asks for nothing at all, would be everything somebody may read.
  if (query.parts.length === 0 && letThroughAll(filters))
    throw new BadRequest('BAD_REQUEST', 'the text has no word to search for');
  const sort = sortOf(request.sort);
  return {
    scope: { tenant, user, ...filters },
    query,
    sort,
    limit: Math.min(request.limit === 0 ? limits.hitsDefault : request.limit, limits.hitsMax),
    after: decodeCursor(request.cursor, sort),
  };
}

function fieldsOf(request: parley.internal.v1.SearchRequest): SearchFilters {
  const { fromMs, toMs, hasAttachment, mentionsMe } = request;
  for (const ms of [fromMs, toMs]) {
    if (!Number.isSafeInteger(ms) || ms < 0 || ms > timeMsMax)
      throw new BadRequest('BAD_REQUEST', 'a time is not valid');
  }
  return {
    conversations: request.conversations.map(conversationOf),
    senders: request.sender === '' ? [] : [senderOf(request.sender)],
    kinds: request.kinds.map(kindOf),
    hasAttachment,
    mentionsMe,
    fromMs,
    toMs,
  };
}

function queryOf(text: string, { termsMax, prefixMin }: SearchLimits): SearchQuery {
  const query = parseSearchQuery(text);
  const parts = [...query.parts, ...query.excluded];
  if (new Set(parts.flatMap(({ words }) => words)).size > termsMax)
    throw new BadRequest('BAD_REQUEST', `more than ${termsMax} words`);
  if (parts.some(({ words, isPrefix }) => isPrefix && (words.at(-1)?.length ?? 0) < prefixMin))
    throw new BadRequest('BAD_REQUEST', `a beginning (ke*) has at least ${prefixMin} letters or digits`);
  return query;
}

function sortOf(text: string): SearchSort {
  if (text === '') return searchSorts[0];
  const sort = searchSorts.find((one) => one === text);
  if (sort === undefined) throw new BadRequest('BAD_REQUEST', `sort: one of ${searchSorts.join(', ')}`);
  return sort;
}
