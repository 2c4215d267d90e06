// Search quality: for more than 200 words, phrases, beginnings and mixtures in six languages, in code, addresses and emoji,
// what is found is what somebody finds who reads everything (plain-search.ts).
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '@parley/adapters';
import { internal } from '@parley/protocol';
import { seededRandom } from '@parley/std';
import { type Wanted, asTyped, plainMatch, plainWords, sampleTerms } from '@parley/testing';
import { channelLines, dialogues } from '../testing/corpus.ts';
import { type HistoryBench, openHistoryBench } from '../testing/history-bench.ts';
import { insertMemberships, insertMessages } from '../testing/message-rows.ts';
import { search } from './search-reader.ts';

const perLanguage = 30;
const linesPerLanguage = 700;
/** A search that more messages match than this says little and takes long. */
const matchesMax = 300;

const written: readonly string[] = [
  'See https://example.org/a/b_c?x=1&y=2#part or http://example.org:8080/ü',
  'git checkout -b fix/parley-12 && npm run test -- --watch=false',
  'if (foo_bar(baz)->qux != NULL) { return x[i] << 2; }',
  'std::vector<int> v{1,2,3}; // C++ and C# and F#',
  'const être = (ñandú: string) => `Straße ${ñandú}`;',
  '😀 good morning 👍🏽 see you 👩‍👩‍👧‍👦 soon ☺️',
  '😀😀 明日は雨です ☔️ umbrella',
  'ｶﾞﾝﾊﾞﾚ ガンバレ がんばれ',
  'ＦＵＬＬ width ①②③ ﬁne Ⅷ ½',
  '我用 Python3 写了 hello_world.py，运行在 Ubuntu 22.04',
  '東京でKubernetesの勉強会 v1.29',
  "don't can't l'été aujourd'hui naïve façade",
  'soft\u00adhyphen and zero\u200bwidth and no\u00a0break',
  'ΣΊΣΥΦΟΣ Σίσυφος İstanbul ISPARTA ısparta',
  'user@example.org 192.168.0.1 2026-01-31T10:00:00Z 0xDEADBEEF',
];

const languages = new Map<string, string[]>();
const texts: string[] = [];
let words: readonly (readonly string[])[] = [];
let bench: HistoryBench;

beforeAll(async () => {
  for (const { lang, lines } of dialogues(Infinity))
    languages.set(lang, [...(languages.get(lang) ?? []), ...lines]);
  for (const [lang, lines] of languages) languages.set(lang, lines.slice(0, linesPerLanguage));
  const channel = channelLines(2_000);
  if (channel.length > 0) languages.set('channel', [...channel]);
  languages.set('written', [...written]);
  for (const lines of languages.values()) texts.push(...lines);
  words = texts.map(plainWords);
  bench = await openHistoryBench();
  await migrate(bench.clickHouse);
  await insertMemberships(bench.clickHouse, [['ann', 'g.all', 1, true]]);
  const rows = texts.map((text, index) => ({ conversation: 'g.all', sequence: index + 1, text }));
  // In several parts, as it comes.
  for (let from = 0; from < rows.length; from += 3_000)
    await insertMessages(bench.clickHouse, rows.slice(from, from + 3_000));
});
afterAll(() => bench.close());

/** Sequences found, over all pages. */
async function found(text: string): Promise<number[]> {
  const sequences: number[] = [];
  let cursor = '';
  do {
    const request = { tenant: 'acme', user: 'ann', text, limit: 100, sort: 'oldest', cursor };
    const answer = await search(bench.clickHouse, internal.SearchRequest.create(request), () =>
      Promise.resolve(Date.UTC(2030, 0)),
    );
    for (const { message } of answer.hits ?? []) sequences.push(message?.sequence ?? 0);
    cursor = answer.nextCursor ?? '';
  } while (cursor !== '');
  return sequences;
}

const readEverything = (wanted: readonly Wanted[]): number[] =>
  words.flatMap((one, index) => (plainMatch(one, wanted) ? [index + 1] : []));

describe('what is found is what a full scan finds', () => {
  it.each(['chinese', 'english', 'japanese', 'german', 'french', 'spanish', 'channel', 'written'])(
    '%s',
    async (language) => {
      // Without the corpus there are fewer languages, and fewer terms in each.
      const lines = languages.get(language) ?? written;
      const terms = sampleTerms(lines, perLanguage, seededRandom(7)).filter((wanted) =>
        wanted.some(({ text, isExcluded }) => !isExcluded && plainWords(text).length > 0),
      );
      expect(terms.length).toBeGreaterThan(lines.length > 100 ? 25 : 5);
      let matched = 0;
      for (const wanted of terms) {
        const truth = readEverything(wanted);
        if (truth.length > matchesMax) continue;
        matched += truth.length;
        const typed = asTyped(wanted);
        expect([typed, await found(typed)]).toEqual([typed, truth]);
      }
      expect(matched).toBeGreaterThan(terms.length / 2);
    },
  );
});
