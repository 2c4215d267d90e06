// Text as the word filter sees it: one spelling for what looks alike. Width, case, accents, look-alikes of other scripts and
// digits put for letters are folded, invisible characters are gone, and what stands between letters is only remembered as a
// gap, so that a word spaced out is still that word. Every folded unit knows where it came from.

export interface FoldedText {
  readonly text: string;
  /** Per unit of `text`: where its character starts in the original, and where it ends. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** Per unit of `text`: something stood between it and the one before. The first has none. */
  readonly gaps: readonly boolean[];
  /** Per unit of `text`: of a script that puts spaces between words. */
  readonly isSpaced: readonly boolean[];
}

export function fold(original: string): FoldedText {
  const starts: number[] = [];
  const ends: number[] = [];
  const gaps: boolean[] = [];
  const isSpaced: boolean[] = [];
  let text = '';
  let isGap = false;
  for (let at = 0; at < original.length;) {
    const code = original.codePointAt(at)!;
    const end = at + (code > 0xffff ? 2 : 1);
    const folded = foldedCharacter(code);
    if (folded === undefined) {
      isGap = true;
    } else {
      for (let unit = 0; unit < folded.units.length; unit += 1) {
        starts.push(at);
        ends.push(end);
        gaps.push(isGap && text !== '' && unit === 0);
        isSpaced.push(folded.isSpaced);
      }
      if (folded.units !== '') isGap = false;
      text += folded.units;
    }
    at = end;
  }
  return { text, starts, ends, gaps, isSpaced };
}

interface FoldedCharacter {
  /** Nothing for what is invisible. */
  readonly units: string;
  readonly isSpaced: boolean;
}

/** Filled as characters come; undefined stands for a gap. */
const known = new Map<number, FoldedCharacter | undefined>();

/** More characters than people use in one tenant; beyond it they are folded each time. */
const knownMax = 20_000;

function foldedCharacter(code: number): FoldedCharacter | undefined {
  const before = known.get(code);
  if (before !== undefined || known.has(code)) return before;
  const letters = foldCharacter(String.fromCodePoint(code));
  const folded =
    letters === undefined ? undefined : { units: letters, isSpaced: isSpacedScript(letters.charCodeAt(0)) };
  if (known.size < knownMax) known.set(code, folded);
  return folded;
}

/** Latin, Greek, Cyrillic, Arabic, … before Hangul, and Latin with marks after it. */
const isSpacedScript = (code: number): boolean => code < 0x1100 || (code >= 0x1e00 && code < 0x2000);

function foldCharacter(character: string): string | undefined {
  if (invisible.test(character)) return '';
  const plain = character.normalize('NFKD').replaceAll(marks, '').toLowerCase();
  let folded = '';
  for (const part of plain) {
    const letter = lookAlikes.get(part) ?? part;
    if (meaningful.test(letter)) folded += letter;
  }
  return folded === '' ? (onlyMarks.test(character) ? '' : undefined) : folded;
}

const invisible = /^[\p{Default_Ignorable_Code_Point}\p{Emoji_Modifier}]$/u;
const marks = /\p{M}/gu;
const onlyMarks = /^\p{M}$/u;
const meaningful = /^[\p{L}\p{N}\p{Extended_Pictographic}]$/u;

/** Cyrillic, Greek, and digits and signs put for letters. Both words and texts are folded, so a fold need not be true. */
const lookAlikes = new Map(
  Object.entries({
    a: 'аαɑ4@',
    b: 'вβь',
    c: 'сϲ¢',
    d: 'ԁ',
    e: 'еε3€',
    g: 'ɡԍ',
    h: 'нһ',
    i: 'іιı1|¡',
    j: 'ј',
    k: 'кκ',
    l: 'ӏ',
    m: 'м',
    n: 'η',
    o: 'оο0σ',
    p: 'рρ',
    q: 'ԛ',
    s: 'ѕ5$',
    t: 'тτ7',
    u: 'υ',
    v: 'ν',
    w: 'ԝ',
    x: 'хχ',
    y: 'уγ',
  }).flatMap(([letter, looks]) => [...looks].map((look) => [look, letter] as const)),
);
