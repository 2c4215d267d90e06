// The words of one tenant, compiled: one pass over a text finds all of them, in whatever disguise. Words of scripts that
// put spaces between words match as whole words, unless the list writes a star where more may follow; others match anywhere.
import { type FoldedText, fold } from './folded-text.ts';
import { WordAutomaton } from './word-automaton.ts';

/** What becomes of a message with a word in it, the strictest first. */
export const wordActions = ['reject', 'mask', 'flag'] as const;
export type WordAction = (typeof wordActions)[number];

export type WordList = Readonly<Record<WordAction, readonly string[]>>;

export interface Verdict {
  readonly isRejected: boolean;
  /** With the words to be masked made unreadable; the text as it was when there are none. */
  readonly text: string;
  /** Words that were found, as the list writes them, at most `foundWordsMax`; for moderators, not for the sender. */
  readonly words: readonly string[];
}

/** A text full of listed words is told by its first ones. */
export const foundWordsMax = 8;

interface Word {
  readonly written: string;
  readonly action: WordAction;
  /** Where the word itself has gaps, as offsets into its folded text. */
  readonly gaps: ReadonlySet<number>;
  readonly isWholeAtStart: boolean;
  readonly isWholeAtEnd: boolean;
}

/** Words whose text is folded in one step of compiling. */
const wordsPerStep = 500;

export class WordFilter {
  readonly #automaton: WordAutomaton;
  readonly #words: ReadonlyMap<string, Word>;

  private constructor(words: ReadonlyMap<string, Word>, automaton: WordAutomaton) {
    this.#words = words;
    this.#automaton = automaton;
  }

  /** Yields every millisecond or so; the filter is returned at the end. Of a word listed twice the strictest action holds. */
  static *compiling(list: WordList): Generator<void, WordFilter, void> {
    const words = new Map<string, Word>();
    let taken = 0;
    for (const action of wordActions) {
      for (const written of list[action]) {
        const folded = fold(written);
        if (folded.text !== '' && !words.has(folded.text)) {
          words.set(folded.text, wordOf(written, folded, action));
        }
        taken += 1;
        if (taken % wordsPerStep === 0) yield;
      }
    }
    return new WordFilter(words, yield* WordAutomaton.building([...words.keys()]));
  }

  /** At once: 2 to 4 microseconds a word. */
  static compile(list: WordList): WordFilter {
    const compiling = WordFilter.compiling(list);
    for (;;) {
      const step = compiling.next();
      if (step.done === true) return step.value;
    }
  }

  get size(): number {
    return this.#words.size;
  }

  /** undefined: nothing was found. */
  check(text: string): Verdict | undefined {
    const folded = fold(text);
    const found = new Set<Word>();
    let masked: string[] | undefined;
    this.#automaton.find(folded.text, (keyword, end) => {
      const word = this.#words.get(keyword)!;
      const begin = end - keyword.length;
      if (!isThere(word, folded, begin, end)) return;
      found.add(word);
      if (word.action !== 'mask') return;
      masked ??= text.split('');
      maskUnits(masked, folded, begin, end);
    });
    if (found.size === 0) return undefined;
    return {
      isRejected: [...found].some(({ action }) => action === 'reject'),
      text: masked?.join('') ?? text,
      words: [...found].slice(0, foundWordsMax).map(({ written }) => written),
    };
  }
}

function wordOf(written: string, { gaps, isSpaced }: FoldedText, action: WordAction): Word {
  const trimmed = written.trim();
  return {
    written: trimmed,
    action,
    gaps: new Set(gaps.flatMap((isGap, at) => (isGap ? [at] : []))),
    isWholeAtStart: !trimmed.startsWith('*') && isSpaced[0]!,
    isWholeAtEnd: !trimmed.endsWith('*') && isSpaced.at(-1)!,
  };
}

/** Whether the letters at `begin` up to `end` are the word: not parts of characters, of words, or of two words side by side. */
function isThere(word: Word, folded: FoldedText, begin: number, end: number): boolean {
  const { starts, gaps, text, isSpaced } = folded;
  if (begin > 0 && starts[begin] === starts[begin - 1]) return false;
  if (end < text.length && starts[end] === starts[end - 1]) return false;
  if (word.isWholeAtStart && begin > 0 && !gaps[begin] && isSpaced[begin - 1]) return false;
  if (word.isWholeAtEnd && end < text.length && !gaps[end] && isSpaced[end]) return false;
  let inside = 0;
  let strange = 0;
  for (let at = begin + 1; at < end; at += 1) {
    if (gaps[at] !== true) continue;
    inside += 1;
    if (!word.gaps.has(at - begin)) strange += 1;
  }
  // Spaced out, letter by letter; characters that need no spaces are together whatever stands between them.
  return strange === 0 || inside >= charactersIn(folded, begin, end) - 1 || !isSpaced[begin];
}

function charactersIn({ starts }: FoldedText, begin: number, end: number): number {
  let count = 0;
  for (let at = begin; at < end; at += 1) if (at === begin || starts[at] !== starts[at - 1]) count += 1;
  return count;
}

/** What stands between the letters stays: the shape of the text is no secret. */
function maskUnits(units: string[], { starts, ends }: FoldedText, begin: number, end: number): void {
  for (let at = begin; at < end; at += 1) {
    units[starts[at]!] = '*';
    for (let unit = starts[at]! + 1; unit < ends[at]!; unit += 1) units[unit] = '';
  }
}
