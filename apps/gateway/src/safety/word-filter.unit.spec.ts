// What the word filter finds in whatever disguise, and what it leaves alone.
import { describe, expect, it } from 'vitest';
import { WordFilter } from './word-filter.ts';

const filter = (words: readonly string[], action: 'reject' | 'mask' | 'flag' = 'mask') =>
  WordFilter.compile({ reject: [], mask: [], flag: [], [action]: words });
const finds = (word: string, text: string) => filter([word]).check(text)?.words[0] === word;

describe('the word filter', () => {
  it.each([
    ['as written', 'a badword here'],
    ['in another case', 'BaDWoRD'],
    ['in full width', 'ｂａｄｗｏｒｄ'],
    ['with accents', 'bâdwörd'],
    ['with letters of other scripts that look alike', 'bаdwоrd'],
    ['with digits and signs for letters', 'b4dw0rd and b@dw0rd'],
    ['with invisible characters in it', 'bad\u200bw\u00ado\u2060rd'],
    ['spaced out', 'so b a d w o r d it is'],
    ['dotted', 'b.a.d.w.o.r.d'],
    ['in mathematical letters', '𝐛𝐚𝐝𝐰𝐨𝐫𝐝'],
    ['between quotes', '«badword»'],
  ])('finds a word %s', (_, text) => {
    expect(finds('badword', text)).toBe(true);
  });

  it.each([
    ['a word inside a longer one', 'ass', 'a class of its own'],
    ['the end of one word and the start of the next', 'shit', 'is hit by'],
    ['a part of a syllable', 'ᄀ', '가나'],
  ])('leaves %s alone', (_, word, text) => {
    expect(filter([word]).check(text)).toBeUndefined();
  });

  it('finds longer forms where the list has a star', () => {
    expect(finds('bad*', 'the baddest of all')).toBe(true);
    expect(finds('*bad', 'a megabad one')).toBe(true);
    expect(finds('bad*', 'a megabad one')).toBe(false);
  });

  it('finds words of scripts without spaces anywhere, also with something put between', () => {
    expect(finds('敏感词', '这是敏感词吗')).toBe(true);
    expect(finds('敏感词', '这是敏*感 词吗')).toBe(true);
    expect(finds('バカ', 'お前ﾊﾞｶか')).toBe(true);
    expect(finds('바보', '너는바보야')).toBe(true);
  });

  it('finds phrases, with and without their spaces', () => {
    expect(finds('free money', 'get FREE   money now')).toBe(true);
    expect(finds('free money', 'get freemoney now')).toBe(true);
    expect(finds('free money', 'feel free, moneyed friend')).toBe(false);
  });

  it('masks what it finds and nothing else', () => {
    expect(filter(['badword', '敏感词']).check('a b a d w o r d, and 敏感词!')?.text).toBe(
      'a * * * * * * *, and ***!',
    );
    expect(filter(['𝐛ad']).check('x 𝐛𝐚𝐝 y')?.text).toBe('x *** y');
  });

  it('says the strictest action, and which words', () => {
    const mixed = WordFilter.compile({ reject: ['never'], mask: ['rude', 'never'], flag: ['odd'] });
    expect(mixed.check('rude and odd')).toEqual({
      isRejected: false,
      text: '**** and odd',
      words: ['rude', 'odd'],
    });
    expect(mixed.check('never')).toEqual({ isRejected: true, text: 'never', words: ['never'] });
    expect(mixed.check('all is well')).toBeUndefined();
  });

  it('takes lists with nothing to find in them', () => {
    expect(filter([' ', '...', '\u200b']).size).toBe(0);
    expect(filter([]).check('anything')).toBeUndefined();
  });
});
