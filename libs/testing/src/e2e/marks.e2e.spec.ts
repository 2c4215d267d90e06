// Reactions and pins on a whole cluster: two devices of a person, a member who was offline and a new device, in a direct
// conversation, a normal and a super-large group, in both encodings.
import { type Client, MemoryStore } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { type Person, People, codeOf, direct, manyUsersFromOneAddress, untilTail, upTo } from './people.ts';

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

const scenes: Record<string, () => Promise<Scene>> = {
  'a direct conversation': async () => {
    const [author, reader] = await people.registerAll('ann', 'bob');
    return { author, reader, conversation: direct(author, reader) };
  },
  'a normal group': () => groupOf(1),
  'a super-large group': () => groupOf(5),
};

async function groupOf(others: number): Promise<Scene> {
  const [author, reader, ...more] = await people.registerAll(
    'ann',
    'bob',
    ...upTo(others).map((n) => `m${n}`),
  );
  const members = [reader, ...more].map(({ id }) => id);
  const { conversation } = await author.api.createGroup({ title: 'Tea', members });
  return { author, reader, conversation };
}

const reactionsAt = (client: Client, conversation: string, sequence: number) =>
  client.conversation(conversation).messages.find((each) => each.sequence === sequence)?.reactions ?? [];

describe.each(Object.entries(scenes))('in %s', (_, scene) => {
  it('everybody comes to the same reactions and pins: two devices, who was offline, a new device', async () => {
    const { author, reader, conversation } = await scene();
    const phone = await author.connect();
    const desktop = await author.connect({ encoding: 'json' });
    const kept = new MemoryStore();
    const offline = await reader.connect({ encoding: 'json', store: kept, deviceId: 'offline' });
    const sent = await phone.send(conversation, 'tea?');
    await untilTail(offline, conversation, sent.sequence);
    const { sequence } = sent;
    await offline.react(conversation, sequence, '👍');
    await offline.markRead(conversation, sequence);
    offline.close();

    await phone.react(conversation, sequence, '👍');
    await phone.react(conversation, sequence, '👍');
    await desktop.react(conversation, sequence, '😺');
    await desktop.react(conversation, sequence, '🎉');
    await phone.react(conversation, sequence, '🎉', true);
    await phone.pin(conversation, sequence);
    const head = sequence + 6;

    const back = await reader.connect({ encoding: 'json', store: kept, deviceId: 'offline' });
    const fresh = await reader.connect();
    for (const device of [phone, desktop, back, fresh]) {
      await untilTail(device, conversation, head);
      const isAuthor = device.user === author.id;
      expect(reactionsAt(device, conversation, sequence)).toMatchObject([
        { emoji: '👍', count: 2, own: true, users: [reader.id, author.id] },
        { emoji: '😺', count: 1, own: isAuthor, users: [author.id] },
      ]);
      expect(device.conversation(conversation).pinned).toEqual([sequence]);
      // News, but nothing to be read.
      expect(device.conversation(conversation).unread).toBe(0);
      const page = await device.history({ conversation, limit: 20 });
      const message = page.messages.find((each) => each.sequence === sequence);
      expect(message?.reactions).toMatchObject([
        { emoji: '👍', count: 2, own: true, users: [reader.id, author.id] },
        { emoji: '😺', count: 1, own: isAuthor, users: [author.id] },
      ]);
      expect(page.pinned).toEqual([sequence]);
    }
    const pins = await fetch(`${reader.httpUrl}/v1/conversations/${conversation}/pins`, {
      headers: { authorization: `Bearer ${reader.token}` },
    });
    expect(await pins.json()).toMatchObject({
      messages: [{ sequence, text: 'tea?', reactions: [{ emoji: '👍', count: 2, own: true }, {}] }],
    });
    const isGroup = conversation.startsWith('g.');
    expect(await codeOf(fresh.pin(conversation, sequence, true))).toBe(isGroup ? 'FORBIDDEN' : undefined);
    expect(await codeOf(fresh.react(conversation, head + 99, '👍'))).toBe('MESSAGE_NOT_FOUND');
    expect(await codeOf(fresh.react(conversation, sequence, ''))).toBe('BAD_CONTENT');
    await phone.pin(conversation, sequence, true);
    await waitUntil(() => back.conversation(conversation).pinned.length === 0, { what: 'the pin is gone' });
    // A recall leaves nothing on the message.
    const recall = await phone.recall(conversation, sequence);
    await untilTail(back, conversation, recall.sequence);
    expect(reactionsAt(back, conversation, sequence)).toEqual([]);
    expect((await fresh.history({ conversation, limit: 20 })).messages).toEqual(
      expect.arrayContaining([expect.objectContaining({ sequence, isRecalled: true, reactions: [] })]),
    );
  });
});
