// The rule of searching (docs/protocol.md) read by somebody who has never seen the search: what a text's words are, and whether
// it matches. Slow and simple on purpose; searches are compared with it.

/** Something to look for: its words must stand together, in their order. */
export interface Wanted {
  readonly text: string;
  /** The last word may go on. */
  readonly isPrefix?: boolean;
  /** Must not occur. */
  readonly isExcluded?: boolean;
}

/** Runs of ASCII letters and digits, and every character beyond ASCII by itself; case and form of characters do not count. */
export function plainWords(text: string): string[] {
  const ignorable = /\p{Default_Ignorable_Code_Point}/gu;
  let folded = '';
  // Letter by letter, so that a letter at the end of a word is no other one than in its middle.
  for (const letter of text.normalize('NFKC').replace(ignorable, ''))
    folded += letter === 'ı' ? letter : [...letter.toUpperCase()].map((one) => one.toLowerCase()).join('');
  return folded.normalize('NFKC').match(/[a-z0-9]+|[^\x00-\x7f]/gu) ?? [];
}

/** Whether all that is wanted occurs in a text, and nothing that is excluded. `words`: of the text. */
export function plainMatch(words: readonly string[], wanted: readonly Wanted[]): boolean {
  return wanted.every((one) => occurs(words, one) !== (one.isExcluded ?? false));
}

function occurs(words: readonly string[], { text, isPrefix = false }: Wanted): boolean {
  const looked = plainWords(text);
  return words.some((_word, at) =>
    looked.every((word, offset) => {
      const there = words[at + offset] ?? '';
      return there === word || (isPrefix && offset === looked.length - 1 && there.startsWith(word));
    }),
  );
}

/** As somebody types it into a search field. */
export const asTyped = (wanted: readonly Wanted[]): string =>
  wanted
    .map(({ text, isPrefix, isExcluded }) => {
      const needsQuotes = /\s|^-|:|\*$/.test(text);
      return `${isExcluded ? '-' : ''}${needsQuotes ? `"${text}"` : text}${isPrefix ? '*' : ''}`;
    })
    .join(' ');
