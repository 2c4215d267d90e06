// The care of a group by owner and admins: profile, announcement, settings, bans, nicknames; and what each role may do.
import { readFileSync } from 'node:fs';
import type { GroupCommand, GroupEvent, GroupPolicy, GroupState } from '@parley/domain';
import {
  Role,
  groupDecider,
  groupListPage,
  groupSettings,
  groupView,
  leastRole,
  spansOf,
} from '@parley/domain';
import { groupCodec } from '@parley/protocol';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';

const address = { type: 'group', tenant: 'acme', id: 'tea' };
const nowMs = 1_000;
const spec = decidesAs(groupDecider, { address, nowMs });
const policy: GroupPolicy = { membersMax: 6, largeFrom: 4, smallTo: 2 };

type Loose = GroupEvent extends infer E
  ? E extends GroupEvent
    ? Omit<E, 'sequence' | 'atMs'> & { readonly atMs?: number }
    : never
  : never;
/** Numbers the facts from 1. */
const log = (...list: readonly Loose[]): GroupEvent[] => list.map((fact, index) => at(index + 1, fact));
const at = (sequence: number, fact: Loose): GroupEvent => ({ atMs: nowMs, ...fact, sequence }) as GroupEvent;
const replay = (...events: readonly GroupEvent[]): GroupState =>
  events.reduce(groupDecider.evolve, groupDecider.initialState(address));

// ann owns it, adam is an admin, bob and cat are members.
const made: Loose[] = [
  { type: 'GroupCreated', by: 'ann', title: 'Tea', members: ['ann', 'adam', 'bob'], policy },
  { type: 'RoleChanged', by: 'ann', member: 'adam', role: Role.ADMIN },
];

const given = (...more: readonly Loose[]) => spec.given(...log(...made, ...more));
const post = (sender: string, clientMessageId = 'c1'): GroupCommand => ({
  type: 'PostMessage',
  sender,
  clientMessageId,
  text: 'hi',
  afterClientMessageId: '',
});
const edit = (sender: string): GroupCommand => ({
  type: 'EditMessage',
  sender,
  clientMessageId: 'e1',
  sequence: 3,
  text: 'new',
  mentions: [],
  mentionsAll: false,
  window: { ownMs: 100, managerMs: 200 },
});
const recall = (sender: string): GroupCommand => ({
  type: 'RecallMessage',
  sender,
  clientMessageId: 'r1',
  sequence: 3,
  window: { ownMs: 100, managerMs: 200 },
});
const posted = (sender: string, clientMessageId: string, atMs = nowMs): Loose => ({
  type: 'MessagePosted',
  sender,
  clientMessageId,
  text: 'hi',
  atMs,
});
const settings = (muteAll: boolean, slowModeMs: number): Loose => ({
  type: 'SettingsChanged',
  by: 'ann',
  settings: { ...groupSettings, muteAll, slowModeMs },
});
const ban = (member: string, isBanned = true): Loose => ({
  type: 'BanChanged',
  by: 'adam',
  member,
  isBanned,
});

describe('what each role may do', () => {
  it('stands in docs/protocol.md as in the code', () => {
    const document = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8');
    const rows = [...document.matchAll(/^\| `(\w+)` +\| .*\| (yes|no) +\| (yes|no) +\| (yes|no) +\|$/gm)];
    const written = rows.map(([, action, ...marks]) => [action, marks]);
    const roles = [Role.OWNER, Role.ADMIN, Role.MEMBER];
    const meant = Object.entries(leastRole).map(([action, least]) => [
      action,
      roles.map((role) => (role >= least ? 'yes' : 'no')),
    ]);
    expect(written).toEqual(meant);
  });

  const orders: readonly GroupCommand[] = [
    { type: 'ChangeProfile', by: 'bob', title: 'Coffee' },
    { type: 'Announce', by: 'bob', text: 'Closed' },
    { type: 'ChangeSettings', by: 'bob', muteAll: true },
    { type: 'ChangeWindows', by: 'bob', editWindow: { ownMs: 1, managerMs: 1 } },
    { type: 'SetBan', by: 'bob', member: 'eve', isBanned: true },
    { type: 'SetNickname', by: 'bob', member: 'adam', nickname: 'Ad' },
  ];
  it.each(orders)('$type is for admins and the owner, of a group that still is', (order) => {
    given().when(order).thenRefused('FORBIDDEN');
    const by = (user: string) => ({
      ...order,
      by: user,
      ...(order.type === 'SetNickname' && { member: 'bob' }),
    });
    given()
      .when(by('eve') as GroupCommand)
      .thenRefused('NOT_A_MEMBER');
    given({ type: 'GroupDismissed', by: 'ann' })
      .when(by('ann') as GroupCommand)
      .thenRefused('GROUP_DISMISSED');
    for (const user of ['adam', 'ann']) {
      const { state } = given().when(by(user) as GroupCommand);
      expect(state.log.head).toBe(3);
    }
  });

  it('transfer: the owner hands over, nobody else', () => {
    const handOver = (by: string): GroupCommand => ({ type: 'SetRole', by, member: 'bob', role: Role.OWNER });
    given().when(handOver('adam')).thenRefused('FORBIDDEN');
    const { state } = given().when(handOver('ann'));
    expect([state.members.get('bob')?.role, state.members.get('ann')?.role]).toEqual([
      Role.OWNER,
      Role.ADMIN,
    ]);
  });
});

describe('mute all', () => {
  it('lets only owner and admins write and edit; what was written may be taken back', () => {
    const quiet = [posted('bob', 'c0'), settings(true, 0)];
    given(...quiet)
      .when(post('bob'))
      .thenRefused('MUTED');
    given(...quiet)
      .when(edit('bob'))
      .thenRefused('MUTED');
    expect(given(...quiet).when(recall('bob')).state.log.head).toBe(5);
    for (const user of ['ann', 'adam']) expect(given(...quiet).when(post(user)).state.log.head).toBe(5);
    expect(given(...quiet, settings(false, 0)).when(post('bob')).state.log.head).toBe(6);
  });

  it('gives a retry of what was written before its first answer', () => {
    given(posted('bob', 'c1'), settings(true, 0)).when(post('bob')).thenNothing();
  });
});

describe('slow mode', () => {
  const slow = [settings(false, 30_000), posted('bob', 'c0', 1_000)];

  it('lets a member write once in the interval, and says how long to wait', () => {
    const state = replay(...log(...made, ...slow));
    expect(groupDecider.decide(state, post('bob'), { nowMs: 11_000 })).toEqual({
      accepted: false,
      code: 'SLOW_MODE',
      retryAfterMs: 20_000,
    });
    expect(groupDecider.decide(state, post('bob'), { nowMs: 31_000 }).accepted).toBe(true);
  });

  it('does not hold owner and admins, nor who has not written since it was set', () => {
    const state = replay(
      ...log(...made, posted('bob', 'a', 900), settings(false, 30_000), posted('ann', 'b')),
    );
    for (const user of ['bob', 'ann', 'adam'])
      expect(groupDecider.decide(state, post(user), { nowMs: 1_001 }).accepted).toBe(true);
  });

  it('is forgotten when it ends, and remembers no more than one interval', () => {
    expect(replay(...log(...made, ...slow, settings(false, 0))).lastPosts).toBeUndefined();
    const state = replay(...log(...made, ...slow, posted('ann', 'c', 31_000)));
    expect([...(state.lastPosts?.keys() ?? [])]).toEqual(['ann']);
  });

  it('survives a snapshot', () => {
    const state = replay(...log(...made, ...slow));
    const again = groupCodec.decodeSnapshot(groupCodec.encodeSnapshot(state), address);
    expect(again).toStrictEqual(replay(...log(...made, ...slow)));
    expect(groupDecider.decide(again, post('bob'), { nowMs: 11_000 }).accepted).toBe(false);
  });

  it('has bounds', () => {
    for (const slowModeMs of [-1, 86_400_001, 0.5])
      given().when({ type: 'ChangeSettings', by: 'ann', slowModeMs }).thenRefused('BAD_REQUEST');
    given().when({ type: 'ChangeSettings', by: 'ann', slowModeMs: 0 }).thenNothing();
    given(settings(true, 5))
      .when({ type: 'ChangeSettings', by: 'ann', slowModeMs: 6 })
      .thenEvents(at(4, settings(true, 6)));
  });

  it('tells a muted member how long it lasts', () => {
    const state = replay(
      ...log(...made, { type: 'MemberMuted', by: 'ann', member: 'bob', mutedUntilMs: 9_000 }),
    );
    expect(groupDecider.decide(state, post('bob'), { nowMs: 1_000 })).toMatchObject({
      code: 'MUTED',
      retryAfterMs: 8_000,
    });
  });
});

describe('bans', () => {
  const setBan = (member: string, isBanned = true, by = 'adam'): GroupCommand => ({
    type: 'SetBan',
    by,
    member,
    isBanned,
  });
  const add = (...members: string[]): GroupCommand => ({ type: 'AddMembers', by: 'ann', members });

  it('removes a member, who does not see more than that', () => {
    const { state } = given()
      .when(setBan('bob'))
      .thenEvents(at(3, { type: 'MemberRemoved', by: 'adam', member: 'bob' }), at(4, ban('bob')));
    expect(spansOf(state, 'bob')).toEqual([{ from: 1, to: 3 }]);
  });

  it('keeps somebody out who is no member, until it is lifted', () => {
    given()
      .when(setBan('eve'))
      .thenEvents(at(3, ban('eve')));
    given(ban('eve')).when(setBan('eve')).thenNothing();
    given(ban('eve')).when(add('dan', 'eve')).thenRefused('BANNED');
    given(ban('eve'))
      .when(setBan('eve', false))
      .thenEvents(at(4, ban('eve', false)));
    expect(given(ban('eve'), ban('eve', false)).when(add('eve')).state.members.has('eve')).toBe(true);
    given().when(setBan('eve', false)).thenNothing();
  });

  it('is for those above, and not for oneself', () => {
    given().when(setBan('ann')).thenRefused('FORBIDDEN');
    given().when(setBan('adam')).thenRefused('FORBIDDEN');
    given()
      .when(setBan('adam', true, 'ann'))
      .thenEvents(
        at(3, { type: 'MemberRemoved', by: 'ann', member: 'adam' }),
        at(4, { ...ban('adam'), by: 'ann' } as Loose),
      );
  });

  it('makes a group small again that was large', () => {
    const crowd: Loose[] = [
      { type: 'MembersAdded', by: 'ann', members: ['dan'] },
      { type: 'DiffusionChanged', diffusion: 2 },
      { type: 'MemberLeft', member: 'dan' },
    ];
    given(...crowd)
      .when(setBan('bob'))
      .thenEvents(
        at(6, { type: 'MemberRemoved', by: 'adam', member: 'bob' }),
        at(7, ban('bob')),
        at(8, { type: 'DiffusionChanged', diffusion: 1 }),
      );
  });

  it('are listed page by page, for owner and admins', () => {
    const state = replay(...log(...made, ban('zoe'), ban('eve'), ban('fay')));
    const page = (reader: string, after: string) =>
      groupListPage(state, { reader, list: 'bans', after, limit: 2 });
    expect(page('bob', '')).toEqual({ ok: false, error: 'FORBIDDEN' });
    const first = page('adam', '');
    expect(first.ok && first.value.elements.map((one) => 'user' in one && one.user)).toEqual(['eve', 'fay']);
    expect(first.ok && first.value.more).toBe(true);
    const second = page('adam', 'fay');
    expect(second.ok && second.value.elements).toEqual([{ user: 'zoe', by: 'adam', atMs: nowMs }]);
  });
});

describe('the profile', () => {
  it('changes what is given, and tells everybody the title', () => {
    const changed: Loose = { type: 'ProfileChanged', by: 'adam', title: 'Coffee', avatar: '' };
    given().when({ type: 'ChangeProfile', by: 'adam', title: 'Coffee' }).thenEvents(at(3, changed));
    const events = log(...made, changed);
    const effects = groupDecider.effectsOf(events[2]!, replay(...events));
    expect(effects).toMatchObject([
      { kind: 'tell', ids: ['ann', 'adam', 'bob'], command: { title: 'Coffee' } },
    ]);
    given(changed).when({ type: 'ChangeProfile', by: 'ann', title: 'Coffee', avatar: '' }).thenNothing();
    given().when({ type: 'ChangeProfile', by: 'ann', title: '' }).thenRefused('BAD_REQUEST');
    given()
      .when({ type: 'ChangeProfile', by: 'ann', avatar: 'x'.repeat(1_025) })
      .thenRefused('CONTENT_TOO_LARGE');
  });

  it('has one announcement, with who made it and when', () => {
    const announced: Loose = { type: 'AnnouncementChanged', by: 'ann', text: 'Closed', atMs: 7 };
    const state = replay(...log(...made, announced));
    const view = groupView(state, 'bob');
    expect(view.ok && view.value.announcement).toEqual({ text: 'Closed', by: 'ann', atMs: 7 });
    given(announced).when({ type: 'Announce', by: 'ann', text: 'Closed' }).thenNothing();
    const { state: without } = given(announced).when({ type: 'Announce', by: 'ann', text: '' });
    expect(without.announcement).toBeUndefined();
    given()
      .when({ type: 'Announce', by: 'ann', text: 'é'.repeat(2_049) })
      .thenRefused('TEXT_TOO_LARGE');
  });

  it('is shown to members only', () => {
    expect(groupView(replay(...log(...made)), 'eve')).toEqual({ ok: false, error: 'NOT_A_MEMBER' });
    expect(groupView(replay(), 'ann')).toEqual({ ok: false, error: 'CONVERSATION_NOT_FOUND' });
  });
});

describe('windows of the group', () => {
  it('replace those of the tenant, and give way to them again', () => {
    const windows: Loose = { type: 'WindowsChanged', by: 'ann', recallWindow: { ownMs: 5, managerMs: 5 } };
    const shorter = replay(...log(...made, posted('bob', 'c0'), windows));
    expect(groupDecider.decide(shorter, recall('bob'), { nowMs: nowMs + 6 })).toMatchObject({
      code: 'TOO_LATE',
    });
    const { state } = given(windows).when({ type: 'ChangeWindows', by: 'ann' });
    expect(state.policy).toEqual(policy);
  });
});

describe('nicknames', () => {
  const name = (by: string, member: string, nickname: string): GroupCommand => ({
    type: 'SetNickname',
    by,
    member,
    nickname,
  });
  const named: Loose = { type: 'NicknameChanged', by: 'bob', member: 'bob', nickname: 'Bobby' };

  it('are one’s own, or given by those above', () => {
    const { state } = given()
      .when(name('bob', 'bob', 'Bobby'))
      .thenEvents(at(3, named));
    expect(state.members.get('bob')?.nickname).toBe('Bobby');
    given()
      .when(name('adam', 'ann', 'x'))
      .thenRefused('FORBIDDEN');
    given()
      .when(name('ann', 'eve', 'x'))
      .thenRefused('NOT_A_MEMBER');
    given(named)
      .when(name('bob', 'bob', 'Bobby'))
      .thenNothing();
    given()
      .when(name('bob', 'bob', 'x'.repeat(65)))
      .thenRefused('BAD_REQUEST');
    expect(
      given(named)
        .when(name('adam', 'bob', ''))
        .state.members.get('bob'),
    ).not.toHaveProperty('nickname');
  });

  it('are no way around a mute', () => {
    given(settings(true, 0))
      .when(name('bob', 'bob', 'no!'))
      .thenRefused('MUTED');
    expect(given(settings(true, 0)).when(name('adam', 'adam', 'me')).state.log.head).toBe(4);
  });
});
