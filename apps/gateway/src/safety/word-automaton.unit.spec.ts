// The automaton finds what a plain search finds, whatever the words and the text, and is built in small steps.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WordAutomaton } from './word-automaton.ts';

function build(words: readonly string[]): { automaton: WordAutomaton; steps: number } {
  const building = WordAutomaton.building(words);
  for (let steps = 0; ; steps += 1) {
    const step = building.next();
    if (step.done === true) return { automaton: step.value, steps };
  }
}

function plainSearch(words: readonly string[], text: string): string[] {
  const found: string[] = [];
  for (const word of new Set(words))
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
      found.push(`${word} ${at + word.length}`);
  return found.sort();
}

describe('the automaton', () => {
  it('finds every occurrence of every word, also within and across others', () => {
    const letter = fc.constantFrom('a', 'b', 'ab', '词', '보');
    const word = fc.array(letter, { minLength: 1, maxLength: 5 }).map((letters) => letters.join(''));
    const text = fc.array(letter, { maxLength: 40 }).map((letters) => letters.join(''));
    fc.assert(
      fc.property(fc.uniqueArray(word, { maxLength: 12 }), text, (words, said) => {
        const found: string[] = [];
        build(words).automaton.find(said, (each, end) => found.push(`${each} ${end}`));
        expect(found.sort()).toEqual(plainSearch(words, said));
      }),
      { numRuns: 500 },
    );
  });

  it('is built in steps that leave room for messages between them', () => {
    const words = Array.from({ length: 5_000 }, (_, at) => `word${at}`);
    expect(build(words).steps).toBeGreaterThan(5);
  });
});
