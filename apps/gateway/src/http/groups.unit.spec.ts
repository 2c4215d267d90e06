import { wire } from '@parley/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HttpDoubles, startHttpDoubles } from './http-app.double.ts';

let doubles: HttpDoubles;
let token: string;
beforeAll(async () => {
  doubles = await startHttpDoubles();
  token = await doubles.tokenOf('alice');
  for (const user of ['bob', 'carol']) await doubles.tokenOf(user);
});
afterAll(() => doubles.app.close());
beforeEach(() => {
  doubles.entities.sent.length = 0;
  doubles.entities.asked.length = 0;
  doubles.entities.refusal = undefined;
  doubles.entities.answers.clear();
});

const lastCommand = () => {
  const { address, command } = doubles.entities.sent.at(-1)!;
  return { address, command: JSON.parse(JSON.stringify(command)) as Record<string, unknown> };
};

const address = { type: 'group', tenant: 'default', id: 'team' };

describe('creating a group', () => {
  it('gives the command to the group, with the policy of the tenant', async () => {
    const body = { id: 'team', title: ' The team ', members: ['bob', 'carol', 'bob', 'alice'] };
    const answer = await doubles.call('POST /v1/groups', { as: token, body });
    expect([answer.status, answer.body]).toEqual([201, { id: 'team', conversation: 'g.team' }]);
    expect(lastCommand()).toEqual({
      address,
      command: {
        createGroup: {
          by: 'alice',
          title: 'The team',
          members: ['bob', 'carol'],
          policy: { membersMax: 100_000, largeFrom: 500, smallTo: 400 },
        },
      },
    });
  });

  it('makes up an id when none is given', async () => {
    const answer = await doubles.call('POST /v1/groups', { as: token, body: { title: 'x' } });
    expect(answer.status).toBe(201);
    expect(answer.body.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.body.conversation).toBe(`g.${answer.body.id}`);
  });

  it('names the members who do not exist, and creates nothing', async () => {
    const body = { title: 'x', members: ['bob', 'nobody', 'nobody-else'] };
    const answer = await doubles.call('POST /v1/groups', { as: token, body });
    expect([answer.status, answer.body.code]).toEqual([404, 'USER_NOT_FOUND']);
    expect(answer.body.detail).toBe('No such user: nobody, nobody-else');
    expect(doubles.entities.sent).toEqual([]);
  });

  it('does not find users of another tenant', async () => {
    await doubles.tokenOf('eve', 'other');
    const answer = await doubles.call('POST /v1/groups', {
      as: token,
      body: { title: 'x', members: ['eve'] },
    });
    expect(answer.body.code).toBe('USER_NOT_FOUND');
  });

  it('refuses more members than one request may carry', async () => {
    const members = Array.from({ length: 1_001 }, (_, i) => `m${i}`);
    const answer = await doubles.call('POST /v1/groups', { as: token, body: { title: 'x', members } });
    expect(answer.body.code).toBe('BAD_REQUEST');
  });

  it('says when the id is taken', async () => {
    doubles.entities.refusal = 'ALREADY_EXISTS';
    const answer = await doubles.call('POST /v1/groups', { as: token, body: { id: 'team', title: 'x' } });
    expect([answer.status, answer.body.code]).toEqual([409, 'ALREADY_EXISTS']);
  });
});

describe('looking at a group', () => {
  it('shows it with the role of the asker', async () => {
    doubles.entities.answers.set('default/group/team', {
      group: {
        member: { user: 'alice', role: wire.Role.ROLE_ADMIN, joined: 3, nickname: 'Al' },
        count: 700,
        title: 'The team',
        avatar: 'pic/1',
        announcement: { text: 'Closed today', by: 'bob', atMs: 5 },
        settings: { muteAll: true, slowModeMs: 30_000, joining: wire.Joining.JOINING_OPEN },
        recallWindow: { ownMs: 1, managerMs: 2 },
        diffusion: wire.Diffusion.DIFFUSION_READ,
        head: 12,
      },
    });
    const answer = await doubles.call('GET /v1/groups/team', { as: token });
    expect(answer.body).toEqual({
      id: 'team',
      conversation: 'g.team',
      title: 'The team',
      avatar: 'pic/1',
      announcement: { text: 'Closed today', by: 'bob', atMs: 5 },
      settings: { muteAll: true, slowModeMs: 30_000, joining: 'open', historyVisible: false },
      windows: { edit: null, recall: { ownMs: 1, managerMs: 2 } },
      head: 12,
      count: 700,
      diffusion: 'read',
      role: 'admin',
      nickname: 'Al',
      isDismissed: false,
    });
    expect(doubles.entities.asked.at(-1)?.query.group).toEqual({ reader: 'alice' });
  });

  it('shows admins who is banned, page by page', async () => {
    doubles.entities.answers.set('default/group/team', {
      groupList: { bans: [{ user: 'eve', by: 'alice', atMs: 7 }], more: true },
    });
    const answer = await doubles.call('GET /v1/groups/team/bans?after=bob&limit=1', { as: token });
    expect(answer.body).toEqual({ bans: [{ user: 'eve', by: 'alice', atMs: 7 }], next: 'eve' });
    expect(doubles.entities.asked.at(-1)?.query.groupList).toEqual({
      reader: 'alice',
      list: 1,
      after: 'bob',
      limit: 1,
    });
  });

  it('is not found when there is none', async () => {
    const answer = await doubles.call('GET /v1/groups/none', { as: token });
    expect([answer.status, answer.body.code]).toEqual([404, 'CONVERSATION_NOT_FOUND']);
  });

  it('pages its members', async () => {
    doubles.entities.answers.set('default/group/team', {
      members: {
        members: [
          { user: 'alice', role: wire.Role.ROLE_OWNER, joined: 1 },
          { user: 'bob', role: wire.Role.ROLE_MEMBER, joined: 1, mutedUntilMs: 99 },
        ],
        count: 3,
        more: true,
      },
    });
    const answer = await doubles.call('GET /v1/groups/team/members?after=aa&limit=9999', { as: token });
    expect(answer.body).toEqual({
      members: [
        { user: 'alice', role: 'owner', joined: 1, mutedUntilMs: 0, nickname: '' },
        { user: 'bob', role: 'member', joined: 1, mutedUntilMs: 99, nickname: '' },
      ],
      count: 3,
      next: 'bob',
    });
    expect(doubles.entities.asked.at(-1)?.query.members).toEqual({
      reader: 'alice',
      after: 'aa',
      limit: 500,
    });
  });

  it.each(['limit=0', 'limit=x', 'after=a.b', 'nonsense=1'])('refuses the query %s', async (query) => {
    const answer = await doubles.call(`GET /v1/groups/team/members?${query}`, { as: token });
    expect(answer.body.code).toBe('BAD_REQUEST');
  });
});

describe('changing a group', () => {
  it.each([
    [
      'POST /v1/groups/team/members',
      { members: ['bob', 'bob'] },
      { addMembers: { by: 'alice', members: ['bob'] } },
    ],
    ['DELETE /v1/groups/team/members/bob', undefined, { removeMember: { by: 'alice', member: 'bob' } }],
    ['POST /v1/groups/team/leave', undefined, { leaveGroup: { member: 'alice' } }],
    ['DELETE /v1/groups/team', undefined, { dismissGroup: { by: 'alice' } }],
    [
      'PUT /v1/groups/team/members/bob/role',
      { role: 'admin' },
      { setRole: { by: 'alice', member: 'bob', role: 'ROLE_ADMIN' } },
    ],
    [
      'PUT /v1/groups/team/members/bob/mute',
      { untilMs: 5_000 },
      { muteMember: { by: 'alice', member: 'bob', mutedUntilMs: '5000' } },
    ],
    ['PATCH /v1/groups/team', { title: ' Tea ' }, { changeProfile: { by: 'alice', title: 'Tea' } }],
    [
      'PUT /v1/groups/team/announcement',
      { text: 'Two\nlines' },
      { announce: { by: 'alice', text: 'Two\nlines' } },
    ],
    [
      'PATCH /v1/groups/team/settings',
      { muteAll: false, joining: 'request' },
      { changeSettings: { by: 'alice', muteAll: false, joining: 'JOINING_REQUEST' } },
    ],
    [
      'PUT /v1/groups/team/windows',
      { edit: { ownMs: 1, managerMs: 2 }, recall: null },
      { changeWindows: { by: 'alice', editWindow: { ownMs: '1', managerMs: '2' } } },
    ],
    [
      'PUT /v1/groups/team/requests/bob',
      { isApproved: true },
      { answerJoinRequest: { by: 'alice', user: 'bob', isApproved: true } },
    ],
    ['DELETE /v1/groups/team/invites/i-1', undefined, { revokeInvite: { by: 'alice', id: 'i-1' } }],
    ['PUT /v1/groups/team/bans/bob', undefined, { setBan: { by: 'alice', member: 'bob', isBanned: true } }],
    ['DELETE /v1/groups/team/bans/gone', undefined, { setBan: { by: 'alice', member: 'gone' } }],
    [
      'PUT /v1/groups/team/members/bob/nickname',
      { nickname: 'Bobby' },
      { setNickname: { by: 'alice', member: 'bob', nickname: 'Bobby' } },
    ],
  ])('gives the command of %s to the group', async (line, body, command) => {
    const answer = await doubles.call(line, { as: token, ...(body === undefined ? {} : { body }) });
    expect([answer.status, answer.body]).toEqual([204, '']);
    expect(lastCommand()).toEqual({ address, command });
  });

  it.each(['FORBIDDEN', 'NOT_A_MEMBER', 'GROUP_DISMISSED', 'GROUP_FULL', 'TIMEOUT'] as const)(
    'passes on the refusal %s',
    async (code) => {
      doubles.entities.refusal = code;
      const answer = await doubles.call('DELETE /v1/groups/team/members/bob', { as: token });
      expect(answer.body.code).toBe(code);
    },
  );

  it.each([
    ['PUT /v1/groups/team/members/bob/role', { role: 'king' }, 'BAD_REQUEST'],
    ['PUT /v1/groups/team/members/bob/mute', { untilMs: -1 }, 'BAD_REQUEST'],
    ['POST /v1/groups/team/members', { members: [] }, 'BAD_REQUEST'],
    ['POST /v1/groups/team/members', { members: ['nobody'] }, 'USER_NOT_FOUND'],
    ['DELETE /v1/groups/te.am', undefined, 'BAD_ID'],
    ['DELETE /v1/groups/team/members/b.b', undefined, 'BAD_ID'],
  ])('refuses %s with %o', async (line, body, code) => {
    const answer = await doubles.call(line, { as: token, ...(body === undefined ? {} : { body }) });
    expect(answer.body.code).toBe(code);
    expect(doubles.entities.sent).toEqual([]);
  });

  it('makes invites whose codes cannot be guessed', async () => {
    const body = { expiresAtMs: 9_000, usesMax: 2 };
    const made = async () => (await doubles.call('POST /v1/groups/team/invites', { as: token, body })).body;
    const [one, other] = [await made(), await made()];
    expect(one.code).toMatch(/^[\w-]{22}$/);
    expect(other.code).not.toBe(one.code);
    expect(lastCommand().command).toEqual({
      createInvite: { by: 'alice', id: other.id, code: other.code, expiresAtMs: '9000', usesMax: 2 },
    });
  });

  it('lets nobody into more groups than the tenant allows', async () => {
    const { accounts } = doubles.entities;
    const bob = accounts.get('default/bob')!;
    accounts.set('default/bob', { ...bob, groupCount: 10 });
    const body = { members: ['bob'] };
    const answer = await doubles.call('POST /v1/groups/team/members', { as: token, body });
    expect([answer.status, answer.body.code]).toEqual([409, 'LIMIT_REACHED']);
    expect(answer.body.detail).toBe('In 10 groups already: bob');
    expect(doubles.entities.sent).toEqual([]);
    accounts.set('default/bob', bob);
  });

  it('needs a token for everything', async () => {
    for (const line of ['POST /v1/groups', 'DELETE /v1/groups/team', 'GET /v1/groups/team/members']) {
      expect((await doubles.call(line)).body.code).toBe('UNAUTHENTICATED');
    }
  });
});
