// The word filter on its own: a list of the largest size over real texts, in this process, without a cluster.
import { seededRandom } from '@parley/std';
import { WordFilter } from '../../../apps/gateway/src/safety/word-filter.ts';
import { wordListLimits } from '../../../apps/gateway/src/safety/word-list.ts';
import { type Result, round } from '../result.ts';
import type { RunOptions, Scenario } from '../scenario.ts';
import { openLines } from '../search/lines.ts';

const textCount = 20_000;
const latin = 'abcdefghijklmnopqrstuvwxyz';
/** The first of some 20,000 characters that Chinese is written with. */
const firstHan = 0x4e00;
const hanCount = 5_000;
/** Of the words; the others are Latin. */
const hanShare = 0.3;

export const words: Scenario = {
  name: 'words',
  work: `a list of ${wordListLimits.wordsMax.toLocaleString('en')} words (--n) over texts of the corpus: what one text costs a gateway`,
  seconds: 5,
  needsNoFloors: true,
  run,
  targetsOf: () => [],
};

async function run({ seconds, n = wordListLimits.wordsMax, say }: RunOptions): Promise<Result> {
  const lines = await openLines();
  const texts = Array.from({ length: textCount }, (_, at) => lines.textAt(at, at, 1));
  const builtFromMs = performance.now();
  const filter = WordFilter.compile({ reject: [], mask: madeWords(n), flag: [] });
  const buildMs = performance.now() - builtFromMs;
  say(`${filter.size} words compiled in ${Math.round(buildMs)} ms`);
  const startedMs = performance.now();
  let looked = 0;
  let found = 0;
  while (performance.now() - startedMs < seconds * 1_000) {
    for (const text of texts) if (filter.check(text) !== undefined) found += 1;
    looked += texts.length;
  }
  const tookMs = performance.now() - startedMs;
  const characters = texts.reduce((sum, text) => sum + text.length, 0) / texts.length;
  return {
    scenario: 'words',
    seconds: round(tookMs / 1_000, 1),
    lost: 0,
    duplicated: 0,
    out_of_order: 0,
    details: {
      words: filter.size,
      build_ms: round(buildMs),
      us_per_message: round((tookMs * 1_000) / looked, 2),
      characters_per_message: round(characters, 1),
      found_share: round(found / looked, 4),
    },
  };
}

function madeWords(count: number): string[] {
  const random = seededRandom(1);
  const pick = (below: number) => Math.floor(random.next() * below);
  const made = new Set<string>();
  while (made.size < count) {
    const isHan = random.next() < hanShare;
    const length = isHan ? 2 + pick(3) : 4 + pick(8);
    const letter = () => (isHan ? String.fromCharCode(firstHan + pick(hanCount)) : latin[pick(26)]!);
    made.add(Array.from({ length }, letter).join(''));
  }
  return [...made];
}
