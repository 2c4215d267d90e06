// Blocks and contacts on a whole cluster: with two devices of a person, one that was offline, and both encodings.
import { type Client, Contact, MemoryStore, type PersonalChange } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { type Person, People, codeOf, direct, manyUsersFromOneAddress, untilTail } from './people.ts';

let cluster: Cluster;
let people: People;

beforeAll(async () => {
  cluster = await startCluster({
    env: { ...manyUsersFromOneAddress, PARLEY_GROUP_LARGE_FROM: '6', PARLEY_GROUP_SMALL_TO: '3' },
  });
  people = new People(cluster);
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

/** What a device has heard, as the newest value for each person. */
function heardAt(client: Client): Map<string, NonNullable<PersonalChange['relation']>> {
  const heard = new Map<string, NonNullable<PersonalChange['relation']>>();
  client.on('personal', ({ relation }) => relation && heard.set(relation.user, relation));
  return heard;
}

const contactsOf = async (person: Person, kind: 'contacts' | 'requested' | 'asked' | 'blocked') =>
  (await person.api.contacts({ kind })).relations.map(({ user }) => user);

/** What the other one does arrives by a lane between two entities. */
const until = (holds: () => boolean | Promise<boolean>, what: string) => waitUntil(holds, { what });

describe('the block list', () => {
  it('stops direct messages and requests of a person, not groups; the devices of its owner learn of it', async () => {
    const [ann, bob] = await people.registerAll('ann', 'bob');
    const conversation = direct(ann, bob);
    const { conversation: group } = await ann.api.createGroup({ title: 'Tea', members: [bob.id] });
    const phone = await ann.connect();
    const laptop = await ann.connect({ encoding: 'json' });
    const kept = new MemoryStore();
    const away = await ann.connect({ store: kept, deviceId: 'away' });
    const atBob = await bob.connect({ encoding: 'json' });
    const first = await atBob.send(conversation, 'hello');
    await untilTail(away, conversation, first.sequence);
    away.close();
    const [atPhone, atLaptop] = [phone, laptop].map(heardAt);

    await ann.api.block(bob.id);
    await until(
      () => [atPhone, atLaptop].every((heard) => heard?.get(bob.id)?.isBlocked === true),
      'both devices know of the block',
    );
    await until(
      async () => (await codeOf(atBob.send(conversation, 'still there?'))) === 'BLOCKED',
      'the direct conversation knows of the block',
    );
    expect(await codeOf(atBob.edit(conversation, first.sequence, 'psst'))).toBe('BLOCKED');
    expect(await codeOf(bob.api.requestContact(ann.id))).toBe('BLOCKED');
    expect(await contactsOf(ann, 'blocked')).toEqual([bob.id]);
    const inGroup = await atBob.send(group, 'in the group');
    await untilTail(phone, group, inGroup.sequence);
    const own = await phone.send(conversation, 'I may write');
    await untilTail(atBob, conversation, own.sequence);

    const back = ann.device({ store: kept, deviceId: 'away', encoding: 'json' });
    const atBack = heardAt(back);
    await back.connect();
    await until(() => atBack.get(bob.id)?.isBlocked === true, 'the device that was away knows of it');

    await ann.api.unblock(bob.id);
    await until(() => atBack.get(bob.id)?.isBlocked === false, 'the device knows of the end');
    await until(
      async () => (await codeOf(atBob.send(conversation, 'again'))) === undefined,
      'messages come again',
    );
    expect(await contactsOf(ann, 'blocked')).toEqual([]);
  });

  it('counts before the first message, and refuses what cannot be', async () => {
    const [ann, bob] = await people.registerAll('ann', 'bob');
    await ann.api.block(bob.id);
    const atBob = await bob.connect();
    await until(
      async () => (await codeOf(atBob.send(direct(ann, bob), 'hello'))) === 'BLOCKED',
      'the first message is refused',
    );
    expect(await codeOf(ann.api.block('nobody-of-that-name'))).toBe('USER_NOT_FOUND');
    expect(await codeOf(ann.api.block(ann.id))).toBe('BAD_REQUEST');
    expect(await codeOf(ann.api.requestContact(bob.id))).toBe('BLOCKED');
  });
});

describe('contacts', () => {
  it('are asked with a message, accepted, named, tagged and removed, and both sides agree', async () => {
    const [ann, bob] = await people.registerAll('ann', 'bob');
    const phone = await bob.connect();
    const laptop = await bob.connect({ encoding: 'json' });
    const [atPhone, atLaptop] = [heardAt(phone), heardAt(laptop)];
    const kept = new MemoryStore();
    (await ann.connect({ store: kept, deviceId: 'away' })).close();

    await ann.api.requestContact(bob.id, 'Tea?');
    expect(await contactsOf(ann, 'requested')).toEqual([bob.id]);
    await until(
      () => [atPhone, atLaptop].every((heard) => heard.get(ann.id)?.contact === Contact.asked),
      'both devices show the request',
    );
    expect(atPhone.get(ann.id)).toMatchObject({ message: 'Tea?' });
    expect((await bob.api.contacts({ kind: 'asked' })).relations).toMatchObject([
      { user: ann.id, contact: 'asked', message: 'Tea?' },
    ]);
    await bob.api.acceptContact(ann.id);
    expect(await contactsOf(bob, 'contacts')).toEqual([ann.id]);
    await until(
      async () => (await contactsOf(ann, 'contacts')).includes(bob.id),
      'the asker has the contact',
    );

    await ann.api.describeContact(bob.id, { remark: 'Bobby', tags: ['work', 'tea'] });
    expect((await ann.api.contacts()).relations).toMatchObject([
      { user: bob.id, remark: 'Bobby', tags: ['work', 'tea'] },
    ]);
    const back = ann.device({ store: kept, deviceId: 'away', encoding: 'json' });
    const atBack = heardAt(back);
    await back.connect();
    await until(() => atBack.get(bob.id)?.remark === 'Bobby', 'the device that was away has caught up');
    expect(atBack.get(bob.id)).toMatchObject({ contact: Contact.accepted, tags: ['work', 'tea'] });

    await bob.api.removeContact(ann.id);
    await until(async () => (await contactsOf(ann, 'contacts')).length === 0, 'removed at both');
    await until(() => atBack.get(bob.id)?.contact === Contact.none, 'the device knows of the removal');
  });

  it('can be refused, and pages follow each other', async () => {
    const [ann, ...others] = await people.registerAll('ann', 'bob', 'cat', 'dan');
    for (const other of others) await ann.api.requestContact(other.id);
    const [bob] = others;
    await until(async () => (await contactsOf(bob!, 'asked')).length === 1, 'the request has come');
    await bob!.api.refuseContact(ann.id);
    await until(async () => (await contactsOf(ann, 'requested')).length === 2, 'the asker knows');
    const first = await ann.api.contacts({ kind: 'requested', limit: 1 });
    const second = await ann.api.contacts({ kind: 'requested', limit: 1, after: first.next! });
    const ids = [...first.relations, ...second.relations].map(({ user }) => user);
    expect(ids).toEqual([others[1]!.id, others[2]!.id].sort());
    expect(second.next).toBeUndefined();
    expect(await codeOf(ann.api.acceptContact(bob!.id))).toBe('REQUEST_NOT_FOUND');
  });
});

describe('who may write', () => {
  it('contacts only: strangers are refused, in new conversations and in those that have begun', async () => {
    const [ann, bob, cat, eve] = await people.registerAll('ann', 'bob', 'cat', 'eve');
    const phone = await ann.connect();
    const heard: number[] = [];
    phone.on('personal', ({ writeRule }) => writeRule && heard.push(writeRule.whoMayWrite));
    const [atBob, atCat] = [await bob.connect(), await cat.connect({ encoding: 'json' })];
    const first = await atBob.send(direct(ann, bob), 'hello');
    await untilTail(phone, direct(ann, bob), first.sequence);
    await ann.api.setWhoMayWrite('contacts');
    await until(() => heard.includes(1), 'the other device knows the rule');
    expect((await ann.api.me()).whoMayWrite).toBe('contacts');
    await until(
      async () => (await codeOf(atBob.send(direct(ann, bob), 'still there?'))) === 'NOT_ACCEPTED',
      'the conversation that has begun knows of the rule',
    );
    await eve.api.setWhoMayWrite('contacts');
    expect(await codeOf(atCat.send(direct(eve, cat), 'hello'))).toBe('NOT_ACCEPTED');

    await bob.api.requestContact(ann.id);
    await until(async () => (await contactsOf(ann, 'asked')).length === 1, 'the request has come');
    await ann.api.acceptContact(bob.id);
    await until(
      async () => (await codeOf(atBob.send(direct(ann, bob), 'now'))) === undefined,
      'a contact may write',
    );
    await eve.api.setWhoMayWrite('everyone');
    expect(await codeOf(atCat.send(direct(eve, cat), 'hello'))).toBeUndefined();
  });

  it('people of a shared group: who is in one with the user may begin, also in a super-large one', async () => {
    const [ann, bob, cat, dan] = await people.registerAll('ann', 'bob', 'cat', 'dan');
    await ann.api.setWhoMayWrite('shared-group');
    await ann.api.createGroup({ title: 'Tea', members: [bob.id] });
    const crowd = (await people.registerAll('m1', 'm2', 'm3', 'm4')).map(({ id }) => id);
    const large = await dan.api.createGroup({ title: 'Square', members: [ann.id, ...crowd] });
    expect(large.conversation).toMatch(/^g\./);
    for (const [person, code] of [
      [bob, undefined],
      [cat, 'NOT_ACCEPTED'],
      [dan, undefined],
    ] as const) {
      const device = await person.connect();
      await until(
        async () => (await codeOf(device.send(direct(ann, person), 'hello'))) === code,
        `${person.id} gets ${code ?? 'through'}`,
      );
    }
  });
});

describe('a profile', () => {
  it('is seen by others, its devices learn of it, and it is bounded', async () => {
    const [ann, bob] = await people.registerAll('ann', 'bob');
    const phone = await ann.connect();
    const heard: string[] = [];
    phone.on('personal', ({ profile }) => profile && heard.push(profile.displayName));
    const profile = {
      displayName: 'Ann of Tea',
      avatar: 'media/7',
      fields: [{ name: 'city', value: 'Uppsala' }],
    };
    await ann.api.setProfile(profile);
    await until(() => heard.includes('Ann of Tea'), 'the other device knows');
    expect(await bob.api.user(ann.id)).toEqual({ exists: true, ...profile });
    const fields = Array.from({ length: 17 }, (_, index) => ({ name: `f${index}`, value: '' }));
    expect(await codeOf(ann.api.setProfile({ displayName: 'A', fields }))).toBe('BAD_REQUEST');
    expect(await codeOf(ann.api.setProfile({ displayName: '' }))).toBe('BAD_REQUEST');
  });
});

describe('search by handle', () => {
  it('finds by the beginning, page by page, and wants at least two characters', async () => {
    const names = ['Zoe-1', 'zoe-2', 'zoe-3'];
    const [zoe] = await Promise.all(names.map((name) => people.registerAs(name)));
    await zoe!.api.setProfile({ displayName: 'Zoe', avatar: 'media/8' });
    const first = await zoe!.api.findUsers('ZOE', { limit: 2 });
    expect(first.users).toEqual([
      { id: 'Zoe-1', displayName: 'Zoe', avatar: 'media/8' },
      { id: 'zoe-2', displayName: 'zoe-2', avatar: '' },
    ]);
    const second = await zoe!.api.findUsers('ZOE', { limit: 2, after: first.next! });
    expect(second).toEqual({ users: [{ id: 'zoe-3', displayName: 'zoe-3', avatar: '' }], next: undefined });
    expect(await codeOf(zoe!.api.findUsers('z'))).toBe('BAD_REQUEST');
  });
});
