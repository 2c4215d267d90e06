// What a replay plays, what it leaves to happen by itself, and what it calls different.
import type { LogMessage } from '@parley/domain';
import { describe, expect, it } from 'vitest';
import { compareLogs, compareStates } from './compare.ts';
import { isAutomatic, peopleOf } from './elements.ts';

const element = (
  sequence: number,
  sender: string,
  part: Pick<LogMessage, 'text' | 'system'>,
): LogMessage => ({
  ...{ conversation: 'g.tea', sequence, sender, clientMessageId: '', sentAtMs: sequence },
  ...part,
});
const text = (sequence: number, sender: string, said: string) => element(sequence, sender, { text: said });
const left = element(1, 'ann', { system: { type: 'MemberLeft', member: 'ann' } });
const role = (sender: string, member: string) =>
  element(2, sender, { system: { type: 'RoleChanged', member, role: 3 } });

describe('what happens by itself', () => {
  it.each([
    ['who leaves hands over', role('ann', 'ben'), left, true],
    ['who hands over steps down', role('ann', 'ann'), role('ann', 'ben'), true],
    ['the last one dismisses', element(2, 'ann', { system: { type: 'GroupDismissed' } }), left, true],
    [
      'a group turns large',
      element(2, '', { system: { type: 'DiffusionChanged', diffusion: 2 } }),
      left,
      true,
    ],
    ['an owner dismisses', element(2, 'ben', { system: { type: 'GroupDismissed' } }), left, false],
    ['an owner promotes', role('cat', 'ben'), left, false],
    ['a text', text(2, 'ann', 'hi'), left, false],
  ])('%s', (_, one, before, expected) => {
    expect(isAutomatic(one, before)).toBe(expected);
  });
});

describe('the comparison', () => {
  const original = [text(5, 'ann', 'one'), text(6, 'ben', 'two'), left];

  it('finds nothing where only numbers and times differ', () => {
    const replayed = original.map((one, index) => ({ ...one, sequence: index + 1, sentAtMs: 99 }));
    expect(compareLogs(original, replayed)).toEqual([]);
  });

  it.each([
    ['another text', [text(1, 'ann', 'ONE'), original[1], left], [['different', 5]]],
    ['another sender', [text(1, 'ben', 'one'), original[1], left], [['different', 5]]],
    [
      'another order',
      [original[1], original[0], left],
      [
        ['different', 5],
        ['different', 6],
      ],
    ],
    ['another kind', [original[0], left, left], [['different', 6]]],
    ['less', original.slice(0, 2), [['missing', 1]]],
    ['more', [...original, text(8, 'cat', 'x')], [['extra', 8]]],
  ] as const)('finds %s, and never tells what was written', (_, replayed, expected) => {
    const found = compareLogs(original, replayed as LogMessage[]);
    expect(found.map(({ code, sequence }) => [code, sequence])).toEqual(expected);
    expect(JSON.stringify(found)).not.toMatch(/one|ONE|two/);
  });

  it('finds what became of the group', () => {
    const member = { user: 'ann', role: 3, mutedUntilMs: 0 };
    const state = {
      head: 9,
      title: 'Tea',
      diffusion: 1,
      isDismissed: false,
      policy: undefined,
      memberCount: 1,
      members: [member],
    };
    expect(compareStates(state, { ...state, head: 3 })).toEqual([]);
    const other = { ...state, title: 'Run', members: [{ ...member, role: 1 }] };
    expect(compareStates(state, other).map(({ what }) => what)).toEqual(['title', 'role of ann']);
  });

  it('knows everybody who must be there', () => {
    expect([...peopleOf([...original, role('cat', 'dan')])].sort()).toEqual(['ann', 'ben', 'cat', 'dan']);
  });
});
