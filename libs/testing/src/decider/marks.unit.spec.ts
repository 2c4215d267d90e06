// Putting emojis on messages and pinning them, in direct conversations and in groups.
import type { LogMessage, MessagePosted, MessageReacted, PinMessage, ReactToMessage } from '@parley/domain';
import {
  conversationLimits,
  createDirectDecider,
  directDecider,
  directLogPage,
  groupDecider,
  groupLogPage,
} from '@parley/domain';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';

const nowMs = 5_000;
const address = { type: 'direct', tenant: 'acme', id: 'ann.bob' };
const spec = decidesAs(directDecider, { address, nowMs });
const posted = (sequence: number): MessagePosted => ({
  type: 'MessagePosted',
  sequence,
  sender: 'ann',
  clientMessageId: `p${sequence}`,
  atMs: 1_000,
  text: 'hi',
});
const react = (sequence: number, more: Partial<ReactToMessage> = {}): ReactToMessage => ({
  type: 'ReactToMessage',
  sender: 'bob',
  sequence,
  emoji: '👍',
  isRemoved: false,
  ...more,
});
const reacted = (
  sequence: number,
  target: number,
  counts: Record<string, number>,
  more: Partial<MessageReacted> = {},
): MessageReacted => ({
  type: 'MessageReacted',
  sequence,
  by: 'bob',
  atMs: nowMs,
  target,
  emoji: '👍',
  isRemoved: false,
  counts: Object.entries(counts).map(([emoji, count]) => ({ emoji, count })),
  ...more,
});
const pin = (sequence: number, more: Partial<PinMessage> = {}): PinMessage => ({
  type: 'PinMessage',
  sender: 'bob',
  sequence,
  isRemoved: false,
  ...more,
});
const pinned = (sequence: number, target: number, by = 'bob') =>
  ({ type: 'MessagePinned', sequence, by, atMs: nowMs, target }) as const;
const pageOf = (state: Parameters<typeof directLogPage>[0], reader: string) => {
  const page = directLogPage(state, { reader, from: 1, to: 0 });
  if (!page.ok) throw new Error(page.error);
  return page.value;
};

describe('ReactToMessage', () => {
  it('takes the next sequence, tells both, and each sees counts and their own', () => {
    const element: LogMessage = {
      conversation: 'd.ann.bob',
      sequence: 2,
      sender: 'bob',
      clientMessageId: '',
      sentAtMs: nowMs,
      system: {
        type: 'MessageReacted',
        sequence: 1,
        emoji: '👍',
        isRemoved: false,
        reactions: [{ emoji: '👍', count: 1 }],
      },
    };
    const { state } = spec
      .given(posted(1))
      .when(react(1))
      .thenEvents(reacted(2, 1, { '👍': 1 }))
      .thenReply({ type: 'Done' })
      .thenEffects({
        kind: 'tell',
        type: 'user',
        ids: ['ann', 'bob'],
        command: { type: 'Deliver', message: element, membership: 0, diffusion: 0, title: '' },
      });
    const shown = (own: boolean) => [
      { target: 1, revision: 2, reactions: [{ emoji: '👍', count: 1, own, users: ['bob'] }] },
    ];
    expect(pageOf(state, 'bob').reactions).toEqual(shown(true));
    expect(pageOf(state, 'ann').reactions).toEqual(shown(false));
  });

  it('counts a person once for each emoji, and takes back only what is there', () => {
    const given = [posted(1), reacted(2, 1, { '👍': 1 })];
    spec
      .given(...given)
      .when(react(1))
      .thenNothing()
      .thenReply({ type: 'Done' });
    spec
      .given(...given)
      .when(react(1, { emoji: '😺' }))
      .thenEvents(reacted(3, 1, { '👍': 1, '😺': 1 }, { emoji: '😺' }));
    spec
      .given(...given)
      .when(react(1, { isRemoved: true }))
      .thenEvents(reacted(3, 1, {}, { isRemoved: true }));
    spec
      .given(...given)
      .when(react(1, { sender: 'ann', isRemoved: true }))
      .thenNothing();
  });

  it('is refused on what is no message, for strangers, and beyond the limits', () => {
    spec.given(posted(1)).when(react(2)).thenRefused('MESSAGE_NOT_FOUND');
    spec
      .given(posted(1))
      .when(react(1, { sender: 'eve' }))
      .thenRefused('NOT_A_MEMBER');
    spec
      .given(posted(1))
      .when(react(1, { emoji: '' }))
      .thenRefused('BAD_CONTENT');
    spec
      .given(posted(1))
      .when(react(1, { emoji: 'x'.repeat(65) }))
      .thenRefused('CONTENT_TOO_LARGE');
    spec
      .given(posted(1), reacted(2, 1, { '👍': 1 }))
      .when(react(2))
      .thenRefused('FORBIDDEN');
    const narrow = { ...conversationLimits, emojisPerMessageMax: 1, reactionsPerMessageMax: 2 };
    const small = decidesAs(createDirectDecider(narrow), { address, nowMs }).given(
      posted(1),
      reacted(2, 1, { '👍': 1 }),
      reacted(3, 1, { '👍': 2 }, { by: 'ann' }),
    );
    small.when(react(1, { emoji: '😺' })).thenRefused('REACTIONS_FULL');
    small.when(react(1, { isRemoved: true })).thenEvents(reacted(4, 1, { '👍': 1 }, { isRemoved: true }));
  });

  it('reactions of the oldest messages are forgotten first, and those take no more', () => {
    const limits = { ...conversationLimits, reactedMessagesMax: 2 };
    const given = decidesAs(createDirectDecider(limits), { address, nowMs }).given(
      ...[1, 2, 3].map(posted),
      ...[3, 1, 2].map((target, index) => reacted(4 + index, target, { '👍': 1 })),
    );
    given.when(react(1)).thenRefused('TOO_LATE');
    const { state } = given
      .when(react(3, { sender: 'ann' }))
      .thenEvents(reacted(7, 3, { '👍': 2 }, { by: 'ann' }));
    expect(
      pageOf(state, 'ann')
        .reactions.map(({ target }) => target)
        .sort(),
    ).toEqual([2, 3]);
  });
});

it('what pages are told of reactions fits into an answer, the newest messages first', () => {
  const limits = { ...conversationLimits, reactionsMax: 1_000_000 };
  const decider = createDirectDecider(limits);
  const emojis = Array.from({ length: 20 }, (_, index) => `${index}`.padEnd(64, 'x'));
  let state = decider.initialState(address);
  for (let sequence = 1; sequence <= 200; sequence++) state = decider.evolve(state, posted(sequence));
  let sequence = 200;
  for (let target = 1; target <= 200; target++)
    for (const emoji of emojis)
      state = decider.evolve(state, reacted(++sequence, target, { [emoji]: 1 }, { emoji }));
  const { reactions } = pageOf(state, 'bob');
  expect(reactions[0]).toMatchObject({ target: 200 });
  expect(reactions.length).toBeGreaterThan(50);
  expect(reactions.length).toBeLessThan(200);
  expect(JSON.stringify(reactions).length).toBeLessThan(1_000_000);
});

describe('PinMessage', () => {
  it('both of a direct pin and unpin; pages tell what is pinned', () => {
    const { state } = spec.given(posted(1), posted(2), pinned(3, 2)).when(pin(1)).thenEvents(pinned(4, 1));
    expect(pageOf(state, 'ann').pinned).toEqual([2, 1]);
    spec.given(posted(1), pinned(2, 1)).when(pin(1)).thenNothing().thenReply({ type: 'Done' });
    const unpinned = { type: 'MessageUnpinned', sequence: 3, by: 'ann', atMs: nowMs, target: 1 } as const;
    const off = spec
      .given(posted(1), pinned(2, 1))
      .when(pin(1, { sender: 'ann', isRemoved: true }))
      .thenEvents(unpinned);
    expect(pageOf(off.state, 'ann').pinned).toEqual([]);
    spec
      .given(posted(1))
      .when(pin(1, { isRemoved: true }))
      .thenNothing();
  });

  it('no more than pinnedMax', () => {
    const few = createDirectDecider({ ...conversationLimits, pinnedMax: 1 });
    decidesAs(few, { address, nowMs })
      .given(posted(1), posted(2), pinned(3, 1))
      .when(pin(2))
      .thenRefused('PINS_FULL');
  });

  it('a recalled message has neither pin nor reactions', () => {
    const header = { sequence: 1, sender: 'ann', clientMessageId: 'p1', sentAtMs: 1_000, kind: 'text' };
    const recalled = {
      type: 'MessageRecalled',
      sequence: 4,
      sender: 'ann',
      clientMessageId: 'r',
      atMs: nowMs,
      target: header,
    } as const;
    const given = spec.given(posted(1), pinned(2, 1), reacted(3, 1, { '👍': 1 }), recalled);
    given.when(react(1)).thenRefused('MESSAGE_RECALLED');
    const { state } = given.when(pin(1)).thenRefused('MESSAGE_RECALLED');
    expect(pageOf(state, 'ann')).toMatchObject({ pinned: [], reactions: [] });
  });
});

describe('groups', () => {
  const tea = decidesAs(groupDecider, { address: { type: 'group', tenant: 'acme', id: 'tea' }, nowMs });
  const members = ['ann', 'bob', ...Array.from({ length: 98 }, (_, index) => `m${index}`)];
  const created = {
    type: 'GroupCreated',
    sequence: 1,
    by: 'ann',
    atMs: 1,
    title: 'Tea',
    members,
    policy: { membersMax: 1_000, largeFrom: 500, smallTo: 400 },
  } as const;

  it('owner and admins pin; members who are not muted react', () => {
    tea.given(created, posted(2)).when(pin(2)).thenRefused('FORBIDDEN');
    tea
      .given(created, posted(2))
      .when(pin(2, { sender: 'ann' }))
      .thenEvents(pinned(3, 2, 'ann'));
    tea
      .given(created, posted(2))
      .when(react(2))
      .thenEvents(reacted(3, 2, { '👍': 1 }));
    const muted = { type: 'MemberMuted', sequence: 3, by: 'ann', atMs: 1, member: 'bob' } as const;
    tea
      .given(created, posted(2), { ...muted, mutedUntilMs: nowMs + 1 })
      .when(react(2))
      .thenRefused('MUTED');
    tea
      .given(created, posted(2))
      .when(react(2, { sender: 'eve' }))
      .thenRefused('NOT_A_MEMBER');
  });

  it('in a super-large group only so many are announced that the log stays readable; pages count all of them', () => {
    const turned = { type: 'DiffusionChanged', sequence: 3, atMs: 1, diffusion: 2 } as const;
    let state = [created, posted(2), turned].reduce(
      groupDecider.evolve,
      groupDecider.initialState({ type: 'group', tenant: 'acme', id: 'tea' }),
    );
    let announced = 0;
    for (const sender of members) {
      const decision = groupDecider.decide(state, react(2, { sender }), { nowMs });
      if (!decision.accepted) throw new Error(decision.code);
      for (const event of decision.events) {
        state = groupDecider.evolve(state, event);
        const effects = groupDecider.effectsOf(event, state);
        expect(effects.length).toBe('sequence' in event && event.sequence > 0 ? 1 : 0);
        announced += effects.length;
      }
    }
    expect(announced).toBeLessThan(35);
    expect(state.log.head).toBe(3 + announced);
    const page = groupLogPage(state, { reader: 'bob', from: 1, to: 0 });
    const reactions = page.ok ? page.value.reactions[0]?.reactions : [];
    expect(reactions).toMatchObject([{ emoji: '👍', count: 100, own: true }]);
    expect(reactions?.[0]?.users).toHaveLength(20);
  });
});
