// What holds whatever people do: random orders to users, direct conversations and groups, with effects arriving late
// and interleaved.
import {
  type Joining,
  type PostMessage,
  type Role,
  type UserEvent,
  applyChange,
  spansOf,
  unreadOf,
} from '@parley/domain';
import { Diffusion, mentioningIn, mentionsOf } from '@parley/domain';
import { withoutContent } from '@parley/domain';
import { directCodec, groupCodec, userCodec } from '@parley/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainWorld, deciderOf } from './domain-world.ts';
import { memberView } from './member-view.ts';

const users = ['ann', 'bob', 'cat', 'dan', 'eve', 'fay', 'gus'];
const policy = { membersMax: 7, largeFrom: 5, smallTo: 4 };
const codecs = { user: userCodec, direct: directCodec, group: groupCodec } as const;

const user = fc.constantFrom(...users);
/** Mostly the owner, so that many orders are allowed. */
const actor = fc.constantFrom('ann', 'ann', 'ann', 'ann', 'ann', 'ann', ...users);
const leaver = fc.constantFrom(...users.slice(1), ...users.slice(1), ...users);
const mentions = fc
  .record({
    mentions: fc.constantFrom<readonly string[]>([], [], ['ann'], ['bob', 'dan']),
    mentionsAll: fc.constantFrom(false, false, false, true),
  })
  .map((fields) => ({ ...fields }));
const post = fc
  .record({
    sender: user,
    clientMessageId: fc.constantFrom('c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8'),
    text: fc.constantFrom('', 'hi', 'you'),
    afterClientMessageId: fc.constantFrom('', '', '', 'c1'),
    rich: fc.option(mentions, { nil: undefined }),
  })
  .map(({ rich, ...fields }) => (rich === undefined ? fields : { ...fields, rich }));
const window = { ownMs: 100, managerMs: 200 };
const change = fc
  .record({
    sender: fc.constantFrom('ann', 'ann', 'ann', 'bob', ...users),
    clientMessageId: fc.constantFrom('c1', 'e1', 'e2', 'e3', 'e4', 'e5', 'e6'),
    sequence: fc.nat(10),
    isRecall: fc.boolean(),
    text: fc.constantFrom('', 'new', 'newer'),
    told: mentions,
  })
  .map(({ isRecall, text, told, ...fields }) =>
    isRecall
      ? { type: 'RecallMessage', ...fields, window }
      : { type: 'EditMessage', ...fields, text, ...told, window },
  );
const groupOrder = fc.oneof(
  { weight: 6, arbitrary: change },
  { weight: 9, arbitrary: post.map((fields) => ({ type: 'PostMessage', ...fields })) },
  {
    weight: 4,
    arbitrary: fc
      .record({ by: actor, members: fc.array(user, { minLength: 1, maxLength: 2 }) })
      .map((fields) => ({ type: 'AddMembers', ...fields })),
  },
  {
    weight: 3,
    arbitrary: fc.record({ by: actor, member: user }).map((fields) => ({ type: 'RemoveMember', ...fields })),
  },
  { weight: 2, arbitrary: leaver.map((member) => ({ type: 'LeaveGroup', member })) },
  { weight: 1, arbitrary: user.map((by) => ({ type: 'DismissGroup', by })).filter(({ by }) => by === 'gus') },
  {
    weight: 2,
    arbitrary: fc
      .record({ by: actor, member: user, role: fc.constantFrom<Role>(0, 1, 2, 3) })
      .map((fields) => ({ type: 'SetRole', ...fields })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ by: actor, member: user, mutedUntilMs: fc.constantFrom(0, 20, 1_000) })
      .map((fields) => ({ type: 'MuteMember', ...fields })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ by: actor, member: user, isBanned: fc.boolean() })
      .map((fields) => ({ type: 'SetBan', ...fields })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ by: actor, title: fc.constantFrom('Tea', 'Coffee') })
      .map((fields) => ({ type: 'ChangeProfile', ...fields })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        by: actor,
        muteAll: fc.constantFrom(false, false, false, false, true),
        slowModeMs: fc.constantFrom(0, 3),
        joining: fc.constantFrom<Joining>(1, 2, 3),
      })
      .map((fields) => ({ type: 'ChangeSettings', ...fields })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ by: actor, member: user, nickname: fc.constantFrom('', 'nick') })
      .map((fields) => ({ type: 'SetNickname', ...fields })),
  },
  {
    weight: 1,
    arbitrary: actor.map((by) => ({
      type: 'CreateInvite',
      by,
      id: 'i1',
      code: 'sesame',
      expiresAtMs: 0,
      usesMax: 2,
    })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ user, code: fc.constantFrom('', 'sesame'), message: fc.constant('') })
      .map((fields) => ({ type: 'JoinGroup', ...fields })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ by: actor, user, isApproved: fc.boolean() })
      .map((fields) => ({ type: 'AnswerJoinRequest', ...fields })),
  },
);

const step = fc.oneof(
  { weight: 8, arbitrary: groupOrder.map((command) => ({ to: 'group', id: 'tea', command })) },
  {
    weight: 3,
    arbitrary: post.map((fields) => ({
      to: 'direct',
      id: 'ann.bob',
      command: { type: 'PostMessage', ...fields },
    })),
  },
  { weight: 3, arbitrary: change.map((command) => ({ to: 'direct', id: 'ann.bob', command })) },
  {
    weight: 3,
    arbitrary: fc
      .record({ id: user, conversation: fc.constantFrom('g.tea', 'd.ann.bob'), sequence: fc.nat(12) })
      .map(({ id, ...fields }) => ({ to: 'user', id, command: { type: 'ReadConversation', ...fields } })),
  },
  { weight: 10, arbitrary: fc.nat(50).map((choice) => ({ to: 'lane', id: '', command: choice })) },
);

const everybodyJoins = {
  type: 'CreateGroup',
  by: 'ann',
  title: 'Tea',
  members: ['bob', 'cat', 'dan'],
  policy,
};

/** Runs random steps in a fresh world, lets all effects arrive, and checks. */
function always(check: (world: DomainWorld) => void, numRuns = 100): void {
  const property = fc.property(fc.array(step, { minLength: 60, maxLength: 120 }), (steps) => {
    const world = new DomainWorld();
    world.command('group', 'tea', everybodyJoins);
    for (const { to, id, command } of steps) {
      world.nowMs++;
      if (to === 'lane') world.deliverOne(command as number);
      else if (mayRead(world, to, command)) world.command(to, id, command);
    }
    world.settle();
    check(world);
  });
  fc.assert(property, { numRuns });
}

/** The gateway compares read pointers of large groups with the group's head before it passes them on. */
function mayRead(world: DomainWorld, to: string, command: unknown): boolean {
  if (to !== 'user') return true;
  const { conversation, sequence } = command as { conversation: string; sequence: number };
  return conversation !== 'g.tea' || sequence <= world.group('tea').log.head;
}

const dense = (numbers: readonly number[]): boolean => numbers.every((number, index) => number === index + 1);

describe('whatever people do', () => {
  it('replaying the journaled facts gives the live state', () => {
    always((world) => {
      for (const { address, state, events } of world.entities()) {
        const decider = deciderOf(address.type);
        const codec = codecs[address.type as keyof typeof codecs];
        let replayed: unknown = decider.initialState(address);
        for (const event of events) {
          replayed = decider.evolve(replayed, codec.decodeEvent(codec.encodeEvent(event as never)));
        }
        expect(replayed).toStrictEqual(state);
      }
    });
  });

  it('a snapshot and the facts after it give the live state', () => {
    always((world) => {
      for (const { address, state, events } of world.entities()) {
        const decider = deciderOf(address.type);
        const codec = codecs[address.type as keyof typeof codecs];
        const middle = Math.floor(events.length / 2);
        const half: unknown = events.slice(0, middle).reduce(decider.evolve, decider.initialState(address));
        const restored: unknown = codec.decodeSnapshot(codec.encodeSnapshot(half as never), address);
        expect(restored).toStrictEqual(half);
        expect(events.slice(middle).reduce(decider.evolve, restored)).toStrictEqual(state);
      }
    });
  });

  it('sequences of a conversation are dense', () => {
    always((world) => {
      for (const [type, id] of [['group', 'tea'] as const, ['direct', 'ann.bob'] as const]) {
        expect(dense(world.logOf(type, id).map((message) => message.sequence))).toBe(true);
      }
    });
  });

  it('inbox positions are dense, and each numbered push has the next one', () => {
    always((world) => {
      for (const id of users) {
        const numbered = world.entity('user', id).pushes.filter((push) => push.position > 0);
        expect(dense(numbered.map((push) => push.position))).toBe(true);
        expect(world.user(id).inbox.last).toBe(numbered.length);
      }
    });
  });

  it('a retry never makes a second message', () => {
    always((world) => {
      for (const [type, id] of [['group', 'tea'] as const, ['direct', 'ann.bob'] as const]) {
        const posts = world.logOf(type, id).filter((message) => message.clientMessageId !== '');
        const keys = posts.map((message) => `${message.sender} ${message.clientMessageId}`);
        expect(new Set(keys).size).toBe(keys.length);
        for (const { sender, clientMessageId, sequence } of posts) {
          const repeat: PostMessage = {
            type: 'PostMessage',
            sender,
            clientMessageId,
            text: 'hi',
            afterClientMessageId: '',
          };
          const decision = world.command(type, id, repeat);
          expect(decision).toMatchObject({
            accepted: true,
            events: [],
            reply: { sequence, duplicate: true },
          });
        }
      }
    }, 60);
  });

  it('every member sees every message of their time exactly once, across all switches', () => {
    let switches = 0;
    always((world) => {
      const { head } = world.group('tea').log;
      switches += world
        .logOf('group', 'tea')
        .filter((message) => message.system?.type === 'DiffusionChanged').length;
      for (const id of users) {
        const events = world.entity('user', id).events as UserEvent[];
        const { isDismissed } = world.group('tea');
        const spans = spansOf(world.group('tea'), id).map((span) => ({
          ...span,
          to: isDismissed && span.to === 0 ? head : span.to,
        }));
        const views = memberView(events, 'g.tea', head);
        expect(views.map(({ from, to }) => ({ from, to }))).toEqual(spans);
        for (const { from, to, seen } of views) {
          const last = to === 0 ? head : to;
          expect(seen).toEqual(Array.from({ length: last - from + 1 }, (_, index) => from + index));
        }
      }
    }, 200);
    expect(switches).toBeGreaterThan(50);
  });

  it('direct messages reach both inboxes, once and in order', () => {
    always((world) => {
      const sequences = world.logOf('direct', 'ann.bob').map((message) => message.sequence);
      for (const id of ['ann', 'bob']) {
        const events = world.entity('user', id).events as UserEvent[];
        const entries = events.filter(
          (event) => event.type === 'EntryAppended' && event.conversation === 'd.ann.bob',
        );
        expect(entries.map((event) => event.type === 'EntryAppended' && event.sequence)).toEqual(sequences);
      }
    });
  });

  it('read pointers only rise, agree on both sides, and nothing unread is negative', () => {
    always((world) => {
      for (const id of users) {
        for (const conversation of world.user(id).conversations.values()) {
          expect(unreadOf(conversation)).toBeGreaterThanOrEqual(0);
          expect(conversation.read).toBeGreaterThanOrEqual(0);
        }
      }
      const direct = world.direct('ann.bob');
      const [ann, bob] = ['ann', 'bob'].map((id) => world.user(id).conversations.get('d.ann.bob'));
      expect([direct.readByFirst, direct.readBySecond]).toEqual([ann?.read ?? 0, bob?.read ?? 0]);
      expect([ann?.peerRead ?? 0, bob?.peerRead ?? 0]).toEqual([bob?.read ?? 0, ann?.read ?? 0]);
    });
  });

  it('everybody who applies the log comes to what its owner has, and nothing of a recalled message is left', () => {
    let recalls = 0;
    always((world) => {
      for (const [type, id] of [['group', 'tea'] as const, ['direct', 'ann.bob'] as const]) {
        const elements = world.logOf(type, id);
        const applied = elements.map((message) => elements.reduce(applyChange, message));
        const isRecalled = new Set(elements.flatMap(({ recalled }) => recalled?.sequence ?? []));
        recalls += isRecalled.size;
        const expected = applied.map((message) =>
          isRecalled.has(message.edited?.sequence ?? 0) ? withoutContent(message) : message,
        );
        const { tail } = world[type](id).log;
        expect(tail.messages).toEqual(expected);
      }
    });
    expect(recalls).toBeGreaterThan(3);
  });

  it('unread is what has been written by others or oneself since, without what was recalled', () => {
    always((world) => {
      const elements = world.logOf('direct', 'ann.bob');
      const recalled = new Set(elements.flatMap((each) => each.recalled?.sequence ?? []));
      for (const id of ['ann', 'bob']) {
        const conversation = world.user(id).conversations.get('d.ann.bob');
        if (conversation === undefined) continue;
        const unread = elements.filter(
          ({ sequence, text }) =>
            text !== undefined && sequence > conversation.read && !recalled.has(sequence),
        );
        expect(unreadOf(conversation)).toBe(unread.length);
      }
    });
  });

  it('unread mentions are the messages after the pointer that mention the reader as they are now', () => {
    let count = 0;
    always((world) => {
      for (const [type, id] of [['group', 'tea'] as const, ['direct', 'ann.bob'] as const]) {
        const elements = world.logOf(type, id);
        const now = elements.map((message) => elements.reduce(applyChange, message));
        for (const reader of users) {
          const known = world.user(reader).conversations.get(type === 'group' ? 'g.tea' : 'd.ann.bob');
          if (known === undefined || known.left > 0) continue;
          const expected = now.flatMap((message) => {
            const mentioning = message.text === undefined ? undefined : mentioningIn(message);
            const isMeant = mentioning?.all === true || mentioning?.users.includes(reader) === true;
            return isMeant && message.sequence > known.read ? [message.sequence] : [];
          });
          const isLarge = known.diffusion === Diffusion.READ;
          const counted = isLarge
            ? mentionsOf(world.group('tea').mentions, reader, known.read)
            : known.mentioned;
          expect(counted).toEqual(expected);
          count += expected.length;
        }
      }
    });
    expect(count).toBeGreaterThan(100);
  });

  it('spans are in order, do not overlap, and are open exactly for members', () => {
    always((world) => {
      const group = world.group('tea');
      for (const id of users) {
        const spans = spansOf(group, id);
        spans.forEach((span, index) => {
          const isLast = index === spans.length - 1;
          expect(span.to === 0).toBe(isLast && group.members.has(id));
          if (span.to !== 0) expect(span.to).toBeGreaterThan(span.from);
          const next = spans[index + 1];
          if (next !== undefined) expect(next.from).toBeGreaterThan(span.to);
        });
      }
    });
  });

  it('a group with members has exactly one owner, and the diffusion its size asks for', () => {
    always((world) => {
      const { members, isDismissed, diffusion } = world.group('tea');
      const owners = [...members.byId.values()].filter((member) => member.role === 3);
      expect(owners).toHaveLength(members.size === 0 ? 0 : 1);
      if (members.size === 0) expect(isDismissed).toBe(true);
      if (members.size >= policy.largeFrom) expect(diffusion).toBe(2);
      if (members.size <= policy.smallTo && members.size > 0) expect(diffusion).toBe(1);
    });
  });
});
