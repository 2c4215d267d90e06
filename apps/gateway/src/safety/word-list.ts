// A tenant's list of words as it is kept: which words, and what becomes of a message with one of them. Changed in steps that
// may be repeated: a word is where it was put last.
import { type Result, err, ok } from '@parley/std';
import { fold } from './folded-text.ts';
import { type WordAction, type WordList, wordActions } from './word-filter.ts';

export interface WordListLimits {
  /** Words in one list; a change that would make more is refused. */
  readonly wordsMax: number;
  /** Characters of one word. */
  readonly wordCharactersMax: number;
}

export const wordListLimits: WordListLimits = { wordsMax: 100_000, wordCharactersMax: 64 };

export interface WordChange extends Partial<WordList> {
  /** Words to be taken off, whatever their action was. */
  readonly remove?: readonly string[];
}

export const emptyWordList: WordList = { reject: [], mask: [], flag: [] };

/** The list after the change, or one line that says what is wrong with it. */
export function changeWords(
  list: WordList,
  change: WordChange,
  limits: WordListLimits,
): Result<WordList, string> {
  const actions = new Map<string, WordAction>();
  for (const action of wordActions) for (const word of list[action]) actions.set(word, action);
  for (const word of change.remove ?? []) actions.delete(word.trim());
  for (const action of wordActions) {
    for (const written of change[action] ?? []) {
      const word = written.trim();
      if (word.length > limits.wordCharactersMax)
        return err(`a word has at most ${limits.wordCharactersMax} characters`);
      if (fold(word).text === '') return err('a word needs a letter, a digit or a picture');
      actions.set(word, action);
    }
  }
  if (actions.size > limits.wordsMax) return err(`a list has at most ${limits.wordsMax} words`);
  const changed = { reject: [] as string[], mask: [] as string[], flag: [] as string[] };
  for (const [word, action] of actions) changed[action].push(word);
  return ok(changed);
}

export const wordCount = (list: WordList): number =>
  wordActions.reduce((count, action) => count + list[action].length, 0);

/** One line a word: action and word. Words have no line ends: `fold` drops them, and they are trimmed. */
export const encodeWords = (list: WordList): Uint8Array =>
  new TextEncoder().encode(
    wordActions.flatMap((action) => list[action].map((word) => `${action} ${oneLine(word)}`)).join('\n'),
  );

export function decodeWords(bytes: Uint8Array): WordList {
  const list = { reject: [] as string[], mask: [] as string[], flag: [] as string[] };
  for (const line of new TextDecoder().decode(bytes).split('\n')) {
    const space = line.indexOf(' ');
    const action = line.slice(0, space);
    if (isAction(action)) list[action].push(line.slice(space + 1));
  }
  return list;
}

const isAction = (text: string): text is WordAction => (wordActions as readonly string[]).includes(text);
const oneLine = (word: string): string => word.replaceAll(/\s+/g, ' ');
