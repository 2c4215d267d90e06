// The rules of groups.
import type { GroupCommand, GroupEvent, GroupPolicy, GroupState } from '@parley/domain';
import { Role, createGroupDecider, groupDecider, groupHead, groupLimits, groupLogPage } from '@parley/domain';
import { membersPage, readersPage, spansOf } from '@parley/domain';
import type { TellEffect } from '@parley/std';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';

const address = { type: 'group', tenant: 'acme', id: 'tea' };
const nowMs = 1_000;
const spec = decidesAs(groupDecider, { address, nowMs });
const policy: GroupPolicy = { membersMax: 6, largeFrom: 4, smallTo: 2 };

type Loose = GroupEvent extends infer E
  ? E extends GroupEvent
    ? Omit<E, 'sequence' | 'atMs'>
    : never
  : never;
/** Numbers the facts from 1. */
const log = (...list: readonly Loose[]): GroupEvent[] =>
  list.map((fact, index) => ({ ...fact, sequence: index + 1, atMs: nowMs }) as GroupEvent);
const at = (sequence: number, fact: Loose): GroupEvent => ({ ...fact, sequence, atMs: nowMs }) as GroupEvent;

const created: Loose = { type: 'GroupCreated', by: 'ann', title: 'Tea', members: ['ann', 'bob'], policy };
const added = (...members: string[]): Loose => ({ type: 'MembersAdded', by: 'ann', members });
const role = (member: string, value: Role, by = 'ann'): Loose => ({
  type: 'RoleChanged',
  by,
  member,
  role: value,
});
const diffusion = (value: 1 | 2): Loose => ({ type: 'DiffusionChanged', diffusion: value });
const left = (member: string): Loose => ({ type: 'MemberLeft', member });
const removed = (member: string, by = 'ann'): Loose => ({ type: 'MemberRemoved', by, member });
const dismissed: Loose = { type: 'GroupDismissed', by: 'ann' };
const posted: Loose = { type: 'MessagePosted', sender: 'bob', clientMessageId: 'c1', text: 'hi' };
const post = (sender = 'bob'): GroupCommand => ({
  type: 'PostMessage',
  sender,
  clientMessageId: 'c1',
  text: 'hi',
  afterClientMessageId: '',
});
const replay = (...events: readonly GroupEvent[]): GroupState =>
  events.reduce(groupDecider.evolve, groupDecider.initialState(address));

/** What the effects come to: who is told with which membership and diffusion, and whether something is published. */
const summary = (events: readonly GroupEvent[]) => {
  const state = replay(...events);
  const last = events.at(-1) as GroupEvent;
  return groupDecider.effectsOf(last, state).map((effect) => {
    if (effect.kind !== 'tell') return effect.kind;
    const { membership, diffusion: told } = effect.command as { membership: number; diffusion: number };
    return `tell ${effect.ids.join(' ')} membership ${membership} diffusion ${told}`;
  });
};

describe('group: CreateGroup', () => {
  const create = {
    type: 'CreateGroup',
    by: 'ann',
    title: 'Tea',
    members: ['bob', 'ann', 'bob'],
    policy,
  } as const;

  it('makes the creator the owner and tells everybody that they joined', () => {
    const { state } = spec
      .given()
      .when(create)
      .thenEvents(...log(created));
    expect(state.members.get('ann')?.role).toBe(Role.OWNER);
    expect(summary(log(created))).toEqual(['tell ann bob membership 1 diffusion 1']);
  });

  it('starts large when there are many', () => {
    const members = ['ann', 'bob', 'cat', 'dan'];
    spec
      .given()
      .when({ ...create, members })
      .thenEvents(...log({ ...created, members } as Loose, diffusion(2)));
  });

  it('refuses a second creation, too many members and nonsense', () => {
    spec
      .given(...log(created))
      .when(create)
      .thenRefused('ALREADY_EXISTS');
    const seven = ['a', 'b', 'c', 'd', 'e', 'f'];
    spec
      .given()
      .when({ ...create, members: seven })
      .thenRefused('GROUP_FULL');
    spec
      .given()
      .when({ ...create, policy: { ...policy, smallTo: 4 } })
      .thenRefused('BAD_REQUEST');
    spec
      .given()
      .when({ ...create, title: 'x'.repeat(201) })
      .thenRefused('BAD_REQUEST');
    const crowd = Array.from({ length: 1_001 }, (_, index) => `u${index}`);
    spec
      .given()
      .when({ ...create, members: crowd })
      .thenRefused('BAD_REQUEST');
  });

  it('takes the default policy when none is given', () => {
    const { policy: _, ...without } = create;
    const { state } = spec.given().when(without);
    expect(state.policy).toEqual({ membersMax: 100_000, largeFrom: 500, smallTo: 400 });
  });
});

describe('group: every command', () => {
  it('is refused for a group never created', () => {
    const commands: GroupCommand[] = [
      post(),
      { type: 'AddMembers', by: 'ann', members: ['cat'] },
      { type: 'RemoveMember', by: 'ann', member: 'bob' },
      { type: 'LeaveGroup', member: 'bob' },
      { type: 'DismissGroup', by: 'ann' },
      { type: 'SetRole', by: 'ann', member: 'bob', role: Role.ADMIN },
      { type: 'MuteMember', by: 'ann', member: 'bob', mutedUntilMs: 5 },
    ];
    for (const command of commands) spec.given().when(command).thenRefused('CONVERSATION_NOT_FOUND');
    for (const command of commands.slice(0, 4)) {
      spec
        .given(...log(created, dismissed))
        .when(command)
        .thenRefused('GROUP_DISMISSED');
    }
  });
});

describe('group: PostMessage', () => {
  it('posts for members; each is told under write-diffusion', () => {
    spec
      .given(...log(created))
      .when(post())
      .thenEvents(at(2, posted));
    expect(summary(log(created, posted))).toEqual(['tell ann bob membership 0 diffusion 0']);
  });

  it('publishes only, under read-diffusion', () => {
    expect(summary(log(created, added('cat', 'dan'), diffusion(2), posted))).toEqual(['publish']);
  });

  it('answers a retry with the first answer, even of someone who may not post any more', () => {
    const history = log(created, posted, removed('bob'));
    spec
      .given(...history)
      .when(post())
      .thenNothing()
      .thenReply({
        type: 'Sent',
        conversation: 'g.tea',
        clientMessageId: 'c1',
        sequence: 2,
        sentAtMs: nowMs,
        duplicate: true,
      });
  });

  it('refuses strangers and removed members', () => {
    spec
      .given(...log(created))
      .when(post('eve'))
      .thenRefused('NOT_A_MEMBER');
    spec
      .given(...log(created, removed('bob')))
      .when(post())
      .thenRefused('NOT_A_MEMBER');
  });

  it('refuses the muted until their time is over', () => {
    const muted: Loose = { type: 'MemberMuted', by: 'ann', member: 'bob', mutedUntilMs: 2_000 };
    spec
      .given(...log(created, muted))
      .when(post(), { nowMs: 1_999 })
      .thenRefused('MUTED');
    spec
      .given(...log(created, muted))
      .when(post(), { nowMs: 2_000 })
      .thenEvents({ ...at(3, posted), atMs: 2_000 } as GroupEvent);
  });
});

describe('group: AddMembers', () => {
  const add = (...members: string[]): GroupCommand => ({ type: 'AddMembers', by: 'ann', members });

  it('adds who is not there yet; the new ones join, the others are told', () => {
    spec
      .given(...log(created))
      .when(add('bob', 'cat', 'cat'))
      .thenEvents(at(2, added('cat')));
    expect(summary(log(created, added('cat')))).toEqual([
      'tell cat membership 1 diffusion 1',
      'tell ann bob membership 0 diffusion 0',
    ]);
  });

  it('does nothing when all are members already', () => {
    spec
      .given(...log(created))
      .when(add('bob', 'ann'))
      .thenNothing();
  });

  it('turns large at the threshold, and tells everybody from which sequence on', () => {
    const events = [at(2, added('cat', 'dan')), at(3, diffusion(2))];
    spec
      .given(...log(created))
      .when(add('cat', 'dan'))
      .thenEvents(...events);
    expect(summary([...log(created), ...events])).toEqual([
      'publish',
      'tell ann bob cat dan membership 0 diffusion 2',
    ]);
  });

  it('tells only the new ones under read-diffusion', () => {
    expect(summary(log(created, added('cat', 'dan'), diffusion(2), added('eve')))).toEqual([
      'publish',
      'tell eve membership 1 diffusion 2',
    ]);
  });

  it('refuses plain members, strangers and more than fit', () => {
    spec
      .given(...log(created))
      .when({ ...add('cat'), by: 'bob' } as GroupCommand)
      .thenRefused('FORBIDDEN');
    spec
      .given(...log(created))
      .when({ ...add('cat'), by: 'eve' } as GroupCommand)
      .thenRefused('NOT_A_MEMBER');
    spec
      .given(...log(created))
      .when(add('c', 'd', 'e', 'f', 'g'))
      .thenRefused('GROUP_FULL');
  });

  it('lets admins add', () => {
    const events = log(created, role('bob', Role.ADMIN));
    spec
      .given(...events)
      .when({ ...add('cat'), by: 'bob' } as GroupCommand)
      .thenEvents(at(3, { ...added('cat'), by: 'bob' } as Loose));
  });
});

describe('group: RemoveMember', () => {
  const remove = (member: string, by = 'ann'): GroupCommand => ({ type: 'RemoveMember', by, member });
  const four = [created, added('cat', 'dan'), diffusion(2)] as const;

  it('lets the owner remove anyone else; the removed one is told that it is over', () => {
    spec
      .given(...log(created, added('cat')))
      .when(remove('bob'))
      .thenEvents(at(3, removed('bob')));
    expect(summary(log(created, added('cat'), removed('bob')))).toEqual([
      'tell bob membership 2 diffusion 0',
      'tell ann cat membership 0 diffusion 0',
    ]);
  });

  it('does nothing when repeated', () => {
    spec
      .given(...log(created, removed('bob')))
      .when(remove('bob'))
      .thenNothing();
  });

  it('lets admins remove plain members only', () => {
    const history = log(created, added('cat'), role('bob', Role.ADMIN), role('cat', Role.ADMIN));
    spec
      .given(...history)
      .when(remove('cat', 'bob'))
      .thenRefused('FORBIDDEN');
    spec
      .given(...history)
      .when(remove('ann', 'bob'))
      .thenRefused('FORBIDDEN');
    spec
      .given(...history.slice(0, 3))
      .when(remove('cat', 'bob'))
      .thenEvents(at(4, removed('cat', 'bob')));
  });

  it('refuses plain members, strangers and oneself', () => {
    spec
      .given(...log(created))
      .when(remove('ann', 'bob'))
      .thenRefused('FORBIDDEN');
    spec
      .given(...log(created))
      .when(remove('bob', 'eve'))
      .thenRefused('NOT_A_MEMBER');
    spec
      .given(...log(created))
      .when(remove('ann'))
      .thenRefused('FORBIDDEN');
  });

  it('turns small only at the lower threshold', () => {
    spec
      .given(...log(...four))
      .when(remove('dan'))
      .thenEvents(at(4, removed('dan')));
    spec
      .given(...log(...four, removed('dan')))
      .when(remove('cat'))
      .thenEvents(at(5, removed('cat')), at(6, diffusion(1)));
    expect(summary(log(...four, removed('dan'), removed('cat'), diffusion(1)))).toEqual([
      'publish',
      'tell ann bob membership 0 diffusion 1',
    ]);
    expect(summary(log(...four, removed('dan')))).toEqual(['tell dan membership 2 diffusion 0', 'publish']);
  });
});

describe('group: LeaveGroup', () => {
  const leave = (member: string): GroupCommand => ({ type: 'LeaveGroup', member });

  it('lets members go, once', () => {
    spec
      .given(...log(created))
      .when(leave('bob'))
      .thenEvents(at(2, left('bob')));
    spec
      .given(...log(created, left('bob')))
      .when(leave('bob'))
      .thenNothing();
    spec
      .given(...log(created))
      .when(leave('eve'))
      .thenRefused('NOT_A_MEMBER');
  });

  it('hands over to the oldest admin, else to the oldest member', () => {
    const history = log(created, added('cat'));
    spec
      .given(...history)
      .when(leave('ann'))
      .thenEvents(at(3, left('ann')), at(4, role('bob', Role.OWNER)));
    spec
      .given(...history, at(3, role('cat', Role.ADMIN)))
      .when(leave('ann'))
      .thenEvents(at(4, left('ann')), at(5, role('cat', Role.OWNER)));
  });

  it('dismisses with the last one', () => {
    const history = log(created, left('bob'));
    const events = [at(3, left('ann')), at(4, dismissed)];
    spec
      .given(...history)
      .when(leave('ann'))
      .thenEvents(...events);
    spec
      .given(...history, ...events)
      .when(leave('ann'))
      .thenNothing();
    expect(summary([...history, ...events])).toEqual([]);
  });
});

describe('group: DismissGroup', () => {
  const dismiss = (by = 'ann'): GroupCommand => ({ type: 'DismissGroup', by });

  it('is the owner’s, once, and tells everybody that it is over', () => {
    spec
      .given(...log(created))
      .when(dismiss())
      .thenEvents(at(2, dismissed));
    spec
      .given(...log(created, dismissed))
      .when(dismiss())
      .thenNothing();
    spec
      .given(...log(created, dismissed))
      .when(dismiss('bob'))
      .thenRefused('GROUP_DISMISSED');
    spec
      .given(...log(created))
      .when(dismiss('bob'))
      .thenRefused('FORBIDDEN');
    spec
      .given(...log(created))
      .when(dismiss('eve'))
      .thenRefused('NOT_A_MEMBER');
    expect(summary(log(created, dismissed))).toEqual(['tell ann bob membership 2 diffusion 0']);
    const large = log(created, added('cat', 'dan'), diffusion(2), dismissed);
    expect(summary(large)).toEqual(['publish', 'tell ann bob cat dan membership 2 diffusion 0']);
  });

  it('still answers a retry of a message, and refuses new ones', () => {
    spec
      .given(...log(created, posted, dismissed))
      .when(post())
      .thenNothing();
    spec
      .given(...log(created, dismissed))
      .when(post())
      .thenRefused('GROUP_DISMISSED');
  });
});

describe('group: SetRole', () => {
  const set = (member: string, value: number, by = 'ann') =>
    ({ type: 'SetRole', by, member, role: value as Role }) as const;

  it('is the owner’s; repeating changes nothing', () => {
    spec
      .given(...log(created))
      .when(set('bob', Role.ADMIN))
      .thenEvents(at(2, role('bob', Role.ADMIN)));
    spec
      .given(...log(created, role('bob', Role.ADMIN)))
      .when(set('bob', Role.ADMIN))
      .thenNothing();
    spec
      .given(...log(created))
      .when(set('ann', Role.ADMIN, 'bob'))
      .thenRefused('FORBIDDEN');
    spec
      .given(...log(created))
      .when(set('bob', Role.ADMIN, 'eve'))
      .thenRefused('NOT_A_MEMBER');
    spec
      .given(...log(created))
      .when(set('eve', Role.ADMIN))
      .thenRefused('NOT_A_MEMBER');
    spec
      .given(...log(created))
      .when(set('ann', Role.MEMBER))
      .thenRefused('FORBIDDEN');
    spec
      .given(...log(created))
      .when(set('bob', 0))
      .thenRefused('BAD_REQUEST');
  });

  it('hands the group over; the old owner becomes an admin', () => {
    const { state } = spec
      .given(...log(created))
      .when(set('bob', Role.OWNER))
      .thenEvents(at(2, role('bob', Role.OWNER)), at(3, role('ann', Role.ADMIN)));
    expect([...state.members.byId.values()].filter((member) => member.role === Role.OWNER)).toHaveLength(1);
  });
});

describe('group: MuteMember', () => {
  const mute = (member: string, mutedUntilMs: number, by = 'ann') =>
    ({ type: 'MuteMember', by, member, mutedUntilMs }) as const;
  const muted = (mutedUntilMs: number): Loose => ({
    type: 'MemberMuted',
    by: 'ann',
    member: 'bob',
    mutedUntilMs,
  });

  it('mutes and lifts; repeating changes nothing', () => {
    spec
      .given(...log(created))
      .when(mute('bob', 5_000))
      .thenEvents(at(2, muted(5_000)));
    spec
      .given(...log(created, muted(5_000)))
      .when(mute('bob', 5_000))
      .thenNothing();
    const { state } = spec
      .given(...log(created, muted(5_000)))
      .when(mute('bob', 0))
      .thenEvents(at(3, muted(0)));
    expect(state.members.get('bob')?.mutedUntilMs).toBe(0);
  });

  it('is for those above', () => {
    spec
      .given(...log(created))
      .when(mute('ann', 5, 'bob'))
      .thenRefused('FORBIDDEN');
    spec
      .given(...log(created))
      .when(mute('ann', 5))
      .thenRefused('FORBIDDEN');
    spec
      .given(...log(created))
      .when(mute('eve', 5))
      .thenRefused('NOT_A_MEMBER');
    spec
      .given(...log(created, role('bob', Role.ADMIN)))
      .when(mute('ann', 5, 'bob'))
      .thenRefused('FORBIDDEN');
  });
});

describe('group: membership lists', () => {
  it('gives one array of members until the membership changes', () => {
    const told = (state: GroupState, event: GroupEvent) =>
      (groupDecider.effectsOf(event, state).find((effect) => effect.kind === 'tell') as TellEffect).ids;
    const state = replay(...log(created, posted));
    const before = told(state, at(2, posted));
    groupDecider.evolve(state, at(3, { ...posted, clientMessageId: 'c2' } as Loose));
    expect(told(state, at(3, posted))).toBe(before);
    groupDecider.evolve(state, at(4, added('cat')));
    groupDecider.evolve(state, at(5, { ...posted, clientMessageId: 'c3' } as Loose));
    expect(told(state, at(5, posted))).toEqual(['ann', 'bob', 'cat']);
    expect(before).toEqual(['ann', 'bob']);
  });

  it('adds one of 100,000 without walking over the others', () => {
    const state = replay(...log({ ...created, policy: { ...policy, membersMax: 200_000 } } as Loose));
    const crowd = Array.from({ length: 100_000 }, (_, index) => `u${index}`);
    groupDecider.evolve(state, at(2, added(...crowd.slice(0, 1))));
    groupDecider.evolve(state, at(3, { type: 'MembersAdded', by: 'ann', members: crowd } as Loose));
    groupDecider.evolve(state, at(4, diffusion(2)));
    state.members.ids = () => {
      throw new Error('walked over all members');
    };
    const event = at(5, added('late'));
    groupDecider.evolve(state, event);
    expect(groupDecider.effectsOf(event, state)).toHaveLength(2);
  });

  it('remembers who may read what, within limits', () => {
    const history = log(created, left('bob'), posted, added('bob'), removed('bob'));
    expect(spansOf(replay(...history), 'bob')).toEqual([
      { from: 1, to: 2 },
      { from: 4, to: 5 },
    ]);
    expect(spansOf(replay(...history), 'ann')).toEqual([{ from: 1, to: 0 }]);
    const small = createGroupDecider({ ...groupLimits, endedSpansPerUserMax: 1, formerUsersMax: 1 });
    const state = history.reduce(small.evolve, small.initialState(address));
    expect(spansOf(state, 'bob')).toEqual([{ from: 4, to: 5 }]);
    small.evolve(state, at(6, added('cat')));
    small.evolve(state, at(7, left('cat')));
    expect([spansOf(state, 'bob'), spansOf(state, 'cat')]).toEqual([[], [{ from: 6, to: 7 }]]);
  });

  it('forgets first who left longest ago, not who was there first', () => {
    const small = createGroupDecider({ ...groupLimits, formerUsersMax: 2 });
    const history = log(
      created,
      added('cat'),
      left('bob'),
      left('cat'),
      added('bob'),
      left('bob'),
      added('dan'),
      left('dan'),
    );
    const state = history.reduce(small.evolve, small.initialState(address));
    expect([...state.endedSpans.keys()]).toEqual(['bob', 'dan']);
  });

  it('shows the log within the reader’s spans, and its head', () => {
    const state = replay(...log(created, left('bob'), posted, added('cat')));
    const page = (reader: string) => {
      const answer = groupLogPage(state, { reader, from: 1, to: 0 });
      return answer.ok
        ? { seen: answer.value.messages.map((message) => message.sequence), head: answer.value.head }
        : answer.error;
    };
    expect(page('ann')).toEqual({ seen: [1, 2, 3, 4], head: 4 });
    expect(page('bob')).toEqual({ seen: [1, 2], head: 2 });
    expect(page('cat')).toEqual({ seen: [4], head: 4 });
    expect(page('eve')).toBe('NOT_A_MEMBER');
    expect(groupHead(state, { reader: 'bob', read: 0 })).toMatchObject({
      ok: true,
      value: { head: 2, isMember: false },
    });
    expect(groupHead(state, { reader: 'cat', read: 0 })).toMatchObject({
      value: { head: 4, isMember: true, firstVisible: 4 },
    });
  });

  it('pages members in rising order, for members only, while people come and go', () => {
    const state = replay(...log(created, added('dan', 'cat')));
    const page = (after: string, limit: number) => {
      const answer = membersPage(state, { reader: 'ann', after, limit });
      return answer.ok
        ? [answer.value.members.map((member) => member.user).join(' '), answer.value.more]
        : [];
    };
    expect(page('', 3)).toEqual(['ann bob cat', true]);
    expect(page('cat', 3)).toEqual(['dan', false]);
    groupDecider.evolve(state, at(3, removed('bob')));
    groupDecider.evolve(state, at(4, added('abe')));
    expect(page('', 9)).toEqual(['abe ann cat dan', false]);
    expect(page('bob', 1)).toEqual(['cat', true]);
    expect(membersPage(state, { reader: 'bob', after: '', limit: 1 })).toMatchObject({
      error: 'NOT_A_MEMBER',
    });
  });
});

it('the dismissal of a very large group is published, and told to nobody: the list would not fit into a commit', () => {
  const members = Array.from({ length: 40 }, (_, index) => `m${index}`);
  const small = createGroupDecider({ ...groupLimits, toldMembersMax: 39 });
  const state = small.initialState({ type: 'group', tenant: 't', id: 'team' });
  const run = (command: GroupCommand) => {
    const decision = small.decide(state, command, { nowMs: 1 });
    if (!decision.accepted) throw new Error(decision.code);
    return decision.events.flatMap((event) => small.effectsOf(event, small.evolve(state, event)));
  };
  run({
    type: 'CreateGroup',
    by: 'm0',
    title: 'team',
    members,
    policy: { membersMax: 100, largeFrom: 30, smallTo: 20 },
  });
  expect(run({ type: 'DismissGroup', by: 'm0' }).map(({ kind }) => kind)).toEqual(['publish']);
});

describe('group: who has read', () => {
  type Pointer = { readonly user: string; readonly sequence: number };
  const note = (...readers: readonly Pointer[]): GroupCommand => ({ type: 'NoteReads', readers });
  const noted = (...pointers: readonly Pointer[]): GroupEvent => ({ type: 'ReadsNoted', pointers });
  const written = log(created, posted);
  const ann = (sequence: number): Pointer => ({ user: 'ann', sequence });
  const readers = (query: object, ...more: readonly GroupEvent[]) => {
    const page = readersPage(replay(...written, ...more), {
      reader: 'ann',
      sequence: 2,
      after: '',
      limit: 0,
      ...query,
    });
    return page.ok ? page.value : page.error;
  };

  it('notes pointers of members that are further than before, as one fact that takes no sequence', () => {
    spec
      .given(...written)
      .when(note(ann(1), { user: 'eve', sequence: 2 }, ann(2), { user: 'bob', sequence: 2 }))
      .thenEvents(noted(ann(2)))
      .thenEffects();
    spec
      .given(...written, noted(ann(2)))
      .when(note(ann(1)))
      .thenNothing();
    spec
      .given(...written)
      .when(note(ann(9)))
      .thenEvents(noted(ann(2)));
    spec
      .given()
      .when(note(ann(1)))
      .thenRefused('CONVERSATION_NOT_FOUND');
    expect(replay(...written, noted(ann(2))).log.head).toBe(2);
  });

  it('whoever wrote has read; who came later does not count', () => {
    expect(readers({})).toEqual({ count: 1, memberCount: 2, users: ['bob'], more: false });
    expect(readers({}, noted(ann(2)))).toMatchObject({ count: 2, users: ['ann', 'bob'] });
    const late = at(3, added('abe'));
    const pointers = noted({ user: 'abe', sequence: 3 });
    expect(readers({}, late, pointers)).toMatchObject({ count: 1, memberCount: 2 });
    expect(readers({ sequence: 3 }, late, pointers)).toMatchObject({
      count: 1,
      memberCount: 3,
      users: ['abe'],
    });
  });

  it('are paged in rising order, for members who may read the message', () => {
    expect(readers({ limit: 1 }, noted(ann(2)))).toMatchObject({ users: ['ann'], count: 2, more: true });
    expect(readers({ limit: 1, after: 'ann' }, noted(ann(2)))).toMatchObject({ users: ['bob'], more: false });
    expect(readers({ reader: 'eve' })).toBe('NOT_A_MEMBER');
    expect(readers({ sequence: 3 })).toBe('MESSAGE_NOT_FOUND');
    expect(readers({ reader: 'abe' }, at(3, added('abe')))).toBe('MESSAGE_NOT_FOUND');
  });

  it('are only counted in a group beyond the limit', () => {
    const decider = createGroupDecider({ ...groupLimits, readersListedMembersMax: 1 });
    const state = written.reduce(decider.evolve, decider.initialState(address));
    const page = readersPage(state, { reader: 'ann', sequence: 2, after: '', limit: 0 });
    expect(page).toMatchObject({ value: { count: 1, users: [], more: false } });
  });
});
