// The part of a text that shows why it was found.
import { type SearchQuery, findHighlights } from '@parley/adapters';

export interface Snippet {
  readonly snippet: string;
  highlights: { start: number; end: number }[];
}

/** Longest snippet, UTF-16 code units, marks of omission aside. */
const snippetMax = 200;
/** How much of it comes before the first match. */
const leadIn = 60;

export function snippetOf(text: string, query: SearchQuery): Snippet {
  const found = findHighlights(text, query, snippetMax);
  const first = found[0]?.start ?? 0;
  const start =
    text.length <= snippetMax
      ? 0
      : wholeCharacter(text, Math.max(0, Math.min(first - leadIn, text.length - snippetMax)));
  const end = wholeCharacter(text, Math.min(text.length, start + snippetMax));
  const before = start > 0 ? '…' : '';
  const shift = before.length - start;
  return {
    snippet: before + text.slice(start, end) + (end < text.length ? '…' : ''),
    highlights: found
      .filter((range) => range.start >= start && range.end <= end)
      .map((range) => ({ start: range.start + shift, end: range.end + shift })),
  };
}

/** The index itself, or the one before when it would split a surrogate pair. */
function wholeCharacter(text: string, index: number): number {
  return index < text.length && /[\udc00-\udfff]/.test(text.charAt(index)) ? index - 1 : index;
}
