// Searches for words in English and Chinese, and compares the hits with what was sent, by the documented rule: words are
// runs of ASCII letters and digits, every character beyond ASCII is a word of its own, case and form do not matter.
import type { HttpApi, Message } from '@parley/client';
import { plainMatch, plainWords } from '@parley/testing/search';

export interface SearchCase {
  readonly who: string;
  readonly query: string;
  readonly conversation: string;
  readonly expected: readonly number[];
}

const indexLimitMs = 90_000;
const pauseMs = 500;
const pageSize = 100;

/** Do the words of `query` stand in `text` next to each other, in order? For queries without white space. */
export const matches = (text: string, query: string): boolean =>
  plainMatch(plainWords(text), [{ text: query }]);

/** Words of the log that occur a fair number of times: enough to be a test, few enough for a page or two. */
export function chooseQueries(
  texts: readonly string[],
  kind: 'english' | 'chinese',
  count: number,
): string[] {
  const pattern = kind === 'english' ? /\b[a-z]{5,10}\b/g : /\p{Script=Han}{2,3}/gu;
  const occurrences = new Map<string, number>();
  for (const text of texts) {
    for (const word of new Set(text.match(pattern) ?? []))
      occurrences.set(word, (occurrences.get(word) ?? 0) + 1);
  }
  const byRarity = [...occurrences]
    .filter(([, n]) => n <= 150)
    .toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  // Spread over common, less common and rare ones.
  return Array.from(
    { length: count },
    (_, i) => byRarity[Math.floor((byRarity.length * i ** 2) / (count ** 2 * 4))]?.[0] ?? '',
  ).filter((word, i, all) => word !== '' && all.indexOf(word) === i);
}

export function searchCase(who: string, query: string, log: readonly Message[]): SearchCase {
  const hits = log.filter((message) => typeof message.text === 'string' && matches(message.text, query));
  const expected = hits.map((message) => message.sequence);
  return { who, query, conversation: log[0]?.conversation ?? '', expected };
}

/** Waits until the index covers the conversation. Returns what is wrong with the hits; undefined when they are right. */
export async function runSearch(api: HttpApi, one: SearchCase, head: number): Promise<string | undefined> {
  const endMs = performance.now() + indexLimitMs;
  for (;;) {
    const { hits, completeThrough, problem } = await allHits(api, one);
    if (completeThrough >= head) return compare(one, hits);
    if (performance.now() > endMs)
      return problem ?? `the index is complete through ${completeThrough} of ${head} only`;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function allHits(api: HttpApi, { query, conversation }: SearchCase) {
  const hits: number[] = [];
  let completeThrough = 0;
  let before: string | undefined;
  try {
    do {
      const page = await api.search({
        q: query,
        conversation,
        limit: pageSize,
        ...(before === undefined ? {} : { before }),
      });
      hits.push(...page.hits.map((hit) => hit.sequence));
      completeThrough = page.completeThrough.find((one) => one.conversation === conversation)?.sequence ?? 0;
      before = page.next;
    } while (before !== undefined);
  } catch (error) {
    return { hits, completeThrough: 0, problem: (error as Error).message };
  }
  return { hits, completeThrough, problem: undefined };
}

function compare({ query, expected }: SearchCase, hits: readonly number[]): string | undefined {
  const found = new Set(hits);
  const missing = expected.filter((sequence) => !found.has(sequence));
  const wanted = new Set(expected);
  const strange = hits.filter((sequence) => !wanted.has(sequence));
  if (missing.length === 0 && strange.length === 0 && hits.length === expected.length) return undefined;
  return `"${query}": ${expected.length} expected, ${hits.length} found; missing #${missing.slice(0, 5).join(' #')}; strange #${strange.slice(0, 5).join(' #')}`;
}
