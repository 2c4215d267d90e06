// Blocks and contacts on a whole cluster: with two devices of a person, one that was offline, and both encodings.
import { type Client, Contact, MemoryStore, type PersonalChange } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { type Person, People, codeOf, direct, manyUsersFromOneAddress, untilTail } from './people.ts';

let cluster: Cluster;
let people: People;

beforeAll(async () => {
  cluster = await startCluster({ env: manyUsersFromOneAddress });
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
