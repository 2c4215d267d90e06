// The care of groups on a whole cluster: what owner and admins set reaches two devices of a member and a member who was
// offline, in normal and super-large groups. The thresholds are lowered, so that a handful of people is a large group.
import { type Client, ClientError, Diffusion, MemoryStore } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import {
  People,
  type Person,
  codeOf,
  manyUsersFromOneAddress,
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
      PARLEY_GROUP_SMALL_TO: '3',
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

/** A group whose second member has two devices, and whose third is away. */
async function groupOf(count: number) {
  const all = await people.registerAll(...upTo(count).map((number) => `carer${number}`));
  const [owner, bob, away] = all as [Person, Person, Person];
  const { id, conversation } = await owner.api.createGroup({
    title: 'Tea',
    members: all.slice(1).map((one) => one.id),
  });
  const store = new MemoryStore();
  const before = await away.connect({ store, deviceId: 'phone' });
  const devices = await Promise.all([bob.connect(), bob.connect({ encoding: 'json' })]);
  for (const device of [before, ...devices])
    await waitUntil(() => device.conversation(conversation).head > 0 && device.isCaughtUp, {
      what: 'it is known',
    });
  before.close();
  const back = () => away.connect({ store, deviceId: 'phone' });
  return { owner, bob, away, back, devices: devices as [Client, Client], id, conversation };
}

describe.each([
  ['normal', 3, Diffusion.write],
  ['super-large', largeFrom, Diffusion.read],
] as const)('a %s group', (_, count, diffusion) => {
  it('shows profile, announcement, settings and nicknames on all devices, and to whoever was away', async () => {
    const { owner, bob, away, back, devices, id, conversation } = await groupOf(count);
    const group = owner.api.group(id);
    expect(await codeOf(bob.api.group(id).changeProfile({ title: 'Mine' }))).toBe('FORBIDDEN');
    await group.changeProfile({ title: 'Coffee', avatar: 'pictures/1' });
    await group.announce('Closed today');
    await bob.api.group(id).setNickname(bob.id, 'Bobby');
    await group.changeSettings({ muteAll: true });
    await group.changeSettings({ muteAll: false });
    const last = await devices[0].send(conversation, 'after all that');
    const shown = [...devices, await back(), await away.connect()];
    for (const device of shown) {
      await untilTail(device, conversation, last.sequence);
      const view = device.conversation(conversation);
      expect([view.title, view.diffusion]).toEqual(['Coffee', diffusion]);
      expect(changesOf(device, conversation).slice(-5)).toEqual([
        'profileChanged',
        'announcementChanged',
        'nicknameChanged',
        'settingsChanged',
        'settingsChanged',
      ]);
      expect(textsOf(device, conversation)).toEqual(['after all that']);
    }
    const info = await away.api.group(id).info();
    expect(info).toMatchObject({
      title: 'Coffee',
      avatar: 'pictures/1',
      announcement: { text: 'Closed today', by: owner.id },
      settings: { muteAll: false, slowModeMs: 0 },
      role: 'member',
      count,
    });
    const members = (await away.api.members(id)).members;
    expect(members.find(({ user }) => user === bob.id)?.nickname).toBe('Bobby');
  });

  it('keeps members quiet while all are muted, and slow in slow mode', async () => {
    const { owner, devices, back, id, conversation } = await groupOf(count);
    const [atBob] = devices;
    const atOwner = await owner.connect();
    await owner.api.group(id).changeSettings({ muteAll: true });
    expect(await codeOf(atBob.send(conversation, 'psst'))).toBe('MUTED');
    await atOwner.send(conversation, 'quiet, please');
    await owner.api.group(id).changeSettings({ muteAll: false, slowModeMs: 600_000 });
    await atBob.send(conversation, 'one');
    const refusal: unknown = await devices[1].send(conversation, 'two').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ClientError);
    expect(refusal).toMatchObject({ code: 'SLOW_MODE', retryable: false });
    expect((refusal as ClientError).retryAfterMs).toBeGreaterThan(500_000);
    await atOwner.send(conversation, 'three');
    const last = await atOwner.send(conversation, 'four');
    for (const device of [...devices, await back()]) {
      await untilTail(device, conversation, last.sequence);
      expect(textsOf(device, conversation)).toEqual(['quiet, please', 'one', 'three', 'four']);
    }
  });

  it('removes who is banned, for good, until the ban is lifted', async () => {
    const { owner, bob, away, back, devices, id, conversation } = await groupOf(count);
    const atOwner = await owner.connect();
    await owner.api.setRole(id, bob.id, 'admin');
    await bob.api.group(id).ban(away.id);
    expect(await codeOf(owner.api.addMembers(id, [away.id]))).toBe('BANNED');
    expect((await owner.api.group(id).bans()).bans.map(({ user, by }) => [user, by])).toEqual([
      [away.id, bob.id],
    ]);
    const last = await atOwner.send(conversation, 'without you');
    for (const device of devices) {
      await untilTail(device, conversation, last.sequence);
      expect(changesOf(device, conversation)).toEqual(
        expect.arrayContaining(['roleChanged', 'memberRemoved', 'banChanged']),
      );
    }
    const returned = await back();
    await waitUntil(() => !returned.conversation(conversation).isMember, { what: 'the banned one knows' });
    expect(textsOf(returned, conversation)).toEqual([]);
    expect(await codeOf(returned.send(conversation, 'let me in'))).toBe('NOT_A_MEMBER');
    await owner.api.group(id).unban(away.id);
    await owner.api.addMembers(id, [away.id]);
    await returned.send(conversation, 'thank you');
    for (const device of [...devices, returned])
      await waitUntil(() => textsOf(device, conversation).includes('thank you'), { what: 'back again' });
  });
});

describe('windows of a group', () => {
  it('are set by its admins, within the bounds of the tenant', async () => {
    const { owner, bob, devices, id, conversation } = await groupOf(3);
    const windows = { edit: null, recall: { ownMs: 0, managerMs: 60_000 } };
    expect(await codeOf(bob.api.group(id).changeWindows(windows))).toBe('FORBIDDEN');
    const tooLong = { edit: { ownMs: 1, managerMs: 31 * 24 * 3_600_000 }, recall: null };
    expect(await codeOf(owner.api.group(id).changeWindows(tooLong))).toBe('BAD_REQUEST');
    await owner.api.group(id).changeWindows(windows);
    expect((await bob.api.group(id).info()).windows).toEqual(windows);
    const { sequence } = await devices[0].send(conversation, 'for ever');
    await waitUntil(async () => (await codeOf(devices[0].recall(conversation, sequence))) === 'TOO_LATE', {
      what: 'a moment has passed',
    });
    await (await owner.connect()).recall(conversation, sequence);
  });
});
