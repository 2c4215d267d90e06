// What people type into a search field, and what it means.
import { describe, expect, it } from 'vitest';
import { findHighlights, parseSearchQuery } from './search-query.ts';

const meaning = (text: string) => {
  const { parts, excluded } = parseSearchQuery(text);
  const show = (part: (typeof parts)[number]) => part.words.join(' ') + (part.isPrefix ? '*' : '');
  return { all: parts.map(show), none: excluded.map(show) };
};

describe('a search text', () => {
  it.each([
    ['kernel panic', ['kernel', 'panic'], []],
    ['"kernel panic" again', ['kernel panic', 'again'], []],
    ['xorg.conf', ['xorg conf'], []],
    ['kern*', ['kern*'], []],
    ['"kernel pan*"', ['kernel pan*'], []],
    ['"kernel pan"*', ['kernel pan*'], []],
    ['xorg.co*', ['xorg co*'], []],
    ['KERN＊', ['kern*'], []],
    ['über*', ['ü ber*'], []],
    ['机器*', ['机 器'], []],
    ['foo.* *bar', ['foo', 'bar'], []],
    ['disk -floppy', ['disk'], ['floppy']],
    ['disk -"hard drive"', ['disk'], ['hard drive']],
    ['-kern* -机器人', [], ['kern*', '机 器 人']],
    ['ls --color - -', ['ls', 'color'], []],
    ['well-known a-b', ['well known', 'a b'], []],
    ['"rm -rf"', ['rm rf'], []],
    ['rm -rf', ['rm'], ['rf']],
    ['“typographic quotes” 「日本」', ['typographic quotes', '日 本'], []],
    ['"never closed words', ['never closed words'], []],
    ['-"never closed', [], ['never closed']],
    ['foo"bar baz"qux', ['foo', 'bar baz', 'qux'], []],
    ['++ .. "!" -? *', [], []],
    ['', [], []],
  ])('%j', (text, all, none) => {
    expect(meaning(text)).toEqual({ all, none });
  });
});

describe('highlights', () => {
  const marked = (text: string, query: string) =>
    findHighlights(text, parseSearchQuery(query)).map(({ start, end }) => text.slice(start, end));

  it.each([
    ['Kernel panics, kernel!', 'kern*', ['Kernel', 'kernel']],
    ['a kernel panic and panic', '"kernel panic" panic', ['kernel panic', 'panic']],
    ['Straße STRASSE', 'strasse', ['Straße', 'STRASSE']],
    ['我是机器人', '机器', ['机器']],
    ['good and bad', 'good -bad', ['good']],
    ['anything', '-bad', []],
    ['anything', '', []],
  ])('of %j for %j', (text, query, wanted) => {
    expect(marked(text, query)).toEqual(wanted);
  });
});
