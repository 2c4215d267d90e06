// What admins see of the past over HTTP on a whole cluster, and that nobody sees it unseen.
import { groupConversation } from '@parley/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { People, type Person, manyUsersFromOneAddress } from './people.ts';

let cluster: Cluster;
let people: People;
let [ada, bob, cleo] = [] as unknown as [Person, Person, Person];
let group = '';
let admins: string | undefined;

beforeAll(async () => {
  cluster = await startCluster({
    env: manyUsersFromOneAddress,
    envOf: ({ name }): Record<string, string> =>
      name === 'gateway' && admins !== undefined ? { PARLEY_AUTH_ADMINS: admins } : {},
  });
  people = new People(cluster);
  [ada, bob, cleo] = await people.registerAll('ada', 'bob', 'cleo');
  // Whoever is to be an admin has an account first.
  admins = `default/${ada.id}`;
  await cluster.app('gateway').restart();
  const at = await bob.connect();
  group = await newGroup();
  await at.send(groupConversation(group), 'first');
  await call(bob, 'PUT', `groups/${group}/members/${cleo.id}/role`, { role: 'admin' });
  await call(bob, 'DELETE', `groups/${group}/members/${cleo.id}`);
  await at.send(groupConversation(group), 'last');
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

// oxlint-disable-next-line typescript/no-explicit-any
type Answer = { readonly status: number; readonly body: any };

async function call(who: Person, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(`${cluster.gateways[0]!.httpUrl}/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${who.token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
}

async function newGroup(): Promise<string> {
  const { body } = await call(bob, 'POST', 'groups', { title: 'Tea', members: [cleo.id] });
  return body.id;
}

/** Asks until the store has this conversation through sequence 5. */
const complete = (path: string): Promise<Answer['body']> =>
  waitUntil(
    async () => {
      const { status, body } = await call(ada, 'GET', path);
      return status === 200 && body.completeThrough === 5 && body;
    },
    { what: 'history has the group', everyMs: 250 },
  );

describe('an admin', () => {
  it('sees a group as it was at any sequence and at any time', async () => {
    const path = `admin/conversations/g.${group}/as-of`;
    const now = await complete(path);
    expect(now).toMatchObject({
      title: 'Tea',
      head: 5,
      memberCount: 1,
      isDismissed: false,
      diffusion: 'write',
    });
    const roles = async (query: string) =>
      (await call(ada, 'GET', `${path}?${query}`)).body.members.map(({ role }: { role: string }) => role);
    expect(await roles('sequence=2')).toEqual(['owner', 'member']);
    const promoted = (await call(ada, 'GET', `${path}?sequence=3`)).body;
    expect(promoted.members.map(({ role }: { role: string }) => role)).toEqual(['owner', 'admin']);
    expect(await roles(`atMs=${promoted.headAtMs}`)).toEqual(['owner', 'admin']);
    expect(await call(ada, 'GET', `${path}?sequence=6`)).toMatchObject({
      status: 400,
      body: { code: 'SEQUENCE_FROM_FUTURE' },
    });
    expect(await call(ada, 'GET', `${path}?atMs=1`)).toMatchObject({
      status: 404,
      body: { code: 'CONVERSATION_NOT_FOUND' },
    });
  });

  it('sees the versions of a message, and an inbox with its read pointers', async () => {
    const { versions } = await complete(`admin/conversations/g.${group}/messages/2/versions`);
    expect(versions).toMatchObject([{ sequence: 2, element: { sender: bob.id, text: 'first' } }]);
    const inbox = await waitForEntry(4);
    // Created, first, role, removed: what came later is not for her.
    expect(inbox.entries.map(({ sequence }: { sequence: number }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(inbox).toMatchObject({
      handle: cleo.id,
      position: 4,
      conversations: [{ title: 'Tea', left: 4, read: 0 }],
    });
    const before = (await call(ada, 'GET', `admin/users/${cleo.id}/inbox/as-of?position=1`)).body;
    expect(before).toMatchObject({ position: 1, conversations: [{ head: 1, left: 0 }] });
  });

  it('sets retention and holds, and everything is in the audit with who did it', async () => {
    expect((await call(ada, 'PUT', 'admin/retention', { days: 30 })).body).toMatchObject({
      days: 30,
      by: ada.id,
    });
    expect((await call(ada, 'PUT', `admin/holds/users/${cleo.id}`, { reason: 'case 7' })).status).toBe(204);
    expect(
      (await call(ada, 'PUT', `admin/holds/conversations/g.${group}`, { reason: 'case 8' })).status,
    ).toBe(204);
    expect((await call(ada, 'DELETE', `admin/holds/conversations/g.${group}`)).status).toBe(204);
    expect((await call(ada, 'GET', 'admin/holds')).body.holds).toMatchObject([
      { kind: 'user', id: cleo.id, by: ada.id, reason: 'case 7' },
    ]);
    const { entries } = (await call(ada, 'GET', 'admin/audit?limit=6')).body;
    expect(
      entries.map(({ action, subject }: { action: string; subject: string }) => `${action} ${subject}`),
    ).toEqual([
      'audit ',
      'holds ',
      `set_hold g.${group}`,
      `set_hold g.${group}`,
      `set_hold user:${cleo.id}`,
      'set_retention ',
    ]);
    expect(new Set(entries.map(({ by }: { by: string }) => by))).toEqual(new Set([ada.id]));
  });

  it('is nobody else, and an owner of a group is none', async () => {
    for (const path of ['admin/audit', `admin/conversations/g.${group}/as-of`, 'admin/retention'])
      expect(await call(bob, 'GET', path)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });
});

const waitForEntry = (position: number): Promise<Answer['body']> =>
  waitUntil(
    async () => {
      const { body } = await call(ada, 'GET', `admin/users/${cleo.id}/inbox/as-of`);
      return body.position >= position && body;
    },
    { what: 'history has the inbox', everyMs: 250 },
  );
