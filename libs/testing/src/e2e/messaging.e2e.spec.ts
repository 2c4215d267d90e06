// Direct conversations on a whole cluster: two users, their devices, and what they may expect.
import { MemoryStore } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { Chatter, flawsOf, stopAll } from './chatter.ts';
import {
  type Person,
  People,
  codeOf,
  direct,
  encodings,
  manyUsersFromOneAddress,
  textsOf,
  untilTail,
  upTo,
} from './people.ts';
import { RawSocket } from './raw-socket.ts';

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

const rawOf = (person: Person) => RawSocket.hello(cluster.gateways[0]!.wsUrl, person.token);

describe('a direct conversation', () => {
  it('reaches both sides in one order, whichever encoding each of them speaks', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const [atAlice, atBob] = await Promise.all([
      alice.connect({ encoding: 'protobuf' }),
      bob.connect({ encoding: 'json' }),
    ]);
    expect((await atAlice.send(conversation, 'hello 你好 👋')).sequence).toBe(1);
    expect((await atBob.send(conversation, 'こんにちは')).sequence).toBe(2);
    await Promise.all([atAlice, atBob].map((client) => untilTail(client, conversation, 2)));
    for (const client of [atAlice, atBob]) {
      expect(textsOf(client, conversation)).toEqual(['hello 你好 👋', 'こんにちは']);
    }
  });

  it("shows on the sender's other devices what the sender wrote", async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const [phone, laptop] = await Promise.all(encodings.map((encoding) => alice.connect({ encoding })));
    await phone!.send(conversation, 'from the phone');
    await untilTail(laptop!, conversation, 1);
    expect(textsOf(laptop!, conversation)).toEqual(['from the phone']);
    expect(laptop!.conversation(conversation).unread).toBe(0);
  });

  it('is there whole when somebody who was away comes back, on an old device and on a new one', async () => {
    const [alice, bob, carol] = await people.registerAll('alice', 'bob', 'carol');
    const store = new MemoryStore();
    const before = await bob.connect({ store, deviceId: 'phone' });
    const [atAlice, atCarol] = await Promise.all([alice.connect(), carol.connect()]);
    await atAlice.send(direct(alice, bob), 'before');
    await untilTail(before, direct(alice, bob), 1);
    before.close();

    const texts = upTo(250).map((number) => `while away ${number}`);
    await Promise.all([
      ...texts.map((text) => atAlice.send(direct(alice, bob), text)),
      ...texts.slice(0, 5).map((text) => atCarol.send(direct(carol, bob), text)),
    ]);
    for (const device of [bob.device({ store, deviceId: 'phone' }), bob.device({ deviceId: 'new-phone' })]) {
      await device.connect();
      await untilTail(device, direct(alice, bob), 251);
      await untilTail(device, direct(carol, bob), 5);
      expect(textsOf(device, direct(alice, bob))).toEqual(['before', ...texts]);
      expect(textsOf(device, direct(carol, bob))).toEqual(texts.slice(0, 5));
    }
  });

  it('answers a retry with the first answer, and shows one message', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const atBob = await bob.connect();
    const socket = await rawOf(alice);
    const send = { conversation, clientMessageId: 'once', text: 'only once' };
    const first = await socket.ask({ send });
    const again = await socket.ask({ send });
    expect(first.sent).toMatchObject({ sequence: 1, duplicate: false, clientMessageId: 'once' });
    expect(again.sent).toMatchObject({ sequence: 1, duplicate: true, sentAtMs: first.sent!.sentAtMs });
    const next = await socket.ask({ send: { ...send, clientMessageId: 'next', text: 'next' } });
    expect(next.sent?.sequence).toBe(2);
    await untilTail(atBob, conversation, 2);
    expect(textsOf(atBob, conversation)).toEqual(['only once', 'next']);
    socket.close();
  });

  it('lets no message overtake the one before it', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const socket = await rawOf(alice);
    const second = { conversation, clientMessageId: '2', text: 'two', afterClientMessageId: '1' };
    const refusal = await socket.ask({ send: second });
    expect(refusal.error).toMatchObject({ code: 'PREDECESSOR_MISSING', retryable: true });
    const first = await socket.ask({ send: { conversation, clientMessageId: '1', text: 'one' } });
    expect(first.sent?.sequence).toBe(1);
    expect((await socket.ask({ send: second })).sent?.sequence).toBe(2);
    socket.close();
  });

  it('counts unread messages alike on two devices, and a read pointer moved on one moves on the other', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const [atAlice, phone, laptop] = await Promise.all([alice.connect(), bob.connect(), bob.connect()]);
    for (const text of ['one', 'two', 'three']) await atAlice.send(conversation, text);
    await Promise.all([phone, laptop].map((device) => untilTail(device, conversation, 3)));
    for (const device of [phone, laptop]) expect(device.conversation(conversation).unread).toBe(3);

    await phone.conversation(conversation).markRead(2);
    await waitUntil(() => laptop.conversation(conversation).unread === 1, { what: 'the laptop knows' });
    expect(phone.conversation(conversation).unread).toBe(1);
    // Backwards it never moves.
    await laptop.conversation(conversation).markRead(1);
    expect(laptop.conversation(conversation).read).toBe(2);
    // Sending is reading.
    await laptop.send(conversation, 'four');
    await waitUntil(() => phone.conversation(conversation).unread === 0, { what: 'the phone knows' });
    const fresh = await bob.connect();
    expect(fresh.conversation(conversation)).toMatchObject({ unread: 0, read: 4 });
    expect(await codeOf(phone.markRead(conversation, 99))).toBe('SEQUENCE_FROM_FUTURE');
  });

  it('tells the sender how far the other one has read, at once and in the next welcome', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const [atAlice, atBob] = await Promise.all([alice.connect(), bob.connect()]);
    await atAlice.send(conversation, 'read me');
    await untilTail(atBob, conversation, 1);
    const receipts: unknown[] = [];
    atAlice.on('receipt', (receipt) => receipts.push(receipt));
    await atBob.conversation(conversation).markRead();
    await waitUntil(() => receipts.length > 0, { what: 'a receipt' });
    expect(receipts[0]).toMatchObject({ conversation, user: bob.id, sequence: 1 });
    const fresh = await alice.connect();
    expect(fresh.conversation(conversation).peerRead).toBe(1);
  });

  it('shows that the other one is typing', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const [atAlice, atBob] = await Promise.all([alice.connect(), bob.connect()]);
    await atAlice.send(conversation, 'hi');
    const notices: unknown[] = [];
    atAlice.on('typing', (notice) => notices.push(notice));
    atBob.conversation(conversation).typing();
    await waitUntil(() => notices.length > 0, { what: 'a typing notice' });
    expect(notices[0]).toMatchObject({ conversation, user: bob.id });
  });
});

describe('presence', () => {
  it('says who is online, and tells watchers who comes and goes', async () => {
    const [alice, bob, carol] = await people.registerAll('alice', 'bob', 'carol');
    const [atAlice, atBob] = await Promise.all([alice.connect(), bob.connect()]);
    const seen: { user: string; online: boolean }[] = [];
    atAlice.on('presence', (presence) => seen.push(presence));
    const list = await waitUntil(
      async () => {
        const now = await atAlice.presence([bob.id, carol.id], true);
        return now.some((one) => one.online) ? now : undefined;
      },
      { what: 'bob is online' },
    );
    expect(list.map(({ user, online }) => [user, online])).toEqual([
      [bob.id, true],
      [carol.id, false],
    ]);
    await carol.connect();
    await waitUntil(() => seen.some((one) => one.user === carol.id && one.online), { what: 'carol came' });
    atBob.close();
    await waitUntil(() => seen.some((one) => one.user === bob.id && !one.online), { what: 'bob went' });
  });
});

describe('history', () => {
  it('pages both ways without a hole, while messages are still on their way into the store and after', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const [atAlice, atBob] = await Promise.all([alice.connect(), bob.connect()]);
    const newcomer = await bob.connect();
    const chatters = [Chatter.start(atAlice, conversation), Chatter.start(atBob, conversation)];
    await chatters[0]!.more(100);
    const during = await Promise.all([
      pagedForward(newcomer, conversation),
      pagedBackward(newcomer, conversation),
    ]);
    for (const sequences of during) expect(sequences).toEqual(upTo(sequences.length));
    await chatters[0]!.more(200);
    const acked = await stopAll(chatters);
    const head = acked.length;
    expect(await pagedForward(newcomer, conversation)).toEqual(upTo(head));

    await untilIndexed(alice, conversation, head);
    expect(await pagedForward(newcomer, conversation)).toEqual(upTo(head));
    expect(await pagedBackward(newcomer, conversation)).toEqual(upTo(head));
    expect(await flawsOf([atAlice, atBob, newcomer], conversation, acked)).toEqual([]);
  });

  it('comes from the store as well when nothing else remembers the messages', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const atAlice = await alice.connect();
    const texts = upTo(400).map((number) => `line ${number}`);
    await Promise.all(texts.map((text) => atAlice.send(conversation, text)));
    await untilIndexed(alice, conversation, 400);
    // No memory of a gateway, no Redis, and more than an actor keeps.
    await cluster.app('gateway').restart();
    await cluster.redis!.kill();
    const atBob = await bob.connect();
    await untilTail(atBob, conversation, 400);
    expect(textsOf(atBob, conversation)).toEqual(texts);
    await cluster.redis!.restart();
    expect((await atAlice.send(conversation, 'and on')).sequence).toBe(401);
  });
});

describe('search', () => {
  it('finds words in English, Chinese and Japanese, and only in the own conversations', async () => {
    const [alice, bob, eve] = await people.registerAll('alice', 'bob', 'eve');
    const conversation = direct(alice, bob);
    const [atAlice, atEve] = await Promise.all([alice.connect(), eve.connect()]);
    const texts = [
      'edit xorg.conf and restart the Display Manager',
      '我今天买了一个扫地机器人，很好用',
      '東京タワーの写真を送ります',
      'kernel panic again',
    ];
    for (const text of texts) await atAlice.send(conversation, text);
    await atEve.send(direct(eve, alice), 'xorg is mine too');
    await untilIndexed(bob, conversation, texts.length);
    const found = async (q: string) => (await bob.api.search({ q })).hits.map((hit) => hit.text);
    expect(await found('xorg')).toEqual([texts[0]]);
    expect(await found('display MANAGER')).toEqual([texts[0]]);
    expect(await found('机器人')).toEqual([texts[1]]);
    expect(await found('東京タワー')).toEqual([texts[2]]);
    expect(await found('写真')).toEqual([texts[2]]);
    expect(await found('panic kernel')).toEqual([texts[3]]);
    expect(await found('"panic kernel"')).toEqual([]);
    expect(await found('nothing of the kind')).toEqual([]);
    expect(await found('kern* -display')).toEqual([texts[3]]);
    expect(await found(`机器 from:${alice.id}`)).toEqual([texts[1]]);
    expect(await found('机器 from:me')).toEqual([]);
    const filters = { conversation: [conversation], kind: 'text', sort: 'oldest', limit: 3 } as const;
    const { hits, next } = await bob.api.search(filters);
    expect(hits.map(({ text }) => text)).toEqual(texts.slice(0, 3));
    const rest = await bob.api.search({ ...filters, before: next });
    expect(rest.hits.map(({ text }) => text)).toEqual(texts.slice(3));
    expect(await codeOf(bob.api.search({ q: 'kernel', before: next }))).toBe('BAD_REQUEST');
    expect(await codeOf(bob.api.search({ q: 'in:nowhere' }))).toBe('BAD_ID');
  });

  it('finds for a member of a group exactly what was posted while a member', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const atAlice = await alice.connect();
    const { id, conversation } = await alice.api.createGroup({ title: 'spans', members: [] });
    await atAlice.send(conversation, 'needle before');
    await alice.api.addMembers(id, [bob.id]);
    await atAlice.send(conversation, 'needle inside');
    await alice.api.removeMember(id, bob.id);
    await atAlice.send(conversation, 'needle between');
    await alice.api.addMembers(id, [bob.id]);
    await atAlice.send(conversation, 'needle again');
    await alice.api.removeMember(id, bob.id);
    const last = await atAlice.send(conversation, 'needle after');
    await untilIndexed(alice, conversation, last.sequence);
    const found = async (person: Person) =>
      (await person.api.search({ q: 'needle' })).hits.map(({ text }) => text);
    expect(await waitUntil(() => found(bob), { what: 'bob finds something' })).toEqual([
      'needle again',
      'needle inside',
    ]);
    expect(await found(alice)).toHaveLength(5);
  });
});

describe('another tenant', () => {
  it('sees nothing and reaches nobody, though its users have the same names', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const group = await alice.api.createGroup({ title: 'ours', members: [bob.id] });
    const [atAlice, atBob] = await Promise.all([alice.connect(), bob.connect()]);
    await atAlice.send(conversation, 'tenantsecret');
    await atAlice.send(group.conversation, 'tenantsecret');
    await untilIndexed(alice, conversation, 1);

    const double = await people.registerAs(alice.id, 'elsewhere');
    const atDouble = await double.connect();
    expect(atDouble.tenant).toBe('elsewhere');
    expect(atDouble.conversations).toEqual([]);
    expect(atDouble.inboxPosition).toBe(0);
    expect(await codeOf(atDouble.send(conversation, 'let me in'))).toBe('USER_NOT_FOUND');
    expect(await codeOf(atDouble.send(group.conversation, 'let me in'))).toBe('CONVERSATION_NOT_FOUND');
    // The names of the direct conversation are its own, so it may look: there is nothing.
    expect(await atDouble.history({ conversation })).toMatchObject({ messages: [], head: 0, more: false });
    expect(await codeOf(atDouble.history({ conversation: group.conversation }))).toMatch(
      /NOT_A_MEMBER|CONVERSATION_NOT_FOUND/,
    );
    expect((await double.api.user(bob.id)).exists).toBe(false);
    expect(await atDouble.presence([bob.id])).toMatchObject([{ user: bob.id, online: false }]);
    expect(await codeOf(double.api.members(group.id))).toMatch(/NOT_A_MEMBER|CONVERSATION_NOT_FOUND/);
    expect((await double.api.search({ q: 'tenantsecret' })).hits).toEqual([]);

    // The double of bob makes the same conversation id a conversation of its own.
    await people.registerAs(bob.id, 'elsewhere');
    expect((await atDouble.send(conversation, 'over there')).sequence).toBe(1);
    await atBob.send(conversation, 'over here');
    await untilTail(atAlice, conversation, 2);
    expect(textsOf(atAlice, conversation)).toEqual(['tenantsecret', 'over here']);
    await untilTail(atDouble, conversation, 1);
    expect(textsOf(atDouble, conversation)).toEqual(['over there']);
  });
});

/** Waits until the index covers the conversation up to the sequence, which search answers tell. */
async function untilIndexed(person: Person, conversation: string, sequence: number): Promise<void> {
  await waitUntil(
    async () => {
      const { completeThrough } = await person.api.search({ q: 'anything', conversation });
      return completeThrough.some((one) => one.conversation === conversation && one.sequence >= sequence);
    },
    { what: `${conversation} is indexed up to ${sequence}`, limitMs: 20_000, everyMs: 100 },
  );
}

type Pager = Awaited<ReturnType<Person['connect']>>;

async function pagedForward(client: Pager, conversation: string): Promise<number[]> {
  const first = await client.history({ conversation, before: 2 });
  const sequences = first.messages.map((message) => message.sequence);
  for (let more = true; more;) {
    const page = await client.history({ conversation, after: sequences.at(-1)!, limit: 37 });
    sequences.push(...page.messages.map((message) => message.sequence));
    more = page.more;
  }
  return sequences;
}

async function pagedBackward(client: Pager, conversation: string): Promise<number[]> {
  let page = await client.history({ conversation, limit: 41 });
  const sequences = page.messages.map((message) => message.sequence);
  while (page.more) {
    page = await client.history({ conversation, before: sequences[0]!, limit: 41 });
    sequences.unshift(...page.messages.map((message) => message.sequence));
  }
  return sequences;
}
