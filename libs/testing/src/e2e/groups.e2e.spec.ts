// Groups on a whole cluster: who may do what, who gets what, and the switch between the two ways of delivery while
// people are sending. The thresholds are lowered, so that a handful of people is a large group.
import { type Client, Diffusion, MemoryStore } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { Chatter, flawsOf, stopAll } from './chatter.ts';
import {
  type Person,
  People,
  codeOf,
  manyUsersFromOneAddress,
  sequencesOf,
  textsOf,
  untilTail,
  upTo,
  viewOf,
} from './people.ts';

const largeFrom = 8;
const smallTo = 5;

let cluster: Cluster;
let people: People;

beforeAll(async () => {
  cluster = await startCluster({
    env: {
      ...manyUsersFromOneAddress,
      PARLEY_GROUP_LARGE_FROM: String(largeFrom),
      PARLEY_GROUP_SMALL_TO: String(smallTo),
    },
  });
  people = new People(cluster);
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

const idsOf = (persons: readonly Person[]) => persons.map(({ id }) => id);
const crowd = (count: number) => people.registerAll(...upTo(count).map((number) => `member${number}`));

/** What happened in the conversation besides texts, in words. */
const changesOf = (client: Client, conversation: string): string[] =>
  viewOf(client, conversation).flatMap(({ system }) => Object.keys(system ?? {}));

describe('membership', () => {
  it('tells everybody of the group, its title, and each change, in one order', async () => {
    const [alice, bob, carol, dave] = await people.registerAll('alice', 'bob', 'carol', 'dave');
    const [atAlice, atBob, atCarol, atDave] = await Promise.all(
      [alice, bob, carol, dave].map((one) => one.connect()),
    );
    const { id, conversation } = await alice.api.createGroup({ title: 'The team', members: [bob.id] });
    await atAlice!.send(conversation, 'one');
    await alice.api.addMembers(id, [carol.id, dave.id]);
    await atCarol!.send(conversation, 'two');
    await alice.api.removeMember(id, dave.id);
    await carol.api.leave(id);
    const last = await atBob!.send(conversation, 'three');
    await Promise.all([atAlice!, atBob!].map((client) => untilTail(client, conversation, last.sequence)));
    for (const client of [atAlice!, atBob!]) {
      expect(client.conversation(conversation).title).toBe('The team');
      expect(sequencesOf(client, conversation)).toEqual(upTo(last.sequence));
      expect(textsOf(client, conversation)).toEqual(['one', 'two', 'three']);
      expect(changesOf(client, conversation)).toEqual([
        'groupCreated',
        'membersAdded',
        'memberRemoved',
        'memberLeft',
      ]);
    }
    await waitUntil(() => !atDave!.conversation(conversation).isMember, { what: 'dave knows' });
    await waitUntil(() => !atCarol!.conversation(conversation).isMember, { what: 'carol knows' });
    expect(textsOf(atDave!, conversation)).toEqual(['two']);
    expect(changesOf(atDave!, conversation)).toEqual(['membersAdded', 'memberRemoved']);
    expect(changesOf(atCarol!, conversation)).toEqual(['membersAdded', 'memberRemoved', 'memberLeft']);
    expect((await bob.api.members(id)).members.map(({ user, role }) => [user, role])).toEqual(
      [
        [alice.id, 'owner'],
        [bob.id, 'member'],
      ].toSorted(),
    );
  });

  it('lets only members write and read, and only while they are members', async () => {
    const [alice, bob, eve] = await people.registerAll('alice', 'bob', 'eve');
    const [atAlice, atBob, atEve] = await Promise.all([alice.connect(), bob.connect(), eve.connect()]);
    const { id, conversation } = await alice.api.createGroup({ title: 'closed', members: [bob.id] });
    expect(await codeOf(atEve.send(conversation, 'hi'))).toBe('NOT_A_MEMBER');
    expect(await codeOf(atEve.history({ conversation }))).toBe('NOT_A_MEMBER');
    expect(await codeOf(eve.api.members(id))).toBe('NOT_A_MEMBER');
    expect(await codeOf(eve.api.addMembers(id, [eve.id]))).toMatch(/NOT_A_MEMBER|FORBIDDEN/);
    expect(await codeOf(atEve.send('g.no-such-group', 'hi'))).toBe('CONVERSATION_NOT_FOUND');

    await atBob.send(conversation, 'still in');
    await alice.api.removeMember(id, bob.id);
    expect(await codeOf(atBob.send(conversation, 'let me back'))).toBe('NOT_A_MEMBER');
    await atAlice.send(conversation, 'he is gone');
    const page = await atBob.history({ conversation });
    expect(page.messages.flatMap(({ text }) => text ?? [])).toEqual(['still in']);
    expect(page.head).toBe(3);
    const fresh = await bob.connect();
    await untilTail(fresh, conversation, 3);
    expect(textsOf(fresh, conversation)).toEqual(['still in']);

    await alice.api.addMembers(id, [bob.id]);
    await atBob.send(conversation, 'back again');
    for (const device of [atBob, fresh]) {
      await untilTail(device, conversation, 6);
      expect(textsOf(device, conversation)).toEqual(['still in', 'back again']);
      expect(sequencesOf(device, conversation)).toEqual([1, 2, 3, 5, 6]);
    }
  });

  it('gives owner, admins and members their rights, and no more', async () => {
    const [owner, admin, member, other] = await people.registerAll('owner', 'admin', 'member', 'other');
    const { id } = await owner.api.createGroup({ title: 'roles', members: [admin.id, member.id] });
    expect(await codeOf(member.api.addMembers(id, [other.id]))).toBe('FORBIDDEN');
    expect(await codeOf(admin.api.removeMember(id, member.id))).toBe('FORBIDDEN');
    await owner.api.setRole(id, admin.id, 'admin');
    await admin.api.addMembers(id, [other.id]);
    expect(await codeOf(admin.api.setRole(id, other.id, 'admin'))).toBe('FORBIDDEN');
    expect(await codeOf(admin.api.removeMember(id, owner.id))).toBe('FORBIDDEN');
    expect(await codeOf(admin.api.dismiss(id))).toBe('FORBIDDEN');
    await admin.api.removeMember(id, other.id);
    const roles = (await owner.api.members(id)).members.map(({ user, role }) => `${user} ${role}`);
    expect(roles).toEqual([`${owner.id} owner`, `${admin.id} admin`, `${member.id} member`].toSorted());
    expect(await codeOf(owner.api.addMembers(id, ['nobody-of-that-name']))).toBe('USER_NOT_FOUND');
  });

  it('keeps a muted member from writing until the mute is lifted', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const atBob = await bob.connect();
    const { id, conversation } = await alice.api.createGroup({ title: 'quiet', members: [bob.id] });
    await atBob.send(conversation, 'one');
    expect(await bob.mute(id, alice.id, Date.now() + 60_000)).toBe(403);
    expect(await alice.mute(id, bob.id, Date.now() + 60_000)).toBe(204);
    expect(await codeOf(atBob.send(conversation, 'two'))).toBe('MUTED');
    expect(await alice.mute(id, bob.id, 0)).toBe(204);
    const { sequence } = await atBob.send(conversation, 'three');
    await untilTail(atBob, conversation, sequence);
    expect(textsOf(atBob, conversation)).toEqual(['one', 'three']);
    expect(changesOf(atBob, conversation)).toEqual(['groupCreated', 'memberMuted', 'memberMuted']);
  });

  it('is over for everybody when the owner dismisses the group; what was said stays readable', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const [atAlice, atBob] = await Promise.all([alice.connect(), bob.connect()]);
    const { id, conversation } = await alice.api.createGroup({ title: 'short', members: [bob.id] });
    await atAlice.send(conversation, 'bye');
    expect(await codeOf(bob.api.dismiss(id))).toBe('FORBIDDEN');
    await alice.api.dismiss(id);
    for (const client of [atAlice, atBob]) {
      await waitUntil(() => !client.conversation(conversation).isMember, { what: 'it is over' });
      expect(await codeOf(client.send(conversation, 'wait'))).toBe('GROUP_DISMISSED');
      expect((await client.history({ conversation })).messages).toHaveLength(3);
    }
    expect(await codeOf(alice.api.addMembers(id, [bob.id]))).toBe('GROUP_DISMISSED');
  });
});

describe('delivery', () => {
  it('reaches members who are away when they come back, on all their devices', async () => {
    const [alice, bob, carol] = await people.registerAll('alice', 'bob', 'carol');
    const store = new MemoryStore();
    const before = await bob.connect({ store, deviceId: 'phone' });
    const [atAlice, atCarol] = await Promise.all([alice.connect(), carol.connect()]);
    const { conversation } = await alice.api.createGroup({ title: 'away', members: [bob.id, carol.id] });
    await atAlice.send(conversation, 'everybody here?');
    await untilTail(before, conversation, 2);
    before.close();
    const chatters = [Chatter.start(atAlice, conversation), Chatter.start(atCarol, conversation)];
    await chatters[0]!.more(60);
    const acked = await stopAll(chatters);
    const devices = await Promise.all([
      bob.connect({ store, deviceId: 'phone' }),
      bob.connect({ encoding: 'json' }),
    ]);
    expect(await flawsOf([...devices, atAlice, atCarol], conversation, acked)).toEqual([]);
    for (const device of devices) {
      expect(sequencesOf(device, conversation)).toEqual(upTo(acked.length + 2));
      // Unread is what bob has not read, whatever device asks.
      expect(device.conversation(conversation).unread).toBe(acked.length + 2);
    }
  });

  it('switches to the large way and back while everybody is sending: nothing lost, doubled or out of order', async () => {
    const all = await crowd(10);
    const [owner, away] = all as [Person, Person];
    const stay = all.slice(0, smallTo);
    const leave = all.slice(smallTo);
    const { id, conversation } = await owner.api.createGroup({
      title: 'growing',
      members: idsOf(stay.slice(1)),
    });
    const awayStore = new MemoryStore();
    const [atAway, ...devices] = await Promise.all([
      away.connect({ store: awayStore, deviceId: 'phone' }),
      ...[owner, ...stay.slice(2)].map((one, index) =>
        one.connect({ encoding: index % 2 === 0 ? 'protobuf' : 'json' }),
      ),
      // A second device of the owner sees the same.
      owner.connect(),
    ]);
    const visitors = await Promise.all(leave.map((one) => one.connect()));
    const diffusion = () => devices[0]!.conversation(conversation).diffusion;
    const chatters = devices.slice(0, 3).map((device) => Chatter.start(device, conversation));
    await chatters[0]!.more(20);
    await untilTail(atAway, conversation, 10);
    expect(diffusion()).toBe(Diffusion.write);
    atAway.close();

    for (const one of leave) {
      await owner.api.addMembers(id, [one.id]);
      await chatters[0]!.more(5);
    }
    await waitUntil(() => diffusion() === Diffusion.read, { what: 'the group is large' });
    await chatters[1]!.more(50);
    const visiting = visitors.map((device) => Chatter.start(device, conversation));
    await Promise.all(visiting.map((chatter) => chatter.more(10)));
    const visited = await stopAll(visiting);
    await Promise.all(leave.map((one) => one.api.leave(id)));
    await waitUntil(() => diffusion() === Diffusion.write, { what: 'the group is small again' });
    await chatters[2]!.more(30);

    const acked = [...(await stopAll(chatters)), ...visited];
    const back = await away.connect({ store: awayStore, deviceId: 'phone' });
    const fresh = await away.connect();
    expect(await flawsOf([...devices, back, fresh], conversation, acked)).toEqual([]);
    const head = devices[0]!.conversation(conversation).tail;
    for (const device of [...devices, back, fresh]) {
      expect(sequencesOf(device, conversation)).toEqual(upTo(head));
    }
    const changes = changesOf(devices[0]!, conversation).filter((change) => change === 'diffusionChanged');
    expect(changes).toHaveLength(2);
    await checkVisitors(visitors, conversation, devices[0]!);
  });

  it('brings the log of a large group to members who were away, and agrees on unread', async () => {
    const all = await crowd(largeFrom);
    const [owner, away] = all as [Person, Person];
    const { conversation } = await owner.api.createGroup({ title: 'large', members: idsOf(all.slice(1)) });
    const store = new MemoryStore();
    const before = await away.connect({ store, deviceId: 'phone' });
    const atOwner = await owner.connect();
    await waitUntil(() => before.conversation(conversation).diffusion === Diffusion.read, {
      what: 'it is large',
    });
    await atOwner.send(conversation, 'hello');
    const start = atOwner.conversation(conversation).head;
    await untilTail(before, conversation, start);
    before.close();
    const chatter = Chatter.start(atOwner, conversation);
    await chatter.more(300);
    const acked = await stopAll([chatter]);
    const head = acked.at(-1)!.sequence;
    const devices = await Promise.all([away.connect({ store, deviceId: 'phone' }), away.connect()]);
    expect(await flawsOf([...devices, atOwner], conversation, acked)).toEqual([]);
    for (const device of devices) {
      expect(sequencesOf(device, conversation)).toEqual(upTo(head));
      expect(device.conversation(conversation).unread).toBe(head);
    }
    // Nothing of it went through the inbox: it is as long as it was.
    expect(devices[1]!.inboxPosition).toBeLessThan(10);
    await devices[0]!.conversation(conversation).markRead(head - 7);
    await waitUntil(() => devices[1]!.conversation(conversation).unread === 7, { what: 'both agree' });
    expect(await codeOf(devices[0]!.markRead(conversation, head + 1_000))).toBe('SEQUENCE_FROM_FUTURE');
  });

  it('shows a member who was removed from a large group nothing of what follows', async () => {
    const all = await crowd(largeFrom + 1);
    const [owner, removed] = all as [Person, Person];
    const { id, conversation } = await owner.api.createGroup({
      title: 'large',
      members: idsOf(all.slice(1)),
    });
    const [atOwner, atRemoved] = await Promise.all([owner.connect(), removed.connect()]);
    await atOwner.send(conversation, 'for all');
    await waitUntil(() => textsOf(atRemoved, conversation).includes('for all'), { what: 'it came' });
    await owner.api.removeMember(id, removed.id);
    const { sequence } = await atOwner.send(conversation, 'without you');
    expect(await codeOf(atRemoved.send(conversation, 'me too'))).toBe('NOT_A_MEMBER');
    await waitUntil(() => !atRemoved.conversation(conversation).isMember, { what: 'the removed one knows' });
    expect(atRemoved.conversation(conversation).left).toBe(sequence - 1);
    expect((await atRemoved.history({ conversation })).head).toBe(sequence - 1);
    const fresh = await removed.connect();
    await untilTail(fresh, conversation, sequence - 1);
    for (const device of [atRemoved, fresh]) {
      expect(textsOf(device, conversation)).toEqual(['for all']);
      expect(sequencesOf(device, conversation)).toEqual(upTo(sequence - 1));
    }
  });
});

/** Those who came late and left early have one piece of the log, from their joining to their leaving, without a hole. */
async function checkVisitors(
  visitors: readonly Client[],
  conversation: string,
  witness: Client,
): Promise<void> {
  const log = viewOf(witness, conversation);
  for (const visitor of visitors) {
    const joined = log.find(({ system }) => system?.membersAdded?.members?.includes(visitor.user));
    const left = log.find(({ system }) => system?.memberLeft?.member === visitor.user);
    await untilTail(visitor, conversation, left!.sequence);
    expect(sequencesOf(visitor, conversation)).toEqual(upTo(left!.sequence, joined!.sequence));
    expect(viewOf(visitor, conversation).map(({ text }) => text)).toEqual(
      log.slice(joined!.sequence - 1, left!.sequence).map(({ text }) => text),
    );
  }
}
