// Content beside the text, edits and recalls on a whole cluster: with two devices, a member who was offline, and one who
// comes later, in a direct conversation, a normal and a super-large group, in both encodings.
import { type Client, MemoryStore, type Message, type RichContent } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import {
  type Person,
  People,
  codeOf,
  direct,
  manyUsersFromOneAddress,
  untilTail,
  upTo,
  viewOf,
} from './people.ts';

let cluster: Cluster;
let people: People;

beforeAll(async () => {
  cluster = await startCluster({
    env: {
      ...manyUsersFromOneAddress,
      PARLEY_GROUP_LARGE_FROM: '6',
      PARLEY_GROUP_SMALL_TO: '3',
    },
  });
  people = new People(cluster);
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

const image = {
  ref: 'media/1',
  mimeType: 'image/png',
  sizeBytes: 70_000,
  name: 'tea.png',
  width: 640,
  height: 480,
};

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
  'a normal group': async () => {
    const [author, reader, third] = await people.registerAll('ann', 'bob', 'cat');
    const members = [reader.id, third.id];
    const { conversation } = await author.api.createGroup({ title: 'Tea', members });
    return { author, reader, conversation };
  },
  'a super-large group': async () => {
    const [author, reader, ...others] = await people.registerAll(
      'ann',
      'bob',
      ...upTo(5).map((n) => `m${n}`),
    );
    const members = [reader, ...others].map(({ id }) => id);
    const { conversation } = await author.api.createGroup({ title: 'Square', members });
    return { author, reader, conversation };
  },
};

/** What a device shows of the messages people wrote, and of their changes. */
const shownAt = (client: Client, conversation: string) =>
  viewOf(client, conversation).flatMap(({ text, rich, isRecalled, edited, recalled }) => {
    if (edited) return [`edit of ${edited.sequence}`];
    if (recalled) return [`recall of ${recalled.sequence}`];
    if (text == null) return [];
    const more = [rich?.image ? 'image' : '', ...(rich?.mentions ?? [])].filter(Boolean);
    return [isRecalled ? 'recalled' : [text, ...more].join(' ')];
  });

describe.each(Object.entries(scenes))('in %s', (_, scene) => {
  it('everybody comes to the same: two devices, a member who was offline, and a new device', async () => {
    const { author, reader, conversation } = await scene();
    const phone = await author.connect();
    const desktop = await author.connect({ encoding: 'json' });
    const kept = new MemoryStore();
    const offline = await reader.connect({ encoding: 'json', store: kept, deviceId: 'offline' });
    const photo = await phone.send(conversation, { text: 'look', rich: { image, mentions: [reader.id] } });
    const blunder = await phone.send(conversation, 'blunder');
    await untilTail(offline, conversation, blunder.sequence);
    expect(shownAt(offline, conversation)).toEqual([`look image ${reader.id}`, 'blunder']);
    offline.close();

    const plain = await desktop.send(conversation, 'plain');
    await untilTail(desktop, conversation, plain.sequence);
    await desktop.edit(conversation, photo.sequence, 'look here');
    const edit = await phone.edit(conversation, plain.sequence, { text: 'simple', mentions: [author.id] });
    await phone.edit(conversation, blunder.sequence, 'worse');
    const recall = await phone.recall(conversation, blunder.sequence);
    expect(recall.sequence).toBeGreaterThan(edit.sequence);

    const expected = [
      'look here image',
      'recalled',
      `simple ${author.id}`,
      `edit of ${photo.sequence}`,
      `edit of ${plain.sequence}`,
      `edit of ${blunder.sequence}`,
      `recall of ${blunder.sequence}`,
    ];
    const back = await reader.connect({ encoding: 'json', store: kept, deviceId: 'offline' });
    const fresh = await reader.connect();
    for (const device of [phone, desktop, back, fresh]) {
      await untilTail(device, conversation, recall.sequence);
      expect(shownAt(device, conversation)).toEqual(expected);
    }
    const counted = viewOf(back, conversation).filter(
      (one) => !one.edited && !one.recalled && !one.isRecalled,
    );
    expect(back.conversation(conversation).unread).toBe(counted.length);

    // A page shows the same, wherever its parts come from.
    const page = await fresh.history({ conversation, limit: 50 });
    const first = page.messages.find(({ sequence }) => sequence === photo.sequence);
    const second = page.messages.find(({ sequence }) => sequence === blunder.sequence);
    expect(first).toMatchObject({ text: 'look here', revision: edit.sequence - 1 });
    expect(second).toMatchObject({ text: '', isRecalled: true, revision: recall.sequence });
    const said = JSON.stringify(page.messages);
    for (const gone of ['blunder', 'worse']) expect(said).not.toContain(gone);

    // Refused, with the codes of the protocol.
    expect(await codeOf(fresh.edit(conversation, photo.sequence, 'mine'))).toBe('FORBIDDEN');
    expect(await codeOf(fresh.recall(conversation, photo.sequence))).toBe('FORBIDDEN');
    expect(await codeOf(phone.edit(conversation, blunder.sequence, 'again'))).toBe('MESSAGE_RECALLED');
    expect(await codeOf(phone.edit(conversation, edit.sequence, 'again'))).toBe('FORBIDDEN');
    expect(await codeOf(phone.edit(conversation, recall.sequence + 1, 'again'))).toBe('MESSAGE_NOT_FOUND');
  });
});

describe('what messages carry', () => {
  const kinds: Record<string, RichContent> = {
    image: { image },
    gif: { gif: image },
    voice: { voice: { ...image, durationMs: 1_500 } },
    video: { video: image },
    file: { file: image },
    sticker: { sticker: { pack: 'cats', id: '7', emoji: '😺' } },
    location: { location: { latitude: 59.33, longitude: -18.06, name: 'Home', address: 'Street 1' } },
    'contact card': { contactCard: { user: 'dan', displayName: 'Dan' } },
    custom: { custom: { type: 'order', payload: '{"id":1}' } },
  };

  it('comes out as it went in, in either encoding, live, from a page, and from the history', async () => {
    const [ann, bob] = await people.registerAll('ann', 'bob');
    const conversation = direct(ann, bob);
    const [atAnn, atBob] = await Promise.all([ann.connect({ encoding: 'json' }), bob.connect()]);
    const contents = Object.values(kinds);
    for (const rich of contents) await atAnn.send(conversation, { rich });
    await untilTail(atBob, conversation, contents.length);
    const same = (messages: readonly Message[]) =>
      expect(messages.map(({ rich }) => rich)).toMatchObject(contents);
    same(viewOf(atBob, conversation));
    same((await atAnn.history({ conversation })).messages);
    const http = await fetch(`${bob.httpUrl}/v1/conversations/${conversation}/messages`, {
      headers: { authorization: `Bearer ${bob.token}` },
    });
    same(((await http.json()) as { messages: Message[] }).messages);
  });

  it('an answer shows what the server knows of the message, a forwarded one who wrote it first', async () => {
    const [ann, bob, eve] = await people.registerAll('ann', 'bob', 'eve');
    const conversation = direct(ann, bob);
    const [atAnn, atBob] = await Promise.all([ann.connect(), bob.connect({ encoding: 'json' })]);
    const photo = await atAnn.send(conversation, { text: 'look', rich: { image } });
    const forged = { sequence: photo.sequence, sender: 'eve', text: 'forged', kind: 'text' };
    await atBob.send(conversation, { text: 'nice', rich: { replyTo: forged } });
    const other = direct(bob, eve);
    const forwardedFrom = { conversation, sequence: photo.sequence };
    await atBob.send(other, { rich: { forwardedFrom } });
    const atEve = await eve.connect();
    await untilTail(atEve, other, 1);
    await untilTail(atAnn, conversation, 2);
    expect(viewOf(atAnn, conversation)[1]?.rich?.replyTo).toMatchObject({
      sequence: photo.sequence,
      sender: ann.id,
      text: 'look',
      kind: 'image',
    });
    const [forwarded] = viewOf(atEve, other);
    expect(forwarded).toMatchObject({ text: 'look', rich: { image } });
    expect(forwarded?.rich?.forwardedFrom).toMatchObject({ sender: ann.id, sentAtMs: photo.sentAtMs });
    expect(forwarded?.rich?.forwardedFrom?.conversation ?? '').toBe('');
    // Nobody forwards what they may not read, or edits what another has written.
    expect(await codeOf(atEve.send(other, { rich: { forwardedFrom } }))).toBe('NOT_A_MEMBER');
    expect(await codeOf(atBob.edit(other, 1, 'mine'))).toBe('FORBIDDEN');
    expect(await codeOf(atBob.send(other, { text: 'x', rich: { forwardedFrom } }))).toBe('BAD_CONTENT');
    expect(await codeOf(atBob.send(other, { rich: {} }))).toBe('TEXT_EMPTY');
    const mentions = upTo(51).map((number) => `u${number}`);
    expect(await codeOf(atBob.send(other, { text: 'x', rich: { mentions } }))).toBe('CONTENT_TOO_LARGE');
  });

  it('a page never shows less than what was acknowledged before it was asked for, while edits come at full speed', async () => {
    const [ann, bob] = await people.registerAll('ann', 'bob');
    const conversation = direct(ann, bob);
    const [atAnn, atBob] = await Promise.all([ann.connect(), bob.connect({ encoding: 'json', gateway: 1 })]);
    const sent = await Promise.all(upTo(40).map((number) => atAnn.send(conversation, `text ${number}`)));
    const acked = new Map<number, number>();
    let isWriting = true;
    const writers = upTo(4).map(async (lane) => {
      for (let round = 1; round <= 12; round++) {
        const { sequence } = sent[(lane * 11 + round * 7) % sent.length]!;
        const isRecall = round % 6 === 0;
        const change = isRecall
          ? atAnn.recall(conversation, sequence)
          : atAnn.edit(conversation, sequence, `edit ${lane}.${round}`);
        // Another lane may have recalled it.
        const code = await codeOf(change);
        if (code === undefined) acked.set(sequence, (await change).sequence);
        else expect(code).toBe('MESSAGE_RECALLED');
      }
    });
    const written = Promise.all(writers).finally(() => (isWriting = false));
    let pages = 0;
    while (isWriting || pages === 0) {
      const before = new Map(acked);
      const page = await atBob.history({ conversation, before: sent.length + 1, limit: 50 });
      for (const message of page.messages)
        expect(message.revision ?? 0).toBeGreaterThanOrEqual(before.get(message.sequence) ?? 0);
      pages++;
    }
    await written;
    const head = Math.max(...acked.values());
    await Promise.all([atAnn, atBob].map((device) => untilTail(device, conversation, head)));
    expect(viewOf(atBob, conversation).map(({ text }) => text ?? '')).toEqual(
      viewOf(atAnn, conversation).map(({ text }) => text ?? ''),
    );
    for (const [sequence, revision] of acked)
      expect(viewOf(atBob, conversation)[sequence - 1]?.revision).toBeGreaterThanOrEqual(revision);
  });

  it('an old message that has left the memory of its owner can be edited, and found as it is now', async () => {
    const [ann, bob] = await people.registerAll('ann', 'bob');
    const conversation = direct(ann, bob);
    const [atAnn, atBob] = await Promise.all([ann.connect(), bob.connect()]);
    const first = await atAnn.send(conversation, 'originalword');
    await Promise.all(upTo(300).map((number) => atAnn.send(conversation, `filler ${number}`)));
    const edit = await atAnn.edit(conversation, first.sequence, 'replacedword');
    await untilTail(atBob, conversation, edit.sequence);
    expect(viewOf(atBob, conversation)[0]).toMatchObject({ text: 'replacedword', revision: edit.sequence });
    const page = await atBob.history({ conversation, before: 10, limit: 50 });
    expect(page.messages[0]).toMatchObject({ text: 'replacedword', revision: edit.sequence });
    const found = async (q: string) => (await bob.api.search({ q })).hits.length;
    await waitUntil(async () => (await found('replacedword')) === 1, {
      what: 'the edit is found',
      limitMs: 20_000,
    });
    expect(await found('originalword')).toBe(0);
  });
});
