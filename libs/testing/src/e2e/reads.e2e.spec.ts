// What has been read, and what is still to be, on a whole cluster: with two devices, in both encodings, and with somebody
// who was offline, in a direct conversation, a normal and a super-large group.
import { type Client, MemoryStore } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { type Person, People, direct, manyUsersFromOneAddress, untilTail, upTo } from './people.ts';

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

interface Scene {
  readonly author: Person;
  readonly reader: Person;
  readonly conversation: string;
}

async function groupOf(others: number): Promise<Scene> {
  const names = upTo(others).map((n) => `m${n}`);
  const [author, reader, ...rest] = await people.registerAll('ann', 'bob', ...names);
  const members = [reader, ...rest].map(({ id }) => id);
  const { conversation } = await author!.api.createGroup({ title: 'Tea', members });
  return { author: author!, reader: reader!, conversation };
}

const scenes: Record<string, () => Promise<Scene>> = {
  'a direct conversation': async () => {
    const [author, reader] = await people.registerAll('ann', 'bob');
    return { author, reader, conversation: direct(author, reader) };
  },
  'a normal group': () => groupOf(1),
  'a super-large group': () => groupOf(5),
};

const mentionsAt = (client: Client, conversation: string) => client.conversation(conversation).unreadMentions;

async function untilMentions(clients: readonly Client[], conversation: string, count: number): Promise<void> {
  await waitUntil(() => clients.every((client) => mentionsAt(client, conversation) === count), {
    what: `${count} unread mentions on all devices`,
  });
}

describe.each(Object.entries(scenes))('in %s', (_, scene) => {
  it('all devices count the same unread mentions, through edits, recalls and reads, also those that were away', async () => {
    const { author, reader, conversation } = await scene();
    const writer = await author.connect();
    const phone = await reader.connect();
    const kept = new MemoryStore();
    const desktop = await reader.connect({ encoding: 'json', store: kept, deviceId: 'desktop' });
    const post = (text: string, mentions: readonly string[], mentionsAll = false) =>
      writer.send(conversation, { text, rich: { mentions: [...mentions], mentionsAll } });

    const named = await post('you', [reader.id]);
    const all = await post('everybody', [], true);
    const plain = await writer.send(conversation, 'nobody');
    await untilMentions([phone, desktop], conversation, 2);
    desktop.close();

    // While one device is away: one mention is added, one taken away, one recalled.
    await writer.edit(conversation, plain.sequence, { text: 'you, after all', mentions: [reader.id] });
    await writer.edit(conversation, named.sequence, { text: 'not you', mentions: [author.id] });
    await writer.recall(conversation, all.sequence);
    const last = await post('again', [reader.id]);
    await untilTail(phone, conversation, last.sequence);
    const back = await reader.connect({ encoding: 'json', store: kept, deviceId: 'desktop' });
    const fresh = await reader.connect();
    await untilMentions([phone, back, fresh], conversation, 2);
    const listed = (await reader.api.conversations()).find((one) => one.conversation === conversation);
    expect(listed).toMatchObject({ unreadMentions: 2 });
    expect(mentionsAt(writer, conversation)).toBe(0);

    await phone.markRead(conversation, plain.sequence);
    await untilMentions([phone, back, fresh], conversation, 1);
    await phone.markRead(conversation, last.sequence);
    await untilMentions([phone, back, fresh, await reader.connect()], conversation, 0);
  });
});

describe('in a direct conversation', () => {
  it('a direct message is delivered, then read; a sender who was offline learns of it when they come back', async () => {
    const [author, reader] = await people.registerAll('ann', 'bob');
    const conversation = direct(author, reader);
    const phone = await author.connect();
    const desktop = await author.connect({ encoding: 'json' });
    const first = await phone.send(conversation, 'first');
    const seen = (client: Client) => {
      const { peerDelivered, peerRead } = client.conversation(conversation);
      return { peerDelivered, peerRead };
    };
    expect(seen(phone)).toEqual({ peerDelivered: 0, peerRead: 0 });

    const device = await reader.connect();
    await waitUntil(() => [phone, desktop].every((one) => seen(one).peerDelivered === first.sequence), {
      what: 'both devices of the sender know that it is delivered',
    });
    expect(seen(phone).peerRead).toBe(0);

    const second = await phone.send(conversation, 'second');
    phone.close();
    desktop.close();
    await untilTail(device, conversation, second.sequence);
    await waitUntil(
      async () => {
        const [listed] = await author.api.conversations();
        return listed?.peerDelivered === second.sequence;
      },
      { what: 'the second is delivered' },
    );
    const back = await author.connect();
    expect(seen(back)).toEqual({ peerDelivered: second.sequence, peerRead: 0 });
    await device.markRead(conversation, second.sequence);
    await waitUntil(() => seen(back).peerRead === second.sequence, { what: 'it is read' });
    expect(seen(await author.connect())).toEqual({
      peerDelivered: second.sequence,
      peerRead: second.sequence,
    });
  });
});

describe.each([
  ['a normal group', 2],
  ['a super-large group', 5],
] as const)('in %s', (_, others) => {
  it('members see how many and who has read a message, also on a device that was away', async () => {
    const { author, reader, conversation } = await groupOf(others);
    const phone = await author.connect();
    const offline = await author.connect({ encoding: 'json', deviceId: 'away' });
    const device = await reader.connect({ encoding: 'json' });
    const { sequence } = await phone.send(conversation, 'who reads this?');
    await untilTail(device, conversation, sequence);
    offline.close();
    expect(await device.readers(conversation, sequence)).toMatchObject({
      count: 1,
      memberCount: others + 2,
      users: [author.id],
    });
    await device.markRead(conversation, sequence);
    const users = [author.id, reader.id].sort();
    await waitUntil(async () => (await phone.readers(conversation, sequence)).count === 2, {
      what: 'the group knows that it was read',
    });
    expect(await phone.readers(conversation, sequence)).toMatchObject({ users, more: false });
    const first = await phone.readers(conversation, sequence, { limit: 1 });
    expect(first).toMatchObject({ users: users.slice(0, 1), more: true, count: 2 });
    const back = await author.connect({ encoding: 'json', deviceId: 'away' });
    expect(await back.readers(conversation, sequence)).toMatchObject({ count: 2, users });
    const response = await fetch(
      `${author.httpUrl}/v1/groups/${conversation.slice(2)}/messages/${sequence}/readers?limit=1&after=${users[0]}`,
      { headers: { authorization: `Bearer ${author.token}` } },
    );
    expect(await response.json()).toEqual({
      sequence,
      count: 2,
      memberCount: others + 2,
      users: users.slice(1),
      next: null,
    });
  });
});
