// The language of searching: what somebody types becomes parts that must occur and parts that must not.
import { type SearchTerm, eachSearchTerm, searchTerms } from './search-text.ts';

/** Words that must stand together, in this order. */
export interface SearchPart {
  readonly words: readonly string[];
  /** The last word is only the beginning of one. Always a word of letters and digits. */
  readonly isPrefix: boolean;
}

export interface SearchQuery {
  /** All of them must occur. */
  readonly parts: readonly SearchPart[];
  /** None of them may. */
  readonly excluded: readonly SearchPart[];
}

/**
 * Parts are parted by white space; "in double quotes" of any script stands a phrase, to the end
 * where they are not closed. `-` before a part excludes it, `*` behind
 * it says that its last word goes on. Whatever else there is parts words, as in messages; a part without words says nothing.
 */
export function parseSearchQuery(text: string): SearchQuery {
  const parts: SearchPart[] = [];
  const excluded: SearchPart[] = [];
  for (const { text: raw, isPrefix, isExcluded } of rawParts(text)) {
    const terms = searchTerms(raw);
    const last = terms.at(-1);
    if (last === undefined) continue;
    const part = {
      words: terms.map(({ word }) => word),
      // A character beyond ASCII is a whole word; a star behind other signs means nothing.
      isPrefix: isPrefix && last.end === raw.length && last.word <= '\x7f',
    };
    (isExcluded ? excluded : parts).push(part);
  }
  return { parts, excluded };
}

const quotes = '"“”„«»「」『』';
const partPattern = new RegExp(
  `((?<!\\S)-(?=[^\\s-]))?(?:[${quotes}]([^${quotes}]*)(?:$|[${quotes}]([*＊])?)|[^\\s${quotes}]+)`,
  'gu',
);

function* rawParts(text: string) {
  for (const [whole, minus, quoted, star] of text.matchAll(partPattern)) {
    const raw = quoted ?? whole.slice(minus === undefined ? 0 : 1);
    const isStarred = /[*＊]$/.test(raw);
    yield {
      text: isStarred ? raw.slice(0, -1) : raw,
      isPrefix: isStarred || star !== undefined,
      isExcluded: minus !== undefined,
    };
  }
}

/**
 * Where the parts of a query stand in a text, in order and not overlapping. Looks no further than `within` behind the
 * start of the first one (UTF-16 code units).
 */
export function findHighlights(
  text: string,
  query: Pick<SearchQuery, 'parts'>,
  within = Infinity,
): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  const coming = eachSearchTerm(text);
  const window: SearchTerm[] = [];
  const windowMax = Math.max(0, ...query.parts.map(({ words }) => words.length));
  // Without parts there is nothing to look for.
  while (windowMax > 0) {
    while (window.length < windowMax) {
      const next = coming.next();
      if (next.done === true) break;
      window.push(next.value);
    }
    const first = window[0];
    if (first === undefined || first.start > (found[0]?.start ?? Infinity) + within) break;
    const length = longestMatch(window, query.parts);
    const last = window[length - 1];
    if (last !== undefined) found.push({ start: first.start, end: last.end });
    window.splice(0, Math.max(1, length));
  }
  return found;
}

/** How many terms the longest part takes that the window begins with; 0 when none does. */
function longestMatch(window: readonly SearchTerm[], parts: readonly SearchPart[]): number {
  let longest = 0;
  for (const part of parts)
    if (part.words.length > longest && beginsWith(window, part)) longest = part.words.length;
  return longest;
}

function beginsWith(window: readonly SearchTerm[], { words, isPrefix }: SearchPart): boolean {
  return words.every((word, offset) => {
    const there = window[offset]?.word;
    return there === word || (isPrefix && offset === words.length - 1 && there?.startsWith(word) === true);
  });
}
