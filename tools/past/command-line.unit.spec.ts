// What an operator types, and the question it becomes.
import { describe, expect, it } from 'vitest';
import { readCommandLine } from './command-line.ts';

const body = (line: string) => readCommandLine(line.split(' '))?.body;

describe('the command line', () => {
  it.each([
    [
      'conversation g.tea --sequence 7',
      { conversationAsOf: { conversation: 'g.tea', sequence: 7, atMs: 0 } },
    ],
    ['conversation g.tea --at 2026-11-21', { conversationAsOf: { atMs: Date.UTC(2026, 10, 21) } }],
    ['message g.tea 17 --at 5000', { messageVersions: { conversation: 'g.tea', sequence: 17, atMs: 5_000 } }],
    ['inbox bob --position 3 --after 2', { inboxAsOf: { user: 'bob', position: 3, after: 2 } }],
    ['retention', { retention: {} }],
    ['retention --days 0', { setRetention: { days: 0 } }],
    [
      'hold user bob --reason case-7',
      { setHold: { kind: 'user', id: 'bob', isHeld: true, reason: 'case-7' } },
    ],
    ['release conversation g.tea', { setHold: { kind: 'conversation', id: 'g.tea', isHeld: false } }],
    ['audit --limit 5', { audit: { limit: 5, before: '' } }],
  ])('%s', (line, expected) => {
    expect(body(line)).toMatchObject(expected);
  });

  it('is of tenant default unless another is named, and without a command shows help', () => {
    expect(readCommandLine(['holds'])?.tenant).toBe('default');
    expect(readCommandLine(['holds', '--tenant', 'acme'])?.tenant).toBe('acme');
    expect(readCommandLine([])).toBeUndefined();
  });

  it.each([
    'conversations',
    'hold user bob',
    'message g.tea last',
    'conversation g.tea --at soon',
    'retention --days -1',
    'holds --tenant a/b',
    'holds --what',
  ])('refuses: %s', (line) => {
    expect(() => body(line)).toThrow();
  });
});
