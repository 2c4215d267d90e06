// The client against the scripted server: whatever is dropped, doubled, delayed or reordered, in the end each view is
// dense, in order, and shows exactly what was posted while the user was a member.
import { wire } from '@parley/protocol';
import { type Random, seededRandom } from '@parley/std';
import { describe, expect, test } from 'vitest';
import { type Client, createClient } from './client.ts';
import type { ClientError } from './client-error.ts';
import type { Encoding } from './codec/frame-codec.ts';
import { Diffusion, type Message, type Sent } from './frames.ts';
import { MemoryStore } from './store/memory-store.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { type Faults, ScriptedServer, noFaults } from './testing/scripted-server.ts';

interface World {
  readonly clock: ManualClock;
  readonly random: Random;
  readonly server: ScriptedServer;
  readonly encoding: Encoding;
}

function world(seed = 1, options: { encoding?: Encoding; inboxWindow?: number } = {}): World {
  const clock = new ManualClock();
  const random = seededRandom(seed);
  const { encoding = 'protobuf', ...rest } = options;
  return { clock, random, encoding, server: new ScriptedServer({ clock, random, ...rest }) };
}

function clientOf({ clock, random, server, encoding }: World, user: string, more: object = {}): Client {
  const base = { url: 'ws://scripted/', token: 't', deviceId: `${user}-1`, encoding, clock, random };
  return createClient({
    ...base,
    openSocket: server.socketsOf(user),
    limits: { requestTimeoutMs: 1_000 },
    ...more,
  });
}

async function connected(here: World, ...users: string[]): Promise<Client[]> {
  const clients = users.map((user) => clientOf(here, user));
  const ready = Promise.all(clients.map((client) => client.connect()));
  await here.clock.until(() => clients.every((client) => client.state === 'ready'), 10_000, 'connecting');
  await ready;
  return clients;
}

const textsOf = (client: Client, conversation: string) =>
  client.conversation(conversation).messages.map((m) => m.text);

describe.each<Encoding>(['protobuf', 'json'])('over %s', (encoding) => {
  test('a message reaches sender and receiver in the same place', async () => {
    const here = world(1, { encoding });
    const [alice, bob] = await connected(here, 'alice', 'bob');
    const sending = alice!.send('d.alice.bob', '你好');
    await here.clock.advance(500);
    expect((await sending).sequence).toBe(1);
    expect(textsOf(alice!, 'd.alice.bob')).toEqual(['你好']);
    expect(textsOf(bob!, 'd.alice.bob')).toEqual(['你好']);
    expect(bob!.conversation('d.alice.bob').unread).toBe(1);
    expect(alice!.conversation('d.alice.bob').unread).toBe(0);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'whatever the network does, every view becomes dense, ordered and complete (seed %i)',
    async (seed) => {
      const isWindowSmall = seed % 3 === 0;
      await storm(world(seed, { encoding, inboxWindow: isWindowSmall ? 15 : 2_000 }), isWindowSmall);
    },
  );
});

test('messages sent while offline go out in order after the reconnect', async () => {
  const here = world();
  const [alice, bob] = await connected(here, 'alice', 'bob');
  here.server.isDown = true;
  here.server.cutAll();
  await here.clock.advance(100);
  const sends = Promise.all(['one', 'two', 'three'].map((text) => alice!.send('d.alice.bob', text)));
  await here.clock.advance(3_000);
  expect(alice!.state).not.toBe('ready');
  here.server.isDown = false;
  await here.clock.until(() => alice!.outboxSize === 0 && bob!.isCaughtUp, 60_000, 'coming back');
  expect((await sends).map((sent) => sent.sequence)).toEqual([1, 2, 3]);
  await here.clock.advance(1_000);
  expect(textsOf(bob!, 'd.alice.bob')).toEqual(['one', 'two', 'three']);
});

test('what retention has deleted is no hole: a device that was away, and a new one, are caught up at once', async () => {
  const here = world();
  const store = new MemoryStore();
  const bob = clientOf(here, 'bob', { store });
  void bob.connect();
  await here.clock.until(() => bob.state === 'ready', 10_000, 'connecting');
  const post = (number: number) =>
    here.server.post('alice', {
      conversation: 'd.alice.bob',
      clientMessageId: `c${number}`,
      text: `${number}`,
    });
  post(1);
  await here.clock.advance(1_000);
  bob.close();
  for (let number = 2; number <= 300; number++) post(number);
  here.server.expire('d.alice.bob', 298);
  for (const own of [store, new MemoryStore()]) {
    const failures: ClientError[] = [];
    const back = clientOf(here, 'bob', { store: own, deviceId: `bob-${own === store ? 1 : 2}` });
    back.on('error', (error) => failures.push(error));
    void back.connect();
    await here.clock.until(() => back.isCaughtUp, 20_000, 'catching up');
    const view = back.conversation('d.alice.bob');
    while (view.messages[0]?.sequence !== 1)
      await Promise.all([view.loadOlder(100), here.clock.advance(1_000)]);
    expect(view.messages.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 300 }, (_, index) => index + 1),
    );
    expect(view.messages.slice(-3).map(({ text, system }) => text ?? system)).toEqual([
      { expired: {} },
      '299',
      '300',
    ]);
    expect(failures).toEqual([]);
    back.close();
  }
});

test('a send repeated with the same id is one message', async () => {
  const here = world();
  const [alice] = await connected(here, 'alice', 'bob');
  const sends = [1, 2].map(() => alice!.send('d.alice.bob', 'once', 'the-id'));
  await here.clock.advance(2_000);
  const [first, second] = await Promise.all(sends);
  expect(second!.sequence).toBe(first!.sequence);
  expect(textsOf(alice!, 'd.alice.bob')).toEqual(['once']);
});

test.each([1, 2, 3, 4, 5])(
  'repeats of old sends do not let new ones overtake each other, seed %i',
  async (seed) => {
    const here = world(seed);
    const [alice] = await connected(here, 'alice', 'bob');
    const first = alice!.send('d.alice.bob', 'first', 'first');
    await here.clock.until(() => alice!.outboxSize === 0, 10_000, 'the first one');
    await first;
    here.server.faults = { ...noFaults, refuse: 0.4 };
    const sends = Array.from({ length: 20 }, (_, index) => {
      const sending = alice!.send('d.alice.bob', `new ${index}`);
      void alice!.send('d.alice.bob', 'first', 'first');
      return sending;
    });
    await here.clock.until(() => alice!.outboxSize === 0, 600_000, 'all of it');
    const sequences = (await Promise.all(sends)).map((sent) => sent.sequence);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  },
);

test('a gateway that has fallen silent is left when the first request gets no answer', async () => {
  const here = world();
  const open = here.server.socketsOf('alice');
  let sockets = 0;
  let isSilent = false;
  const alice = clientOf(here, 'alice', {
    openSocket: (...[target, handlers]: Parameters<typeof open>) => {
      const isFirst = sockets++ === 0;
      const socket = open(target, {
        ...handlers,
        received: (data) => (isFirst && isSilent) || handlers.received(data),
      });
      return {
        ...socket,
        send: (data: Parameters<typeof socket.send>[0]) => (isFirst && isSilent) || socket.send(data),
      };
    },
  });
  void alice.connect();
  await here.clock.until(() => alice.state === 'ready', 10_000, 'connecting');
  isSilent = true;
  const sending = alice.send('d.alice.bob', 'hello?');
  await here.clock.until(() => alice.outboxSize === 0, 5_000, 'answered by another gateway');
  expect((await sending).sequence).toBe(1);
  expect(sockets).toBe(2);
});

test('a gateway that answers nothing but UNAVAILABLE is left after a while', async () => {
  const here = world();
  const open = here.server.socketsOf('alice');
  let sockets = 0;
  let isCutOff = false;
  const alice = clientOf(here, 'alice', {
    openSocket: (...[target, handlers]: Parameters<typeof open>) => {
      const isFirst = sockets++ === 0;
      const socket = open(target, handlers);
      const send = (data: Parameters<typeof socket.send>[0]): void => {
        if (!isFirst || !isCutOff) return socket.send(data);
        const { requestId } = wire.ClientFrame.decode(data as Uint8Array);
        const error = { code: 'UNAVAILABLE', message: 'cut off', retryable: true };
        here.clock.after(1, () => handlers.received(wire.ServerFrame.encode({ requestId, error }).finish()));
      };
      return { ...socket, send };
    },
  });
  void alice.connect();
  await here.clock.until(() => alice.state === 'ready', 10_000, 'connecting');
  isCutOff = true;
  const sending = alice.send('d.alice.bob', 'hello?');
  await here.clock.advance(5_000);
  expect(sockets).toBe(1);
  await here.clock.until(() => alice.outboxSize === 0, 30_000, 'answered by another gateway');
  expect((await sending).sequence).toBe(1);
  expect(sockets).toBe(2);
});

test('a refused message is rejected with its code and those behind it go on', async () => {
  const here = world();
  const [alice] = await connected(here, 'alice', 'bob');
  const refused = alice!.send('d.alice.bob', '').catch((error: ClientError) => error.code);
  const sent = alice!.send('d.alice.bob', 'next');
  await here.clock.advance(2_000);
  expect(await refused).toBe('TEXT_EMPTY');
  expect((await sent).sequence).toBe(1);
});

test('a client that was away beyond the inbox window pages its conversations instead', async () => {
  const here = world(1, { inboxWindow: 10 });
  const store = new MemoryStore();
  const first = clientOf(here, 'bob', { store });
  void first.connect();
  await here.clock.advance(1_000);
  here.server.post('alice', { conversation: 'd.alice.bob', clientMessageId: 'x0', text: '0' });
  await here.clock.advance(500);
  first.close();
  for (let i = 1; i <= 60; i++)
    here.server.post('alice', { conversation: 'd.alice.bob', clientMessageId: `x${i}`, text: `${i}` });
  const again = clientOf(here, 'bob', { store });
  void again.connect();
  await here.clock.until(() => again.isCaughtUp, 30_000, 'catching up');
  expect(textsOf(again, 'd.alice.bob')).toEqual(Array.from({ length: 61 }, (_, i) => `${i}`));
});

test('a new device that only wants heads starts at the newest messages and loads older ones on demand', async () => {
  const here = world();
  for (let i = 1; i <= 20; i++)
    here.server.post('alice', { conversation: 'd.alice.bob', clientMessageId: `x${i}`, text: `${i}` });
  const bob = clientOf(here, 'bob', { coldStart: 'heads' });
  void bob.connect();
  await here.clock.until(() => bob.isCaughtUp, 5_000, 'connecting');
  expect(textsOf(bob, 'd.alice.bob')).toEqual([]);
  expect(bob.conversation('d.alice.bob').unread).toBe(20);
  const loading = bob.conversation('d.alice.bob').loadOlder(5);
  await here.clock.advance(500);
  expect(await loading).toBe(5);
  here.server.post('alice', { conversation: 'd.alice.bob', clientMessageId: 'x21', text: '21' });
  await here.clock.advance(500);
  expect(textsOf(bob, 'd.alice.bob')).toEqual(['16', '17', '18', '19', '20', '21']);
});

test('told to go away, it opens the new connection before it leaves the old one', async () => {
  const here = world();
  const [alice] = await connected(here, 'alice', 'bob');
  const states: string[] = [];
  alice!.on('state', ({ state }) => states.push(state));
  here.server.pushTo('alice', { goAway: { reason: 'age', reconnectWithinMs: 1_000 } });
  await here.clock.advance(5_000);
  expect(alice!.isCaughtUp).toBe(true);
  expect(states).not.toContain('offline');
});

test('displaced by the same device elsewhere, it stops instead of fighting', async () => {
  const here = world();
  const [alice] = await connected(here, 'alice', 'bob');
  here.server.pushTo('alice', { goAway: { reason: 'displaced', reconnectWithinMs: 0 } });
  await here.clock.advance(500);
  expect(alice!.state).toBe('stopped');
  await expect(alice!.send('d.alice.bob', 'too late')).rejects.toMatchObject({ code: 'STOPPED' });
});

test('read pointers and unread counts agree on all devices of a user', async () => {
  const here = world();
  const [alice, bob] = await connected(here, 'alice', 'bob');
  const phone = clientOf(here, 'bob', { deviceId: 'bob-2' });
  void phone.connect();
  for (const text of ['1', '2', '3']) void alice!.send('d.alice.bob', text);
  await here.clock.advance(2_000);
  expect([bob!, phone].map((one) => one.conversation('d.alice.bob').unread)).toEqual([3, 3]);
  void bob!.conversation('d.alice.bob').markRead(2);
  await here.clock.advance(2_000);
  expect([bob!, phone].map((one) => one.conversation('d.alice.bob').unread)).toEqual([1, 1]);
});

describe('edits and recalls', () => {
  const pair = 'd.alice.bob';

  test('change what every device shows, and tell the program', async () => {
    const here = world();
    const [alice, bob] = await connected(here, 'alice', 'bob');
    const told: string[] = [];
    bob!.on('change', ({ message }) => told.push(message.isRecalled ? 'recalled' : `now ${message.text}`));
    for (const text of ['one', 'two', 'three']) void alice!.send(pair, text);
    await here.clock.advance(500);
    const edit = alice!.edit(pair, 1, 'first');
    await here.clock.advance(500);
    void alice!.recall(pair, 2);
    await here.clock.advance(500);
    expect((await edit).sequence).toBe(4);
    for (const client of [alice!, bob!])
      expect(textsOf(client, pair).slice(0, 3)).toEqual(['first', '', 'three']);
    expect(bob!.conversation(pair).messages[0]).toMatchObject({ revision: 4 });
    expect(told).toEqual(['now first', 'recalled']);
    expect(bob!.conversation(pair).unread).toBe(2);
    void bob!.conversation(pair).markRead();
    await here.clock.advance(500);
    expect(bob!.conversation(pair).unread).toBe(0);
  });

  test('are made once, however often they are repeated', async () => {
    const here = world();
    const [alice] = await connected(here, 'alice', 'bob');
    void alice!.send(pair, 'one');
    await here.clock.advance(500);
    here.server.faults = { ...noFaults, loseAnswer: 0.7 };
    const edit = alice!.edit(pair, 1, 'first');
    await here.clock.advance(20_000);
    here.server.faults = noFaults;
    await here.clock.advance(20_000);
    expect((await edit).sequence).toBe(2);
    expect(here.server.conversations.get(pair)!.log).toHaveLength(2);
  });

  test('are applied to older messages that are loaded afterwards', async () => {
    const here = world();
    for (let i = 1; i <= 9; i++)
      here.server.post('alice', { conversation: pair, clientMessageId: `x${i}`, text: `${i}` });
    const bob = clientOf(here, 'bob', { coldStart: 'heads' });
    void bob.connect();
    await here.clock.until(() => bob.isCaughtUp, 5_000, 'connecting');
    // As a page that was read just before the edit.
    const log = here.server.conversations.get(pair)!.log;
    const before = log[7]!;
    here.server.change('alice', { conversation: pair, clientMessageId: 'e', sequence: 8, text: 'eight' });
    here.server.change('alice', { conversation: pair, clientMessageId: 'r', sequence: 9 });
    await here.clock.advance(500);
    log[7] = before;
    const loading = bob.conversation(pair).loadOlder(3);
    await here.clock.advance(500);
    expect(await loading).toBe(3);
    expect(textsOf(bob, pair).slice(0, 3)).toEqual(['7', 'eight', '']);
    expect(bob.conversation(pair).unread).toBe(8);
  });
});

test('the async iterator gives events until the client is closed', async () => {
  const here = world();
  const [alice, bob] = await connected(here, 'alice', 'bob');
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const { type, event } of bob!.events()) if (type === 'message') seen.push(event.message.text);
  })();
  void alice!.send('d.alice.bob', 'hi');
  await here.clock.advance(1_000);
  bob!.close();
  await reading;
  expect(seen).toEqual(['hi']);
});

// ---------- the storm ----------

const storming: Faults = {
  dropPush: 0.15,
  doublePush: 0.15,
  loseAnswer: 0.05,
  refuse: 0.05,
  pushDelayMs: 120,
};

interface Posted {
  readonly device: string;
  readonly conversation: string;
  readonly clientMessageId: string;
  readonly order: number;
}

/** Faults, sends, joins, leaves, switches and restarts for a while; then calm, and every view is compared. */
async function storm(here: World, isWindowSmall: boolean): Promise<void> {
  const { clock, random, server } = here;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  const users = ['alice', 'bob', 'carol', 'dave'];
  const stores = new Map<string, MemoryStore>();
  const clients = new Map<string, Client>();
  const start = (device: string) => {
    const store = stores.get(device) ?? new MemoryStore();
    stores.set(device, store);
    const client = clientOf(here, device.split('-')[0]!, { deviceId: device, store });
    clients.set(device, client);
    // Rejected when it is closed before it was ready: restarts do that.
    client.connect().catch((error: ClientError) => expect(error.code).toBe('STOPPED'));
  };
  server.createGroup('team', ['alice', 'bob', 'carol']);
  for (const device of ['alice-1', 'alice-2', 'bob-1', 'carol-1', 'dave-1']) start(device);
  server.faults = storming;
  const posted: Posted[] = [];
  const acked = new Map<string, Sent>();
  const refusals: string[] = [];
  /** Without an answer yet. */
  let changes = 0;
  const conversations = ['g.team', 'g.team', 'g.team', 'd.alice.bob', 'd.bob.dave', 'd.carol.carol'];
  for (let step = 0; step < 400; step++) {
    const chance = random.next();
    if (chance < 0.8) {
      const device = pick([...clients.keys()]);
      const conversation = pick(conversations);
      if (!conversation.startsWith('d.') || conversation.split('.').includes(device.split('-')[0]!)) {
        const clientMessageId = `${device}:${step}`;
        posted.push({ device, conversation, clientMessageId, order: step });
        clients
          .get(device)!
          .send(conversation, `text ${step}`, clientMessageId)
          .then(
            (sent) => acked.set(clientMessageId, sent),
            (error: ClientError) => refusals.push(error.code),
          );
      }
      change(pick([...clients.keys()]), step);
    } else if (chance < 0.84) server.cutOne();
    else if (chance < 0.88) server.switchTo('g.team', pick([Diffusion.read, Diffusion.write]));
    else if (chance < 0.92) server.remove('g.team', pick(['carol', 'dave']));
    else if (chance < 0.97) server.add('g.team', pick(['carol', 'dave']));
    else restartIdle(pick([...clients.keys()]));
    await clock.advance(random.next() * 60);
  }
  server.faults = noFaults;
  start('alice-3');
  const isDone = () =>
    changes === 0 && [...clients.values()].every((client) => client.outboxSize === 0 && client.isCaughtUp);
  await clock.until(isDone, 300_000, 'calm after the storm');
  await clock.advance(5_000);
  await clock.until(isDone, 60_000, 'calm again');

  // Only what a member may not do is refused.
  expect(new Set(refusals).size <= 1 && refusals.every((code) => code === 'NOT_A_MEMBER')).toBe(true);
  expect(acked.size).toBe(posted.length - refusals.length);
  for (const [device, client] of clients) checkViews(device, client);
  checkOrder();
  for (const client of clients.values()) client.close();

  /** Edits a message the device shows as its user's, or takes it back. */
  function change(device: string, step: number): void {
    const client = clients.get(device)!;
    const user = device.split('-')[0]!;
    const view = pick(client.conversations.concat(client.conversation('d.alice.bob')));
    const own = view.messages.filter(({ sender, text }) => sender === user && text != null);
    if (own.length === 0) return;
    const { sequence } = pick(own);
    const changing = step % 5 === 0 ? view.recall(sequence) : view.edit(sequence, `edit ${step}`);
    changes++;
    changing
      .catch((error: ClientError) => {
        const allowed = ['NOT_A_MEMBER', 'MESSAGE_RECALLED', 'STOPPED'];
        if (!allowed.includes(error.code)) refusals.push(error.code);
      })
      .finally(() => changes--);
  }

  function restartIdle(device: string): void {
    const client = clients.get(device)!;
    // An outbox in memory would die with the client; the store is what survives.
    if (client.outboxSize > 0) return;
    client.close();
    start(device);
  }

  function checkViews(device: string, client: Client): void {
    const user = device.split('-')[0]!;
    expect(users).toContain(user);
    for (const conversation of server.conversations.values()) {
      const spans = conversation.members.get(user)?.spans;
      if (spans === undefined) continue;
      const isVisible = (sequence: number) =>
        spans.some((span) => sequence >= span.from && (span.to === 0 || sequence <= span.to));
      const expected = conversation.log.filter(({ sequence }) => isVisible(sequence));
      const view = client.conversation(conversation.id);
      const seen = view.segments.flatMap((segment) => segment.messages);
      // A device whose first sync is beyond the inbox window begins with the span of membership it finds.
      const firstSeen = isWindowSmall ? (view.segments[0]?.first ?? 1) : 1;
      expect(firstSeen === 1 || spans.some((span) => span.from === firstSeen)).toBe(true);
      // What changed while the user was away is not in their copy.
      const newest = (sequence: number) =>
        expected.findLast(({ edited, recalled }) => (edited ?? recalled)?.sequence === sequence)?.sequence ??
        0;
      for (const { sequence, revision = 0 } of seen)
        expect(revision).toBeGreaterThanOrEqual(newest(sequence));
      const key = (message: Message) =>
        isVisible(message.revision || message.sequence)
          ? `${message.sequence} ${message.text ?? ''}`
          : `${message.sequence} changed unseen`;
      const atServer = new Map(expected.map((message) => [message.sequence, message]));
      const shown = seen.map((message) => {
        const { revision } = atServer.get(message.sequence)!;
        return revision && !isVisible(revision) ? `${message.sequence} changed unseen` : key(message);
      });
      expect(shown, `${device} ${conversation.id}`).toEqual(
        expected.filter((message) => message.sequence >= firstSeen).map((message) => key(message as Message)),
      );
      expect(view.unread, `${device} unread of ${conversation.id}`).toBe(
        server.unreadOf(user, conversation.id),
      );
    }
  }

  function checkOrder(): void {
    const lastOf = new Map<string, number>();
    for (const { device, conversation, clientMessageId } of posted) {
      const sent = acked.get(clientMessageId);
      if (sent === undefined) continue;
      const log = server.conversations.get(conversation)!.log;
      expect(log.filter((message) => message.clientMessageId === clientMessageId)).toHaveLength(1);
      expect(log[sent.sequence - 1]!.clientMessageId).toBe(clientMessageId);
      const key = `${device} ${conversation}`;
      expect(sent.sequence).toBeGreaterThan(lastOf.get(key) ?? 0);
      lastOf.set(key, sent.sequence);
    }
  }
}
