// What makes a row match a query, and how well, as SQL over the column `terms` (folded text, words parted by spaces). The same
// with and without the index: it only makes it quick.
import { type SearchPart, type SearchQuery, sqlText } from '@parley/adapters';

/** Conditions that must all hold; none for a query that asks for nothing. */
export function matchConditions({ parts, excluded }: SearchQuery): string[] {
  const words = new Set(parts.flatMap(wholeWords));
  return [
    ...(words.size > 0 ? [hasWords([...words])] : []),
    ...parts.flatMap(beyondWords),
    ...excluded.map(
      (part) => `NOT (${[hasWords(wholeWords(part)), ...beyondWords(part)].filter(Boolean).join(' AND ')})`,
    ),
  ];
}

const wholeWords = ({ words, isPrefix }: SearchPart): readonly string[] =>
  isPrefix ? words.slice(0, -1) : words;

const hasWords = (words: readonly string[]): string =>
  words.length === 0 ? '' : `hasAllTokens(terms, ${sqlText(words.join(' '))})`;

/** What a part asks for beside its whole words: their order, and how its last one begins. */
function beyondWords(part: SearchPart): string[] {
  const { words, isPrefix } = part;
  // The index knows which of its words have the beginning anywhere in them; where in them says the pattern.
  if (isPrefix)
    return [`terms LIKE ${sqlText(`%${words.at(-1)}%`)}`, `match(terms, ${sqlText(patternOf(part))})`];
  return words.length > 1 ? [`hasPhrase(terms, ${sqlText(words.join(' '))})`] : [];
}

/** Settings with which the index finds beginnings, from two characters on and with many words that have them. */
export const matchSettings = {
  text_index_like_min_pattern_length: 2,
  text_index_like_max_postings_to_read: 10_000,
};

/** A regular expression (RE2) for the words of a part, one after another, in folded text. */
function patternOf({ words, isPrefix }: SearchPart): string {
  const patterns = words.map((word, index) => {
    if (word > '\x7f') return word;
    return isPrefix && index === words.length - 1 ? `\\b${word}` : `\\b${word}\\b`;
  });
  return patterns.join('[^a-z0-9\\x{80}-\\x{10ffff}]+');
}

/** Words that a message of middling length has. */
const usualWords = 16;

/**
 * How well a row matches, 0 to 2000: by how often the parts occur in how long a text (Okapi BM25 with k1 = 1.2 and b = 0.75;
 * without rarity, since all parts occur in every hit, and so a function of the message and the query alone), and a thousand
 * more where several parts stand together in the order they were asked for.
 */
export function scoreSql({ parts }: SearchQuery): string {
  if (parts.length === 0) return 'toUInt32(0)';
  const length = `length(tokens(terms, 'splitByNonAlpha'))`;
  const shares = parts.map((part) => {
    const count = `countMatches(terms, ${sqlText(patternOf(part))})`;
    return `${count} * 2.2 / (${count} + 0.3 + 0.9 * ${length} / ${usualWords})`;
  });
  const together = { words: parts.flatMap(({ words }) => words), isPrefix: parts.at(-1)?.isPrefix ?? false };
  const hasOrder = parts.length > 1 && parts.slice(0, -1).every(({ isPrefix }) => !isPrefix);
  const bonus = hasOrder ? ` + 1000 * match(terms, ${sqlText(patternOf(together))})` : '';
  return `toUInt32(round(1000 / 2.2 * (${shares.join(' + ')}) / ${parts.length})${bonus})`;
}
