// What people set and delete for themselves, on a whole cluster: two devices of a person, one of them offline meanwhile, a new one,
// and the others, who see nothing of it; in a direct conversation, a normal and a super-large group.
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

const textsAt = (client: Client, conversation: string): string[] =>
  client.conversation(conversation).messages.flatMap(({ text }) => (text == null ? [] : [text]));

const untilSettled = (devices: readonly Client[], isSo: (device: Client) => boolean, what: string) =>
  waitUntil(() => devices.every((device) => device.isCaughtUp && isSo(device)), { what });

describe.each(Object.entries(scenes))('in %s', (_, scene) => {
  it('all own devices come to the same settings, and a hidden conversation comes back with a message', async () => {
    const { author, reader, conversation } = await scene();
    const other = await author.connect();
    const first = await other.send(conversation, 'tea?');
    const kept = new MemoryStore();
    const offline = await reader.connect({ encoding: 'json', store: kept, deviceId: 'offline' });
    const phone = await reader.connect();
    await untilTail(offline, conversation, first.sequence);
    await untilTail(phone, conversation, first.sequence);
    offline.close();
    await phone.markRead(conversation, first.sequence);
    await phone.setConversation(conversation, { pinned: true, doNotDisturbUntilMs: 9_999_999_999_999 });
    await phone.setConversation(conversation, { hidden: true, markedUnread: true });
    const back = await reader.connect({ encoding: 'json', store: kept, deviceId: 'offline' });
    const fresh = await reader.connect();
    const own = [phone, back, fresh];
    const settings = {
      pinned: true,
      doNotDisturbUntilMs: 9_999_999_999_999,
      hidden: true,
      markedUnread: true,
    };
    const of = (device: Client) => device.conversation(conversation).settings;
    await untilSettled(own, (device) => of(device).hidden && of(device).markedUnread, 'all hide it');
    for (const device of own) expect(of(device)).toMatchObject(settings);
    expect(of(other)).toMatchObject({ pinned: false, hidden: false });

    await back.markRead(conversation, first.sequence);
    await other.send(conversation, 'still there?');
    await untilSettled(own, (device) => !of(device).hidden && !of(device).markedUnread, 'it is back');
    expect(await codeOf(phone.setConversation(conversation, {}))).toBe('BAD_REQUEST');
    expect(await codeOf(phone.setConversation('g.nowhere', { pinned: true }))).toBe('CONVERSATION_NOT_FOUND');
  });

  it('what is deleted for me is gone for me everywhere, and for nobody else', async () => {
    const { author, reader, conversation } = await scene();
    const other = await author.connect();
    const texts = ['clearedword one', 'clearedword two', 'deletedword', 'keptword'];
    const sent = [];
    for (const text of texts) sent.push((await other.send(conversation, text)).sequence);
    const [, cleared, deleted, last] = sent as [number, number, number, number];
    const kept = new MemoryStore();
    const offline = await reader.connect({ encoding: 'json', store: kept, deviceId: 'offline' });
    await untilTail(offline, conversation, last);
    offline.close();
    const phone = await reader.connect();
    await untilTail(phone, conversation, last);
    const before = phone.conversation(conversation).unread;
    await phone.deleteForMe(conversation, [deleted]);
    await untilSettled(
      [phone],
      (device) => device.conversation(conversation).unread === before - 1,
      'one less',
    );
    await phone.clearHistory(conversation, cleared);
    // Whoever wrote it changes it: nothing of that is for this reader.
    const edit = await other.edit(conversation, deleted, 'deletedword again');
    const back = await reader.connect({ encoding: 'json', store: kept, deviceId: 'offline' });
    const fresh = await reader.connect({ encoding: 'json' });
    for (const device of [phone, back, fresh]) {
      await untilTail(device, conversation, edit.sequence);
      await untilSettled([device], (each) => textsAt(each, conversation).length === 1, 'only one is left');
      expect(textsAt(device, conversation)).toEqual(['keptword']);
      expect(device.conversation(conversation).unread).toBe(1);
      const page = await device.history({ conversation, limit: 50 });
      expect(JSON.stringify(page.messages)).not.toMatch(/clearedword|deletedword/);
      expect(page.firstVisible).toBe(cleared + 1);
      expect(page.more).toBe(false);
    }
    await untilTail(other, conversation, edit.sequence);
    expect(textsAt(other, conversation)).toEqual([...texts.slice(0, 2), 'deletedword again', 'keptword']);

    const found = async (person: Person, q: string) => (await person.api.search({ q })).hits.length;
    await waitUntil(
      async () => (await found(author, 'deletedword')) === 1 && (await found(reader, 'keptword')) === 1,
      {
        what: 'history has come so far',
        limitMs: 20_000,
      },
    );
    expect(await found(author, 'clearedword')).toBe(2);
    expect([await found(reader, 'clearedword'), await found(reader, 'deletedword')]).toEqual([0, 0]);
    const exported = async ({ httpUrl, token }: Person) => {
      const url = `${httpUrl}/v1/conversations/${conversation}/export?format=jsonl`;
      return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).text();
    };
    expect(await exported(reader)).toMatch(/keptword/);
    expect(await exported(reader)).not.toMatch(/clearedword|deletedword/);
    expect(await exported(author)).toMatch(/clearedword/);
    expect(await codeOf(phone.deleteForMe(conversation, [edit.sequence + 9]))).toBe('SEQUENCE_FROM_FUTURE');
    expect(await codeOf(phone.deleteForMe(conversation, []))).toBe('BAD_REQUEST');
  });
});
