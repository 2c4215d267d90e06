import { expect, test } from 'vitest';
import { parseLine } from './command-line.ts';

test('plain text is said, also when it begins with two slashes', () => {
  expect(parseLine('hello there')).toEqual({ kind: 'say', text: 'hello there' });
  expect(parseLine('//etc/hosts')).toEqual({ kind: 'say', text: '/etc/hosts' });
  expect(parseLine('   ')).toEqual({ kind: 'nothing' });
});

test('commands carry their words', () => {
  expect(parseLine('/to bob')).toEqual({ kind: 'to', name: 'bob' });
  expect(parseLine('/group new team bob carol')).toEqual({
    kind: 'group-new',
    name: 'team',
    members: ['bob', 'carol'],
  });
  expect(parseLine('/group add dave')).toEqual({ kind: 'group-add', members: ['dave'] });
  expect(parseLine('/search kernel  panic')).toEqual({ kind: 'search', words: 'kernel panic' });
  expect(parseLine('/history')).toEqual({ kind: 'history', count: 20 });
  expect(parseLine('/history 5')).toEqual({ kind: 'history', count: 5 });
  const at = (...date: [number, number, number, number?, number?]) => new Date(...date).getTime();
  expect(parseLine('/history 2026-01-31')).toEqual({ kind: 'history-at', atMs: at(2026, 0, 31) });
  expect(parseLine('/history 2026-01-31T14:30')).toEqual({
    kind: 'history-at',
    atMs: at(2026, 0, 31, 14, 30),
  });
  expect(parseLine('/export the team.csv')).toEqual({ kind: 'export', file: 'the team.csv', format: 'csv' });
  expect(parseLine('/edit  what I  meant')).toEqual({ kind: 'edit', text: 'what I  meant' });
  expect(parseLine('/group announce closed today')).toEqual({
    kind: 'group-care',
    verb: 'announce',
    words: ['closed', 'today'],
  });
  expect(parseLine('/join team sesame')).toEqual({ kind: 'join', group: 'team', code: 'sesame' });
  expect(parseLine('/nick Bobby')).toEqual({ kind: 'nick', name: 'Bobby' });
  expect(parseLine('/recall')).toEqual({ kind: 'recall' });
  expect(parseLine('/quit')).toEqual({ kind: 'quit' });
});

test('what cannot be understood gets a hint', () => {
  for (const line of [
    '/nonsense',
    '/to',
    '/group',
    '/group new',
    '/group ban',
    '/join',
    '/history many',
    '/history -1',
    '/history 2026-13-31',
    '/history 2026-01-31T25:00',
    '/history 2026-1-3',
    '/export',
    '/export team.xls',
    '/search',
    '/edit',
    '/block',
    '/allow nobody',
    '/logout',
    '/contact add',
    '/contact hug bob',
  ]) {
    expect(parseLine(line).kind, line).toBe('invalid');
  }
});

test('persons: contacts and blocks', () => {
  expect(parseLine('/contacts')).toEqual({ kind: 'contacts' });
  expect(parseLine('/allow contacts')).toEqual({ kind: 'allow', whoMayWrite: 'contacts' });
  expect(parseLine('/devices')).toEqual({ kind: 'devices' });
  expect(parseLine('/logout phone-1')).toEqual({ kind: 'log-out', deviceId: 'phone-1' });
  const person = { kind: 'person', name: 'bob', text: '' };
  expect(parseLine('/block bob')).toEqual({ ...person, verb: 'block' });
  expect(parseLine('/unblock bob')).toEqual({ ...person, verb: 'unblock' });
  expect(parseLine('/contact add bob shall we?')).toEqual({ ...person, verb: 'add', text: 'shall we?' });
  expect(parseLine('/contact accept bob')).toEqual({ ...person, verb: 'accept' });
});
