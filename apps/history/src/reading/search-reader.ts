// Text search in what the asker may read. Answers with hits in the order asked for and says through where it is complete.
import { internal, type parley, wire } from '@parley/protocol';
import type { ClickHouse, Row } from '@parley/adapters';
import { type CommonWords, isCommon, noCommonWords } from './common-words.ts';
import { messageColumns, messageOfRow } from './message-row.ts';
import { type SearchKey, encodeCursor } from './search-cursor.ts';
import { matchSettings } from './search-match.ts';
import { type SearchLimits, type SearchPlan, planOf, searchLimits } from './search-request.ts';
import { headsSql, keysSql, newestSql } from './search-sql.ts';
import { snippetOf } from './snippet.ts';

type Message = ReturnType<typeof messageOfRow>;

interface Hit {
  readonly message: Message;
  readonly score: number;
}

export interface SearchOptions {
  readonly limits?: SearchLimits;
  /** What is searched among recent messages first. Default: nothing. */
  readonly commonWords?: CommonWords;
}

export async function search(
  clickHouse: ClickHouse,
  request: parley.internal.v1.SearchRequest,
  completeThroughMs: () => Promise<number>,
  { limits = searchLimits, commonWords = noCommonWords }: SearchOptions = {},
): Promise<parley.internal.v1.SearchAnswer> {
  const plan = planOf(request, limits);
  const { scope, query, sort } = plan;
  // Asked before the search: what is complete now is complete in the hits.
  const throughMs = await completeThroughMs();
  const isNewestEnough = sort === 'newest' && isCommon(query, commonWords.of(scope.tenant));
  const { hits, next, heads } = await collectHits(clickHouse, { plan, limits, throughMs, isNewestEnough });
  const found = hits.map(({ message }) => message.conversation);
  const conversations = [...new Set([...scope.conversations, ...found])].toSorted();
  return internal.SearchAnswer.create({
    hits: hits.map(({ message }) => ({ message, ...snippetOf(message.text ?? '', query) })),
    nextCursor: next === undefined ? '' : encodeCursor(next, sort),
    completeThrough: conversations.flatMap((conversation) => {
      const sequence = heads.get(conversation);
      return sequence === undefined ? [] : [{ conversation, sequence }];
    }),
    completeThroughMs: throughMs,
  });
}

interface Collecting {
  readonly plan: SearchPlan;
  readonly limits: SearchLimits;
  readonly throughMs: number;
  /** A page is probably full of recent messages. */
  readonly isNewestEnough: boolean;
}

interface Collected {
  readonly hits: readonly Hit[];
  readonly next: SearchKey | undefined;
  /** Through which sequence conversations were searched: of the request, and of the hits. */
  readonly heads: ReadonlyMap<string, number>;
}

/** Keys first, then the newest version of each, again and again until the page is full. */
async function collectHits(
  clickHouse: ClickHouse,
  { plan, limits, throughMs, isNewestEnough }: Collecting,
): Promise<Collected> {
  const { limit } = plan;
  const hits: Hit[] = [];
  const heads = new Map<string, number>();
  let behind = plan.after;
  let bytes = 0;
  for (let round = 0; round < limits.roundsMax; round += 1) {
    const keyMax = Math.ceil(limit * 1.5);
    const keys = isNewestEnough
      ? await newestKeys(clickHouse, { plan, behind, throughMs }, keyMax)
      : await keysOf(clickHouse, plan, behind, keyMax);
    const [newest, newHeads] = await Promise.all([
      newestOf(clickHouse, plan, keys),
      headsOf(clickHouse, { plan, keys, throughMs, known: heads }),
    ]);
    for (const [conversation, sequence] of newHeads) heads.set(conversation, sequence);
    for (const hit of newest) {
      const size = wire.Message.encode(hit.message).finish().length + hitOverheadBytes;
      if (hits.length === limit || (hits.length > 0 && bytes + size > limits.answerBytesMax))
        return { hits, next: keyOf(hits.at(-1)), heads };
      hits.push(hit);
      bytes += size;
    }
    if (keys.length < keyMax) return { hits, next: undefined, heads };
    behind = keys.at(-1);
  }
  return { hits, next: behind, heads };
}

/** What a hit costs beside its message: snippet, highlights, framing. */
const hitOverheadBytes = 1_024;

async function keysOf(
  clickHouse: ClickHouse,
  plan: SearchPlan,
  behind: SearchKey | undefined,
  limit: number,
): Promise<SearchKey[]> {
  const rows = await clickHouse.select(keysSql(plan, behind, limit), { settings: matchSettings });
  return rows.map(keyOfRow);
}

/** The same keys, looked for in the last weeks first: parts of the table that are older need not be read for them. */
async function newestKeys(
  clickHouse: ClickHouse,
  { plan, behind, throughMs }: Pick<Collecting, 'plan' | 'throughMs'> & { behind: SearchKey | undefined },
  limit: number,
): Promise<SearchKey[]> {
  const { fromMs, toMs } = plan.scope;
  const endMs = Math.min(behind?.atMs ?? Infinity, toMs > 0 ? toMs : Infinity, throughMs);
  const sinceMs = endMs - recentMs;
  if (sinceMs <= fromMs) return keysOf(clickHouse, plan, behind, limit);
  const within = (times: { fromMs: number } | { toMs: number }): SearchPlan => ({
    ...plan,
    scope: { ...plan.scope, ...times },
  });
  const recent = await keysOf(clickHouse, within({ fromMs: sinceMs }), behind, limit);
  if (recent.length === limit) return recent;
  return [...recent, ...(await keysOf(clickHouse, within({ toMs: sinceMs }), behind, limit - recent.length))];
}

/** How far back a common word is looked for first. */
const recentMs = 21 * 86_400_000;

const keyOfRow = (row: Row): SearchKey => ({
  atMs: row[0] as number,
  conversation: row[1] as string,
  sequence: row[2] as number,
  score: row[3] as number,
});

const keyOf = (hit: Hit | undefined): SearchKey | undefined =>
  hit && {
    atMs: hit.message.sentAtMs,
    conversation: hit.message.conversation,
    sequence: hit.message.sequence,
    score: hit.score,
  };

/** A newest version that scores otherwise than the one that was found has a place of its own, where it is found again. */
async function newestOf(
  clickHouse: ClickHouse,
  plan: SearchPlan,
  keys: readonly SearchKey[],
): Promise<readonly Hit[]> {
  if (keys.length === 0) return [];
  const nameOf = ({ conversation, sequence, score }: Omit<SearchKey, 'atMs'>) =>
    `${conversation}/${sequence}/${score}`;
  const found = new Map(keys.map((key) => [nameOf(key), key]));
  const rows = await clickHouse.select(newestSql(messageColumns, plan, [...found.values()]), {
    settings: matchSettings,
  });
  return rows
    .map(([score, ...row]) => ({ message: messageOfRow(row), score: score as number }))
    .filter(({ message, score }) => found.has(nameOf({ ...message, score })));
}

/**
 * For each conversation of the keys, and of the request, that the asker may read: the last sequence that was searched.
 * Messages sent after `throughMs` may have arrived during the search and do not count; a conversation somebody has left ends
 * where they left. Those that are `known` are not asked for again.
 */
async function headsOf(
  clickHouse: ClickHouse,
  {
    plan: { scope },
    keys,
    throughMs,
    known,
  }: {
    readonly plan: SearchPlan;
    readonly keys: readonly SearchKey[];
    readonly throughMs: number;
    readonly known: ReadonlyMap<string, number>;
  },
): Promise<readonly (readonly [conversation: string, sequence: number])[]> {
  const named = new Set([...scope.conversations, ...keys.map(({ conversation }) => conversation)]);
  const conversations = [...named].filter((conversation) => !known.has(conversation));
  if (conversations.length === 0) return [];
  const sent = new Map<string, number>();
  for (const { conversation, sequence, atMs } of keys)
    if (atMs <= throughMs) sent.set(conversation, Math.max(sequence, sent.get(conversation) ?? 1));
  const rows = await clickHouse.select(headsSql({ ...scope, conversations }, throughMs, sent));
  return rows.map(([conversation, sequence]) => [conversation as string, sequence as number]);
}
