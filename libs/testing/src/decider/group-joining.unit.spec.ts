// How people become members who are not added, what newcomers may read, and paging of very large groups.
import type { GroupCommand, GroupEvent, GroupPolicy, GroupState } from '@parley/domain';
import {
  Joining,
  Role,
  groupDecider,
  groupListPage,
  groupLogPage,
  groupSettings,
  membersPage,
  spansOf,
} from '@parley/domain';
import { groupCodec } from '@parley/protocol';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';
import { DomainWorld } from './domain-world.ts';

const address = { type: 'group', tenant: 'acme', id: 'tea' };
const nowMs = 1_000;
const spec = decidesAs(groupDecider, { address, nowMs });
const policy: GroupPolicy = { membersMax: 4, largeFrom: 500, smallTo: 400 };

type Loose = GroupEvent extends infer E
  ? E extends { readonly sequence: number }
    ? Omit<E, 'sequence' | 'atMs'>
    : E
  : never;
/** Numbers those of the facts that are numbered. */
function log(...list: readonly Loose[]): GroupEvent[] {
  let sequence = 0;
  return list.map(
    (fact) => (isSilent(fact) ? fact : { ...fact, atMs: nowMs, sequence: ++sequence }) as GroupEvent,
  );
}

const isSilent = ({ type }: Loose): boolean =>
  type === 'InviteCreated' || type === 'InviteRevoked' || type === 'JoinRefused';
const at = (sequence: number, fact: Loose): GroupEvent => ({ ...fact, sequence, atMs: nowMs }) as GroupEvent;
const replay = (...events: readonly GroupEvent[]): GroupState =>
  events.reduce(groupDecider.evolve, groupDecider.initialState(address));

const made: Loose = { type: 'GroupCreated', by: 'ann', title: 'Tea', members: ['ann', 'bob'], policy };
const settings = (change: object): Loose => ({
  type: 'SettingsChanged',
  by: 'ann',
  settings: { ...groupSettings, ...change },
});
const invite = (more: object = {}): Loose => ({
  type: 'InviteCreated',
  by: 'ann',
  atMs: nowMs,
  id: 'i1',
  code: 'sesame',
  expiresAtMs: 0,
  usesMax: 0,
  ...more,
});
const added = (user: string, more: object = {}): Loose => ({
  type: 'MembersAdded',
  by: user,
  members: [user],
  ...more,
});
const requested = (user: string): Loose => ({ type: 'JoinRequested', user, message: 'Please' });
const join = (user: string, code = '', message = ''): GroupCommand => ({
  type: 'JoinGroup',
  user,
  code,
  message,
});
const answer = (user: string, isApproved: boolean, by = 'ann'): GroupCommand => ({
  type: 'AnswerJoinRequest',
  by,
  user,
  isApproved,
});

describe('invites', () => {
  const create = (by = 'ann', more: object = {}): GroupCommand => ({
    type: 'CreateInvite',
    by,
    id: 'i2',
    code: 'other',
    expiresAtMs: 0,
    usesMax: 0,
    ...more,
  });

  it('are made by owner and admins, and take no sequence', () => {
    const { state } = spec.given(...log(made)).when(create());
    expect([state.log.head, state.invites?.get('i2')?.code]).toEqual([1, 'other']);
    spec
      .given(...log(made))
      .when(create('bob'))
      .thenRefused('FORBIDDEN');
    spec
      .given(...log(made))
      .when(create('ann', { expiresAtMs: nowMs }))
      .thenRefused('BAD_REQUEST');
  });

  it('let in whoever has the code, and count that', () => {
    const { state } = spec
      .given(...log(made, invite({ usesMax: 1 })))
      .when(join('eve', 'sesame'))
      .thenEvents(at(2, added('eve', { invite: 'i1' })));
    expect(state.members.get('eve')?.role).toBe(Role.MEMBER);
    spec
      .given(...log(made, invite({ usesMax: 1 }), added('eve', { invite: 'i1' })))
      .when(join('fay', 'sesame'))
      .thenRefused('INVITE_INVALID');
    spec
      .given(...log(made, invite(), added('eve')))
      .when(join('eve', 'sesame'))
      .thenNothing();
  });

  it('end with their time and when they are revoked; a wrong code opens nothing, whatever the settings', () => {
    spec
      .given(...log(made, invite({ expiresAtMs: 999 })))
      .when(join('eve', 'sesame'))
      .thenRefused('INVITE_INVALID');
    const revoked: Loose = { type: 'InviteRevoked', by: 'ann', atMs: nowMs, id: 'i1' };
    spec
      .given(...log(made, invite(), revoked))
      .when(join('eve', 'sesame'))
      .thenRefused('INVITE_INVALID');
    spec
      .given(...log(made, settings({ joining: Joining.OPEN })))
      .when(join('eve', 'wrong'))
      .thenRefused('INVITE_INVALID');
  });

  it('do not open to the banned, nor beyond the size of the group', () => {
    const ban: Loose = { type: 'BanChanged', by: 'ann', member: 'eve', isBanned: true };
    spec
      .given(...log(made, invite(), ban))
      .when(join('eve', 'sesame'))
      .thenRefused('BANNED');
    spec
      .given(...log(made, invite(), added('c'), added('d')))
      .when(join('eve', 'sesame'))
      .thenRefused('GROUP_FULL');
  });

  it('are bounded, and those of no use make room', () => {
    const many = Array.from({ length: 100 }, (_, index) => invite({ id: `i${index}`, code: `c${index}` }));
    spec
      .given(...log(made, ...many))
      .when(create('ann', { id: 'x' }))
      .thenRefused('LIMIT_REACHED');
    const expired = many.map((one) => ({ ...one, expiresAtMs: nowMs }) as Loose);
    const { state } = spec.given(...log(made, ...expired)).when(create());
    expect([...(state.invites?.keys() ?? [])]).toEqual(['i2']);
  });
});

describe('requests', () => {
  const asking = settings({ joining: Joining.REQUEST });

  it('wait for owner and admins, once', () => {
    const state = replay(...log(made, asking));
    expect(groupDecider.decide(state, join('eve', '', 'Please'), { nowMs })).toEqual({
      accepted: true,
      events: [at(3, requested('eve'))],
      reply: { type: 'Done', isPending: true },
    });
    spec
      .given(...log(made, asking, requested('eve')))
      .when(join('eve', '', 'Please!'))
      .thenNothing();
    const page = groupListPage(replay(...log(made, asking, requested('eve'))), {
      reader: 'ann',
      list: 'requests',
      after: '',
      limit: 0,
    });
    expect(page).toMatchObject({ ok: true, value: { elements: [{ user: 'eve', message: 'Please' }] } });
  });

  it('are approved or refused by owner and admins', () => {
    const history = log(made, asking, requested('eve'));
    spec
      .given(...history)
      .when(answer('eve', true, 'bob'))
      .thenRefused('FORBIDDEN');
    const approved = spec.given(...history).when(answer('eve', true));
    approved.thenEvents(at(4, { ...added('eve'), by: 'ann' } as Loose));
    expect(approved.state.requests).toBeUndefined();
    const { state } = spec.given(...history).when(answer('eve', false));
    expect([state.requests, state.members.has('eve'), state.log.head]).toEqual([undefined, false, 3]);
    spec
      .given(...log(made, asking))
      .when(answer('eve', true))
      .thenRefused('REQUEST_NOT_FOUND');
  });

  it('do not show their message in the log', () => {
    const state = replay(...log(made, asking, requested('eve')));
    const page = groupLogPage(state, { reader: 'bob', from: 3, to: 3 });
    expect(page.ok && page.value.messages[0]?.system).toEqual({ type: 'JoinRequested', user: 'eve' });
  });

  it('are not taken where only invites count, and not needed where it is open', () => {
    spec
      .given(...log(made))
      .when(join('eve'))
      .thenRefused('FORBIDDEN');
    spec
      .given(...log(made, settings({ joining: Joining.OPEN })))
      .when(join('eve'))
      .thenEvents(at(3, added('eve')));
    spec
      .given(...log(made, asking))
      .when(join('eve', '', 'x'.repeat(201)))
      .thenRefused('BAD_REQUEST');
  });

  it('are gone when the one who asks is added or banned', () => {
    const ban: Loose = { type: 'BanChanged', by: 'ann', member: 'eve', isBanned: true };
    for (const end of [added('eve'), ban])
      expect(replay(...log(made, asking, requested('eve'), end)).requests).toBeUndefined();
  });
});

describe('history for newcomers', () => {
  const visible = settings({ historyVisible: true, joining: Joining.OPEN });
  const left = (member: string): Loose => ({ type: 'MemberLeft', member });

  it('is hidden unless it is shown', () => {
    expect(spansOf(replay(...log(made, added('eve'))), 'eve')).toEqual([{ from: 2, to: 0 }]);
    const { state } = spec.given(...log(made, visible)).when(join('eve'));
    expect(spansOf(state, 'eve')).toEqual([{ from: 1, to: 0 }]);
    const page = groupLogPage(state, { reader: 'eve', from: 1, to: 0 });
    expect(page.ok && page.value.messages.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('shows who comes back what was said meanwhile, and nothing that was hidden before', () => {
    const { state } = spec.given(...log(made, added('eve'), left('eve'), visible)).when(join('eve'));
    expect(spansOf(state, 'eve')).toEqual([
      { from: 2, to: 3 },
      { from: 4, to: 0 },
    ]);
  });

  it('ends with the membership, and survives a snapshot', () => {
    const state = replay(...log(made, visible, added('eve', { firstVisible: [1] }), left('eve')));
    expect(spansOf(state, 'eve')).toEqual([{ from: 1, to: 4 }]);
    const joined = replay(...log(made, visible, added('eve', { firstVisible: [1] })));
    expect(groupCodec.decodeSnapshot(groupCodec.encodeSnapshot(joined), address)).toStrictEqual(joined);
  });

  it('reaches the newcomer’s own conversation, unread from the joining on', () => {
    const world = new DomainWorld();
    world.command('group', 'tea', { type: 'CreateGroup', by: 'ann', title: 'Tea', members: ['bob'], policy });
    world.command('group', 'tea', { type: 'ChangeSettings', by: 'ann', historyVisible: true });
    world.command('group', 'tea', { type: 'AddMembers', by: 'ann', members: ['eve'] });
    world.settle();
    expect(world.user('eve').conversations.get('g.tea')).toMatchObject({ firstVisible: 1, read: 2, head: 3 });
    expect(world.user('bob').conversations.get('g.tea')).toMatchObject({ firstVisible: 1 });
  });
});

describe('a group of 100,000', () => {
  it('pages its members: each once, in order, while people come and go', () => {
    const count = 100_000;
    const state = replay(...log({ ...made, policy: { ...policy, membersMax: 200_000 } } as Loose));
    const crowd = Array.from({ length: count }, (_, index) => `m${String(index * 2).padStart(6, '0')}`);
    for (let first = 0; first < count; first += 1_000)
      groupDecider.evolve(
        state,
        at(state.log.head + 1, {
          type: 'MembersAdded',
          by: 'ann',
          members: crowd.slice(first, first + 1_000),
        }),
      );
    const restored = groupCodec.decodeSnapshot(groupCodec.encodeSnapshot(state), address);
    const seen: string[] = [];
    for (let after = '', more = true; more; after = seen.at(-1)!) {
      const page = membersPage(restored, { reader: 'ann', after, limit: 1_000 });
      if (!page.ok) throw new Error(page.error);
      seen.push(...page.value.members.map(({ user }) => user));
      more = page.value.more;
      // One comes behind the page, and the last of the page goes: neither is seen twice, nor hides another.
      const last = seen.at(-1)!;
      if (!more || !last.startsWith('m')) continue;
      const newcomer = `${last}-new`;
      groupDecider.evolve(restored, at(restored.log.head + 1, added(newcomer)));
      groupDecider.evolve(restored, at(restored.log.head + 1, { type: 'MemberLeft', member: last }));
    }
    expect(seen).toEqual([...new Set(seen)].toSorted());
    const here = new Set(seen);
    expect(crowd.filter((user) => !here.has(user))).toEqual([]);
    expect(seen.filter((user) => user.endsWith('-new')).length).toBe(Math.ceil(seen.length / 1_000) - 1);
    expect(here.has('ann') && here.has('bob')).toBe(true);
  }, 60_000);
});
