// Becoming a member without being added, on a whole cluster, in normal and super-large groups: invites, requests, open
// groups; and what newcomers see. The thresholds are lowered, so that a handful of people is a large group.
import { type Client, Diffusion, MemoryStore } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import {
  People,
  type Person,
  codeOf,
  manyUsersFromOneAddress,
  sequencesOf,
  textsOf,
  untilTail,
  upTo,
  viewOf,
} from './people.ts';

const largeFrom = 5;

let cluster: Cluster;
let people: People;

beforeAll(async () => {
  cluster = await startCluster({
    env: {
      ...manyUsersFromOneAddress,
      PARLEY_GROUP_LARGE_FROM: String(largeFrom),
      PARLEY_GROUP_SMALL_TO: '2',
      PARLEY_GROUP_LIMITS_BY_TENANT: JSON.stringify({ small: { membersMax: 3, groupsPerUserMax: 1 } }),
    },
  });
  people = new People(cluster);
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

const changesOf = (client: Client, conversation: string): string[] =>
  viewOf(client, conversation).flatMap(({ system }) => Object.keys(system ?? {}));

async function groupOf(count: number) {
  const all = await people.registerAll(...upTo(count).map((number) => `joiner${number}`));
  const [owner, admin] = all as [Person, Person];
  const { id, conversation } = await owner.api.createGroup({
    title: 'Tea',
    members: all.slice(1).map((one) => one.id),
  });
  await owner.api.setRole(id, admin.id, 'admin');
  return { owner, admin, id, conversation, group: owner.api.group(id) };
}

describe.each([
  ['normal', 2, Diffusion.write],
  ['super-large', largeFrom, Diffusion.read],
] as const)('a %s group', (_, count, diffusion) => {
  it('lets in whoever has an invite that still holds', async () => {
    const { admin, id, conversation } = await groupOf(count);
    const [eve, fay] = await people.registerAll('eve', 'fay');
    const devices = await Promise.all([eve.connect(), eve.connect({ encoding: 'json' })]);
    expect(await codeOf(eve.api.group(id).join())).toBe('FORBIDDEN');
    expect(await codeOf(eve.api.group(id).createInvite())).toBe('NOT_A_MEMBER');
    const invite = await admin.api.group(id).createInvite({ usesMax: 1 });
    expect(await codeOf(eve.api.group(id).join({ code: `${invite.code}x` }))).toBe('INVITE_INVALID');
    expect(await eve.api.group(id).join({ code: invite.code })).toBe('joined');
    expect(await codeOf(fay.api.group(id).join({ code: invite.code }))).toBe('INVITE_INVALID');
    expect((await admin.api.group(id).invites()).invites).toMatchObject([{ id: invite.id, uses: 1 }]);
    for (const device of devices) {
      await waitUntil(() => device.conversation(conversation).head > 0, { what: 'eve is in' });
      if (count >= largeFrom) expect(device.conversation(conversation).diffusion).toBe(diffusion);
      expect(changesOf(device, conversation)).toEqual(['membersAdded']);
    }
    const other = await admin.api.group(id).createInvite();
    await admin.api.group(id).revokeInvite(other.id);
    expect(await codeOf(fay.api.group(id).join({ code: other.code }))).toBe('INVITE_INVALID');
  });

  it('takes requests, and an admin who was away learns of them', async () => {
    const { owner, admin, id, conversation, group } = await groupOf(count);
    const [eve, fay] = await people.registerAll('eve', 'fay');
    const store = new MemoryStore();
    const before = await admin.connect({ store, deviceId: 'phone' });
    await waitUntil(() => before.conversation(conversation).head > 0, { what: 'the admin knows the group' });
    before.close();
    await group.changeSettings({ joining: 'request' });
    expect(await eve.api.group(id).join({ message: 'Please' })).toBe('requested');
    expect(await fay.api.group(id).join()).toBe('requested');
    const back = await admin.connect({ store, deviceId: 'phone' });
    for (const device of [back, await admin.connect({ encoding: 'json' })])
      await waitUntil(
        () => changesOf(device, conversation).filter((change) => change === 'joinRequested').length === 2,
        { what: 'the admin sees both' },
      );
    const { requests } = await admin.api.group(id).requests();
    expect(requests.map(({ user, message }) => [user, message])).toEqual([
      [eve.id, 'Please'],
      [fay.id, ''],
    ]);
    await admin.api.group(id).answerRequest(eve.id, true);
    await owner.api.group(id).answerRequest(fay.id, false);
    expect((await admin.api.group(id).requests()).requests).toEqual([]);
    const atEve = await eve.connect();
    await atEve.send(conversation, 'thank you');
    expect(await codeOf((await fay.connect()).send(conversation, 'and I?'))).toBe('NOT_A_MEMBER');
  });

  it('shows newcomers what was said before where it is set so, in pages and search, and hides it otherwise', async () => {
    const { owner, id, conversation, group } = await groupOf(count);
    const [early, late] = await people.registerAll('early', 'late');
    const atOwner = await owner.connect();
    await atOwner.send(conversation, 'the zanzibar plan');
    await group.changeSettings({ joining: 'open' });
    await early.api.group(id).join();
    await group.changeSettings({ historyVisible: true });
    const devices = [await late.connect(), await late.connect({ encoding: 'json' })];
    await late.api.group(id).join();
    const { sequence } = await atOwner.send(conversation, 'welcome, all');
    const atEarly = await early.connect();
    await untilTail(atEarly, conversation, sequence);
    expect((await atEarly.history({ conversation })).messages.map(({ text }) => text ?? '')).not.toContain(
      'the zanzibar plan',
    );
    for (const device of devices) {
      await untilTail(device, conversation, sequence);
      expect(device.conversation(conversation).firstVisible).toBe(1);
      await device.conversation(conversation).loadOlder(100);
      expect(sequencesOf(device, conversation)).toEqual(upTo(sequence));
    }
    const fresh = await late.connect();
    await untilTail(fresh, conversation, sequence);
    await fresh.conversation(conversation).loadOlder(100);
    expect(textsOf(fresh, conversation)).toEqual(['the zanzibar plan', 'welcome, all']);
    await waitUntil(
      async () => {
        const { hits, completeThrough } = await late.api.search({ q: 'zanzibar', conversation });
        return (completeThrough[0]?.sequence ?? 0) >= sequence && hits.length === 1;
      },
      { what: 'the newcomer finds it', limitMs: 15_000 },
    );
    expect((await early.api.search({ q: 'zanzibar', conversation })).hits).toEqual([]);
    // Everything once, where the time before the joining and the time after it meet.
    expect((await late.api.search({ conversation, kind: ['text'] })).hits).toHaveLength(2);
    let lines = '';
    for await (const piece of await late.api.export({ conversation })) lines += Buffer.from(piece).toString();
    expect(lines.trim().split('\n')).toHaveLength(sequence);
  });
});

describe('limits of a tenant', () => {
  it('hold for its groups and its people', async () => {
    const [ann, bob, cat] = await Promise.all(
      ['ann', 'bob', 'cat'].map((name) => people.register(name, 'small')),
    );
    const { id } = await ann!.api.createGroup({ title: 'Tea', members: [bob!.id] });
    await waitUntil(
      async () => (await codeOf(ann!.api.createGroup({ title: 'Two', members: [] }))) === 'LIMIT_REACHED',
      {
        what: 'ann is in a group',
      },
    );
    expect(await codeOf(cat!.api.createGroup({ title: 'Three', members: [bob!.id] }))).toBe('LIMIT_REACHED');
    await ann!.api.addMembers(id, [cat!.id]);
    const dan = await people.register('dan', 'small');
    expect(await codeOf(ann!.api.addMembers(id, [dan.id]))).toBe('GROUP_FULL');
  });
});
