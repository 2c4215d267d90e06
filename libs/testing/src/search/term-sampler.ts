// Chooses what to search for from what was said, by a seed: words, phrases, beginnings, runs of characters, things with signs
// in them, and several of these together.
import type { Random } from '@parley/std';
import type { Wanted } from './plain-search.ts';

const termShapes = ['word', 'phrase', 'prefix', 'several', 'without', 'signs'] as const;
type TermShape = (typeof termShapes)[number];

/** `count` different searches, shapes in turn. Fewer where the texts do not have them. */
export function sampleTerms(texts: readonly string[], count: number, random: Random): (readonly Wanted[])[] {
  const chosen = new Map<string, readonly Wanted[]>();
  for (let attempt = 0; chosen.size < count && attempt < count * 50; attempt += 1) {
    const shape = termShapes[attempt % termShapes.length] as TermShape;
    const wanted = sample(shape, texts, random);
    if (wanted !== undefined) chosen.set(JSON.stringify(wanted), wanted);
  }
  return [...chosen.values()];
}

function sample(shape: TermShape, texts: readonly string[], random: Random): readonly Wanted[] | undefined {
  const text = pick(texts, random) ?? '';
  switch (shape) {
    case 'word':
      return one(wordOf(text, random));
    case 'phrase':
      return one(sliceOf(text, random));
    case 'prefix': {
      const word = pick(text.match(/[a-z]{4,}/gi) ?? [], random);
      if (word === undefined) return undefined;
      return [{ text: word.slice(0, 2 + Math.floor(random.next() * (word.length - 2))), isPrefix: true }];
    }
    case 'several': {
      const words = [wordOf(text, random), wordOf(text, random)];
      return words.every(Boolean) ? words.map((word) => ({ text: word as string })) : undefined;
    }
    case 'without': {
      const [found, excluded] = [wordOf(text, random), wordOf(pick(texts, random) ?? '', random)];
      return found && excluded ? [{ text: found }, { text: excluded, isExcluded: true }] : undefined;
    }
    case 'signs':
      // Something like xorg.conf, https://…, C++, foo_bar(): no white space, but signs.
      return one(
        pick(
          text.match(/\S*[\p{L}\p{N}][^\s\p{L}\p{N}"“”„«»「」『』*]+[\p{L}\p{N}]\S*/gu) ?? [],
          random,
        )?.replace(/["“”„«»「」『』*]/g, ''),
      );
  }
}

const one = (text: string | undefined): readonly Wanted[] | undefined =>
  text === undefined || text === '' ? undefined : [{ text }];

// An emoji with what changes its look and what joins it to others.
const wordPattern =
  /[\p{L}\p{N}\p{M}]+|\p{Extended_Pictographic}(?:\p{M}|\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic})*/gu;

/** A word between spaces; of a script without them, a run of one to three characters. */
function wordOf(text: string, random: Random): string | undefined {
  const run = pick(text.match(wordPattern) ?? [], random);
  if (run === undefined || !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(run)) return run;
  const characters = [...run];
  const from = Math.floor(random.next() * characters.length);
  return characters.slice(from, from + 1 + Math.floor(random.next() * 3)).join('');
}

/** Two or three words as they stand in the text, with whatever is between them. */
function sliceOf(text: string, random: Random): string | undefined {
  const words = [...text.matchAll(/[\p{L}\p{N}]+/gu)];
  if (words.length < 2) return undefined;
  const from = Math.floor(random.next() * (words.length - 1));
  const last = words[Math.min(words.length - 1, from + 1 + Math.floor(random.next() * 2))];
  const slice = text.slice(words[from]?.index, (last?.index ?? 0) + (last?.[0].length ?? 0));
  return /["“”„«»「」『』]/.test(slice) ? undefined : slice;
}

const pick = <T>(values: readonly T[], random: Random): T | undefined =>
  values[Math.floor(random.next() * values.length)];
