// How text becomes search terms: once as SQL for the engine's index, once in TypeScript for what people type. Both give
// the same words; literals.int.spec.ts holds them together with vectors. A change needs a new index (a migration).

/**
 * Unicode case folded and compatibility composed; `.`, `:`, `'` and `_` part words; every character beyond ASCII stands
 * alone between spaces, so that scripts without spaces are found, with any tokenizer and even without the index.
 */
export function searchTermsExpression(column: string): string {
  const folded = `translate(normalizeUTF8NFKCCasefold(${column}), '.:\\'_', '    ')`;
  return `replaceRegexpAll(${folded}, '([^\\\\x00-\\\\x7F])', ' \\\\1 ')`;
}

/** The same folding of case and form as the engine's, of a whole text or of one grapheme. */
export function foldText(text: string): string {
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
  let folded = '';
  for (const character of compose(text)) folded += foldCharacter(character);
  return compose(folded);
}

const compose = (text: string): string =>
  text.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');

/** Full case folding of Unicode by way of upper case; the characters it treats otherwise are named. */
function foldCharacter(character: string): string {
  if (character === 'ı') return character;
  if (character === 'ẞ') return 'ss';
  if (/[\u13a0-\u13ff\uab70-\uabbf]/.test(character)) return character.toUpperCase();
  let folded = '';
  for (const upper of character.toUpperCase()) folded += upper.toLowerCase();
  return folded;
}

/** One word of the index, and where it stands in the text (UTF-16 code units, end excluded). */
export interface SearchTerm {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** The terms of a text in order: runs of ASCII letters and digits, and every other character by itself. */
export const searchTerms = (text: string): SearchTerm[] => [...eachSearchTerm(text)];

/** One by one, so that a long text is only read as far as needed. */
export function* eachSearchTerm(text: string): Generator<SearchTerm, void, undefined> {
  let word = '';
  let start = 0;
  let end = 0;
  for (const { segment, index } of /^[\x00-\x7f]*$/.test(text)
    ? asciiSegments(text)
    : graphemes.segment(text)) {
    for (const character of foldText(segment)) {
      const isWord = isWordCharacter(character);
      if (isWord) {
        if (word === '') start = index;
        word += character;
        end = index + segment.length;
        continue;
      }
      if (word !== '') yield { word, start, end };
      word = '';
      if (character > '\x7f') yield { word: character, start: index, end: index + segment.length };
    }
  }
  if (word !== '') yield { word, start, end };
}

/** A segmenter is slow, and plain ASCII needs none. */
function* asciiSegments(text: string): Generator<{ segment: string; index: number }, void, undefined> {
  for (let index = 0; index < text.length; index += 1) yield { segment: text.charAt(index), index };
}

const isWordCharacter = (character: string): boolean =>
  (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
