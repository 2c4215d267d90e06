// The socket gateway through real sockets, in both encodings, with a scripted owner behind it.
import { type ClientTransport, UwsClientTransport } from '@parley/adapters';
import { type Subprotocol, errorBody, internal, subjects, wire } from '@parley/protocol';
import { selfSignedCertificate } from '@parley/testing';
import { afterEach, describe, expect, test } from 'vitest';
import type { SocketLimits } from '../connection/socket-limits.ts';
import { type GatewayDouble, startGatewayDouble } from './gateway.double.ts';
import { type ClientOptions, SocketClient } from './socket-client.double.ts';

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

async function start(
  limits: Partial<SocketLimits> = {},
  transport?: ClientTransport,
): Promise<GatewayDouble> {
  const double = await startGatewayDouble({
    limits,
    transport: transport ?? (await UwsClientTransport.load()),
  });
  cleanUp.push(() => double.stop());
  return double;
}

async function connect({ port }: GatewayDouble, options: ClientOptions = {}): Promise<SocketClient> {
  const client = await SocketClient.connect(port, options);
  cleanUp.push(() => client.socket.terminate());
  return client;
}

async function welcomed(
  double: GatewayDouble,
  user: string,
  options: ClientOptions & { device?: string } = {},
) {
  const client = await connect(double, options);
  const frame = await client.hello(`acme/${user}`, { deviceId: options.device ?? 'phone' });
  expect(frame.body).toBe('welcome');
  return client;
}

const message = (sequence: number, text = `text ${sequence}`, conversation = 'd.alice.bob') => ({
  conversation,
  sequence,
  sender: 'bob',
  clientMessageId: `m${sequence}`,
  sentAtMs: 1_790_000_000_000,
  text,
});
const bothEncodings: Subprotocol[] = ['parley.v1.protobuf', 'parley.v1.json'];
const errorOf = (frame: { error?: { code?: string | null } | null }) => frame.error?.code;

describe.each(bothEncodings)('in %s', (subprotocol) => {
  test('hello is answered by a welcome that the user entity and the gateway made together', async () => {
    const double = await start();
    double.owner.welcome = {
      welcome: {
        tenant: 'acme',
        user: 'alice',
        inboxPosition: 5,
        conversations: [{ conversation: 'd.alice.bob', head: 3 }],
      },
    };
    const client = await connect(double, { subprotocol });
    const { welcome } = await client.hello('acme/alice', { inboxPosition: 2 });
    expect(welcome).toMatchObject({
      tenant: 'acme',
      user: 'alice',
      inboxPosition: 5,
      protocolVersion: 1,
      frameBytesMax: 131_072,
    });
    expect(welcome?.connectionId).toContain('gw-1');
    expect(welcome?.conversations?.[0]).toMatchObject({ conversation: 'd.alice.bob', head: 3 });
    const attached = double.owner.attachOf('alice');
    expect(attached?.device).toBe('phone');
    const hello = wire.Hello.decode(attached!.request);
    expect(hello.inboxPosition).toBe(2);
    expect(hello.token, 'the token must not reach the command log').toBe('');
  });

  test('sends become commands in order, and each reply carries its request id', async () => {
    const double = await start();
    const posted: string[] = [];
    double.owner.onCommand = (record) => {
      const { postMessage } = internal.DirectCommand.decode(record.payload);
      posted.push(postMessage?.clientMessageId ?? '');
      return {
        sent: {
          conversation: 'd.alice.bob',
          clientMessageId: postMessage?.clientMessageId,
          sequence: posted.length,
        },
      };
    };
    const client = await welcomed(double, 'alice', { subprotocol });
    const ids = Array.from({ length: 50 }, (_, index) => `m${index}`);
    const replies = await Promise.all(
      ids.map((clientMessageId) =>
        client.ask({ send: { conversation: 'd.alice.bob', clientMessageId, text: 'hi' } }),
      ),
    );
    expect(posted).toEqual(ids);
    expect(replies.map(({ sent }) => [sent?.clientMessageId, sent?.sequence])).toEqual(
      ids.map((id, index) => [id, index + 1]),
    );
    const asked = double.owner.queries.filter(({ body }) => body === 'account');
    expect(asked, 'the peer is looked up once').toHaveLength(1);
    expect(double.owner.batches.length, 'sends of one turn share a batch').toBeLessThan(30);
  });

  test('a send becomes the same command whichever way it takes, wherever it goes', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice', { subprotocol });
    const conversations = ['d.alice.bob', 'g.room', 'd.alice.bob', 'd.alice.bob', 'g.room', 'g.room'];
    for (const [index, conversation] of conversations.entries()) {
      const after = index > 0 ? `m${index - 1}` : '';
      const send = { clientMessageId: `m${index}`, text: `你好 ${index}`, afterClientMessageId: after };
      await client.ask({ send: { conversation, ...send } });
      const record = double.owner.records.at(-1)!;
      const type = conversation === 'g.room' ? 'group' : 'direct';
      expect(record).toMatchObject({ kind: 'command', tenant: 'acme', type, id: conversation.slice(2) });
      const command = { postMessage: { sender: 'alice', ...send } };
      const codec = type === 'group' ? internal.GroupCommand : internal.DirectCommand;
      expect(Buffer.from(record.payload)).toEqual(Buffer.from(codec.encode(command).finish()));
    }
    const foreign = { conversation: 'd.bob.carol', clientMessageId: 'm', text: 'hi' };
    expect(errorOf(await client.ask({ send: foreign }))).toBe('NOT_A_MEMBER');
  });

  test('entries are delivered with their positions, in order', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice', { subprotocol });
    for (let position = 1; position <= 30; position++)
      double.owner.pushEntry('alice', position, { message: message(position) });
    await client.until((frame) => frame.deliver?.entries?.some(({ position }) => position === 30) ?? false);
    const entries = client.frames.flatMap(({ deliver }) => deliver?.entries ?? []);
    expect(entries.map(({ position }) => position)).toEqual(
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
    expect(entries[4]?.message?.text).toBe('text 5');
    const pong = await client.ask({ ping: {} });
    expect(pong.pong?.inboxPosition).toBe(30);
  });

  test('pushes without position pass as they are', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice', { subprotocol });
    double.owner.pushFrame('alice', { receipt: { conversation: 'd.alice.bob', user: 'bob', sequence: 4 } });
    const frame = await client.until(({ body }) => body === 'receipt');
    expect(frame.receipt).toMatchObject({ user: 'bob', sequence: 4 });
  });

  test('a refusal of the entity reaches the client as the error it is', async () => {
    const double = await start();
    double.owner.onCommand = () => ({ error: errorBody('MUTED') });
    const client = await welcomed(double, 'alice', { subprotocol });
    const frame = await client.ask({ send: { conversation: 'g.room', clientMessageId: 'm', text: 'hi' } });
    expect(frame.error).toMatchObject({ code: 'MUTED', retryable: false });
  });

  test('malformed frames and unknown bodies get an error, and the connection stays healthy', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice', { subprotocol });
    client.socket.send(
      client.codec.isBinary ? Buffer.from([0x08, 0x07, 0x1a, 0x7f]) : '{"requestId":7,"send":',
    );
    expect(errorOf(await client.until(({ requestId }) => requestId === 7))).toBe('BAD_FRAME');
    client.socket.send(client.codec.isBinary ? Buffer.from([0x08, 0x08]) : '{"requestId":8,"dance":{}}');
    expect(errorOf(await client.until(({ requestId }) => requestId === 8))).toBe('UNKNOWN_FRAME');
    client.socket.send(client.codec.isBinary ? '{"ping":{}}' : Buffer.from([0x08, 0x09, 0x52, 0x00]));
    expect(errorOf(await client.until((frame) => frame.requestId === 0 && frame.body === 'error'))).toBe(
      'BAD_FRAME',
    );
    const large = Buffer.alloc(200_000, 0x20);
    large.set(client.codec.isBinary ? [0x08, 0x0a] : Buffer.from('{"requestId":10,'));
    client.socket.send(client.codec.isBinary ? large : large.toString());
    expect(errorOf(await client.until(({ requestId }) => requestId === 10))).toBe('FRAME_TOO_LARGE');
    expect((await client.ask({ ping: {} })).body).toBe('pong');
  });

  test('live messages of a large group come by its topic, encoded once', async () => {
    const double = await start();
    double.owner.welcome = {
      welcome: {
        conversations: [{ conversation: 'g.big', diffusion: wire.Diffusion.DIFFUSION_READ, read: 2 }],
      },
    };
    double.owner.onQuery = () => ({
      head: { head: 7, isMember: true, diffusion: wire.Diffusion.DIFFUSION_READ },
    });
    const clients = [];
    for (const user of ['alice', 'bob', 'carol']) clients.push(await welcomed(double, user, { subprotocol }));
    expect(clients[0]?.frames[0]?.welcome?.conversations?.[0]).toMatchObject({ head: 7, unread: 5 });
    double.owner.publishLive('acme', 'g.big', { messages: [message(8, 'x', 'g.big')] });
    double.owner.publishLive('acme', 'g.big', { messages: [message(9, 'y', 'g.big')] });
    double.owner.publishLive('other', 'g.big', { messages: [message(10, 'foreign', 'g.big')] });
    for (const client of clients) {
      await client.until((frame) => frame.live?.messages?.some(({ sequence }) => sequence === 9) ?? false);
      const sequences = client.frames
        .flatMap(({ live }) => live?.messages ?? [])
        .map(({ sequence }) => sequence);
      expect(sequences).toEqual([8, 9]);
    }
  });
});

describe('hello', () => {
  test.each([
    ['a wrong version', { protocolVersion: 2 }, 'UNSUPPORTED_VERSION'],
    ['a version far ahead', { protocolVersion: 4_000_000_000 }, 'UNSUPPORTED_VERSION'],
    ['a device id a subject cannot carry', { deviceId: 'my phone.*' }, 'BAD_ID'],
    ['no device id', { deviceId: '' }, 'BAD_ID'],
    ['an unknown token', { token: 'nonsense' }, 'UNAUTHENTICATED'],
    ['no token', { token: '' }, 'UNAUTHENTICATED'],
    ['an expired token', { token: 'expired/alice' }, 'TOKEN_EXPIRED'],
    ['a position from the future', { inboxPosition: 99 }, 'SEQUENCE_FROM_FUTURE'],
  ])('%s is refused, and a right hello still works', async (_, fields, code) => {
    const double = await start();
    const client = await connect(double);
    expect(errorOf(await client.hello('acme/alice', fields))).toBe(code);
    expect((await client.hello('acme/alice')).body).toBe('welcome');
  });

  test('comes before anything else, and only once', async () => {
    const double = await start();
    const client = await connect(double);
    expect(errorOf(await client.ask({ ping: {} }))).toBe('HELLO_REQUIRED');
    await client.hello('acme/alice');
    expect(errorOf(await client.hello('acme/alice'))).toBe('HELLO_REPEATED');
    expect((await client.ask({ ping: {} })).body).toBe('pong');
  });

  test('a connection belongs to the first user that was believed', async () => {
    const double = await start();
    double.owner.welcome = { error: errorBody('USER_NOT_FOUND') };
    const client = await connect(double);
    expect(errorOf(await client.hello('acme/alice'))).toBe('USER_NOT_FOUND');
    double.owner.welcome = { welcome: {} };
    expect(errorOf(await client.hello('acme/bob'))).toBe('HELLO_REPEATED');
    expect((await client.hello('acme/alice')).body).toBe('welcome');
  });

  test('takes the token from the Authorization header', async () => {
    const double = await start();
    const client = await connect(double, { headers: { authorization: 'Bearer acme/alice' } });
    expect((await client.hello('')).body).toBe('welcome');
  });

  test('takes the token from the subprotocols, as browsers send it', async () => {
    const double = await start();
    const client = await connect(double, { offers: ['bearer.acme.alice'] });
    expect(client.socket.protocol).toBe('parley.v1.json');
    expect((await client.hello('')).body).toBe('welcome');
  });

  test('too many refused hellos close the connection', async () => {
    const double = await start({ helloAttemptsMax: 2 });
    const client = await connect(double);
    await client.hello('nonsense');
    await client.hello('nonsense');
    await expect.poll(() => client.closed?.code).toBe(4401);
  });

  test('an unknown subprotocol is refused at the upgrade', async () => {
    const double = await start();
    await expect(connect(double, { subprotocol: 'parley.v1.json', offers: [] })).resolves.toBeDefined();
    const { WebSocket } = await import('ws');
    const socket = new WebSocket(`ws://127.0.0.1:${double.port}/`, ['parley.v9.xml']);
    await expect(new Promise((_, reject) => socket.once('error', reject))).rejects.toThrow('400');
  });

  test('an owner that does not answer is a TIMEOUT, and hello may be said again', async () => {
    const double = await start();
    const { welcome } = double.owner;
    double.owner.welcome = undefined;
    const client = await connect(double);
    const refused = client.hello('acme/alice');
    await expect.poll(() => double.owner.attachOf('alice')).toBeDefined();
    double.clock.advance(9_000);
    expect((await refused).error).toMatchObject({ code: 'TIMEOUT', retryable: true });
    double.owner.welcome = welcome;
    expect((await client.hello('acme/alice')).body).toBe('welcome');
  });
});

describe('bad requests', () => {
  const send = { conversation: 'd.alice.bob', clientMessageId: 'm1', text: 'hi' };
  test.each([
    ['an empty text', { send: { ...send, text: '' } }, 'TEXT_EMPTY'],
    ['a text over 64 KiB', { send: { ...send, text: '語'.repeat(21_846) } }, 'TEXT_TOO_LARGE'],
    ['a conversation id a subject cannot carry', { send: { ...send, conversation: 'g.*.>' } }, 'BAD_ID'],
    [
      'a direct whose ids are in the wrong order',
      { send: { ...send, conversation: 'd.bob.alice' } },
      'BAD_ID',
    ],
    ['a client message id with a space', { send: { ...send, clientMessageId: 'm 1' } }, 'BAD_ID'],
    ['no client message id', { send: { ...send, clientMessageId: '' } }, 'BAD_ID'],
    ["other people's direct", { send: { ...send, conversation: 'd.bob.carol' } }, 'NOT_A_MEMBER'],
    ['a direct with nobody', { send: { ...send, conversation: 'd.alice.nobody' } }, 'USER_NOT_FOUND'],
    ['an ack from the future', { ack: { inboxPosition: 1 } }, 'SEQUENCE_FROM_FUTURE'],
    ['a sync from the future', { sync: { inboxPosition: 1 } }, 'SEQUENCE_FROM_FUTURE'],
    ['a read of nothing', { read: { conversation: 'd.alice.bob' } }, 'BAD_REQUEST'],
    ['history both ways', { history: { conversation: 'd.alice.bob', before: 5, after: 2 } }, 'BAD_REQUEST'],
    [
      'history at two places',
      { history: { conversation: 'd.alice.bob', around: 5, atMs: 2 } },
      'BAD_REQUEST',
    ],
    [
      'history from the future',
      { history: { conversation: 'd.alice.bob', after: 9 } },
      'SEQUENCE_FROM_FUTURE',
    ],
    ['presence of an id that is none', { presenceQuery: { users: ['a b'] } }, 'BAD_ID'],
    [
      'presence of too many',
      { presenceQuery: { users: Array.from({ length: 201 }, (_, index) => `u${index}`) } },
      'BAD_REQUEST',
    ],
  ])('%s', async (_, frame, code) => {
    const double = await start();
    double.owner.onQuery = ({ body, id }) => {
      if (body === 'account') return { account: { exists: id !== 'nobody' } };
      if (body === 'inbox') return { inbox: { position: 0 } };
      return { log: { head: 3, spans: [{ from: 1 }] } };
    };
    const client = await welcomed(double, 'alice');
    expect(errorOf(await client.ask(frame))).toBe(code);
    expect((await client.ask({ ping: {} })).body).toBe('pong');
  });

  test('request id 0 asks for no answer, not even an error', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice');
    client.send({ ack: { inboxPosition: 99 } });
    client.send({ ping: {} });
    client.send({ send: { ...send, text: '' } });
    client.send({ typing: { conversation: 'nowhere' } });
    await client.ask({ ping: {} });
    expect(client.frames.map(({ body }) => body)).toEqual(['welcome', 'pong']);
  });

  test('a text of exactly 64 KiB passes', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice', { subprotocol: 'parley.v1.protobuf' });
    expect((await client.ask({ send: { ...send, text: 'x'.repeat(65_536) } })).body).toBe('done');
  });

  test('a flood is throttled with RATE_LIMITED, recovers, and is closed when it does not stop', async () => {
    const double = await start({ framesPerSecond: 10, frameBurstMax: 20, floodFramesMax: 50 });
    const client = await welcomed(double, 'alice');
    for (let index = 0; index < 30; index++) client.send({ requestId: 100 + index, ping: {} });
    const refused = await client.until(({ requestId }) => requestId === 129);
    expect(refused.error).toMatchObject({ code: 'RATE_LIMITED', retryable: true });
    double.clock.advance(1_000);
    expect((await client.ask({ ping: {} })).body).toBe('pong');
    for (let index = 0; index < 200; index++) client.send({ ping: {} });
    await expect.poll(() => client.closed?.code).toBe(4429);
  });

  test('a command nobody answers ends with TIMEOUT', async () => {
    const double = await start();
    double.owner.onCommand = () => undefined;
    const client = await welcomed(double, 'alice');
    const asked = client.ask({ send: { conversation: 'g.room', clientMessageId: 'm', text: 'hi' } });
    await expect.poll(() => double.gateway.pendingCount).toBe(1);
    double.clock.advance(9_000);
    expect((await asked).error).toMatchObject({ code: 'TIMEOUT', retryable: true });
    expect(double.gateway.pendingCount).toBe(0);
  });

  test('a command whose shard has got a new owner, and nobody answers, ends with TIMEOUT soon', async () => {
    const double = await start();
    double.owner.onCommand = () => undefined;
    const client = await welcomed(double, 'alice');
    const asked = client.ask({ send: { conversation: 'g.room', clientMessageId: 'm', text: 'hi' } });
    const seen = () => double.owner.records.find(({ kind }) => kind === 'command');
    await expect.poll(seen).toBeDefined();
    const { shard } = seen()!;
    double.owner.beat(shard);
    double.owner.epoch++;
    double.owner.beat(shard);
    await client.ask({ ping: {} });
    double.clock.advance(500);
    expect(double.gateway.pendingCount).toBe(1);
    double.clock.advance(1_000);
    expect((await asked).error).toMatchObject({ code: 'TIMEOUT', retryable: true });
  });

  test('a command that was open when the gateway lost the cluster ends with TIMEOUT soon after it is back', async () => {
    const double = await start();
    double.owner.onCommand = () => undefined;
    const client = await welcomed(double, 'alice');
    const asked = client.ask({ send: { conversation: 'g.room', clientMessageId: 'm', text: 'hi' } });
    await expect.poll(() => double.gateway.pendingCount).toBe(1);
    const node = double.cluster.node('gateway');
    node.disconnect();
    double.clock.advance(500);
    node.reconnect();
    double.clock.advance(500);
    double.clock.advance(1_500);
    expect((await asked).error).toMatchObject({ code: 'TIMEOUT', retryable: true });
  });

  test('too many commands in flight for a shard are BUSY', async () => {
    const double = await start({ commandsPerShardMax: 1 });
    double.owner.onCommand = () => undefined;
    const client = await welcomed(double, 'alice');
    client.send({ requestId: 50, send: { conversation: 'g.room', clientMessageId: 'm1', text: 'hi' } });
    const frame = await client.ask({ send: { conversation: 'g.room', clientMessageId: 'm2', text: 'hi' } });
    expect(frame.error).toMatchObject({ code: 'BUSY', retryable: true });
    expect(frame.error?.retryAfterMs).toBeGreaterThan(0);
  });
});

describe('a cluster out of reach', () => {
  test('live messages that were lost meanwhile show by their heads', async () => {
    const double = await start();
    const conversations = [{ conversation: 'g.big', diffusion: wire.Diffusion.DIFFUSION_READ }];
    double.owner.welcome = { welcome: { conversations } };
    double.owner.onQuery = () => ({ head: { head: 7, isMember: true } });
    const client = await welcomed(double, 'alice');
    const node = double.cluster.node('gateway');
    node.disconnect();
    double.clock.advance(500);
    double.owner.onQuery = () => ({ head: { head: 9, isMember: true } });
    node.reconnect();
    double.clock.advance(500);
    const { syncNeeded } = await client.until(({ body }) => body === 'syncNeeded');
    expect(syncNeeded?.heads?.[0]).toMatchObject({ conversation: 'g.big', sequence: 9 });
  });

  test('commands and hellos get a retryable error at once, and go on when it is back', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice');
    const late = await connect(double);
    const node = double.cluster.node('gateway');
    node.disconnect();
    const send = { send: { conversation: 'g.room', clientMessageId: 'm', text: 'hi' } };
    expect((await client.ask(send)).error).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect((await late.hello('acme/bob')).error).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    double.clock.advance(500);
    node.reconnect();
    expect((await client.ask(send)).body).toBe('done');
    expect((await late.hello('acme/bob')).body).toBe('welcome');
    double.clock.advance(500);
    const attaches = () =>
      double.owner.records.filter(({ kind, id }) => kind === 'attach' && id === 'alice').length;
    await expect.poll(attaches).toBe(2);
  });
});

describe('acknowledgements, reads, typing, presence', () => {
  test('acks reach the user entity cumulatively', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice');
    for (let position = 1; position <= 3; position++)
      double.owner.pushEntry('alice', position, { message: message(position) });
    await client.until((frame) => frame.deliver?.entries?.some(({ position }) => position === 3) ?? false);
    for (const inboxPosition of [1, 2, 3])
      expect((await client.ask({ ack: { inboxPosition } })).body).toBe('done');
    double.clock.advance(100);
    await expect.poll(() => double.owner.signals.length).toBe(1);
    expect(double.owner.signals[0]).toMatchObject({
      kind: 'acknowledge',
      tenant: 'acme',
      id: 'alice',
      gatewayId: 'gw-1',
      position: 3,
    });
  });

  test('read in a large group is checked against its head and counts unread from it', async () => {
    const double = await start();
    double.owner.welcome = {
      welcome: { conversations: [{ conversation: 'g.big', diffusion: wire.Diffusion.DIFFUSION_READ }] },
    };
    double.owner.onQuery = () => ({ head: { head: 9, isMember: true } });
    double.owner.onCommand = () => ({ readDone: { conversation: 'g.big', sequence: 6 } });
    const client = await welcomed(double, 'alice');
    expect(errorOf(await client.ask({ read: { conversation: 'g.big', sequence: 10 } }))).toBe(
      'SEQUENCE_FROM_FUTURE',
    );
    const done = await client.ask({ read: { conversation: 'g.big', sequence: 6 } });
    expect(done.readDone).toMatchObject({ sequence: 6, unread: 3 });
  });

  test('typing is relayed to the peer, and to the members of a small group', async () => {
    const double = await start();
    double.owner.onQuery = ({ id }) => ({
      members: { members: [{ user: 'alice' }, { user: 'bob' }, { user: 'carol' }], more: id === 'crowd' },
    });
    const client = await welcomed(double, 'alice');
    await client.ask({ typing: { conversation: 'd.alice.bob' } });
    await client.ask({ typing: { conversation: 'g.small' } });
    await client.ask({ typing: { conversation: 'g.crowd' } });
    await expect
      .poll(() =>
        double.owner.signals.flatMap((signal) => (signal.kind === 'relay' ? signal.ids : [])).sort(),
      )
      .toEqual(['bob', 'bob', 'carol']);
    const relay = double.owner.signals[0];
    const notice = relay?.kind === 'relay' ? wire.ServerFrame.decode(relay.payload).typingNotice : undefined;
    expect(notice).toMatchObject({ conversation: 'd.alice.bob', user: 'alice' });
  });

  test('presence is answered and watched', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice');
    const before = await client.ask({ presenceQuery: { users: ['alice', 'bob'], watch: true } });
    expect(before.presenceList?.users?.map(({ user, online }) => [user, online ?? false])).toEqual([
      ['alice', true],
      ['bob', false],
    ]);
    const bob = await welcomed(double, 'bob');
    await client.until((frame) => frame.presence?.user === 'bob' && frame.presence.online === true);
    bob.socket.close();
    await client.until((frame) => frame.presence?.user === 'bob' && !frame.presence.online);
  });
});

describe('devices', () => {
  test('several devices of a user are connected at once', async () => {
    const double = await start();
    const phone = await welcomed(double, 'alice', { device: 'phone' });
    const laptop = await welcomed(double, 'alice', { device: 'laptop' });
    expect((await phone.ask({ ping: {} })).body).toBe('pong');
    expect((await laptop.ask({ ping: {} })).body).toBe('pong');
  });

  test('the same device connecting again displaces its older connection', async () => {
    const double = await start();
    const older = await welcomed(double, 'alice');
    const newer = await welcomed(double, 'alice');
    await expect.poll(() => older.closed?.code).toBe(4409);
    expect((await newer.ask({ ping: {} })).body).toBe('pong');
    await expect.poll(() => double.owner.records.some(({ kind }) => kind === 'detach')).toBe(true);
  });

  test('a closed connection is detached', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice');
    client.socket.close();
    await expect
      .poll(() => double.owner.records.at(-1))
      .toMatchObject({ kind: 'detach', id: 'alice', requestId: 0 });
    await expect.poll(() => double.gateway.connectionCount).toBe(0);
  });
});

describe('ownership', () => {
  test('when a shard has a new owner its connections are attached again, and told to sync what they missed', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice');
    const { record } = double.owner.attachOf('alice')!;
    double.owner.epoch = 2;
    double.owner.welcome = { welcome: { inboxPosition: 4 } };
    double.owner.beat(record.shard);
    const frame = await client.until(({ body }) => body === 'syncNeeded');
    expect(frame.syncNeeded?.inboxPosition).toBe(4);
    const attaches = double.owner.records.filter(({ kind }) => kind === 'attach');
    expect(attaches).toHaveLength(2);
    double.owner.beat(record.shard);
    await client.ask({ ping: {} });
    expect(double.owner.records.filter(({ kind }) => kind === 'attach')).toHaveLength(2);
  });

  test('a re-attach that got lost is repeated', async () => {
    const double = await start();
    await welcomed(double, 'alice');
    const { record } = double.owner.attachOf('alice')!;
    double.owner.epoch = 2;
    const { welcome } = double.owner;
    double.owner.welcome = undefined;
    double.owner.beat(record.shard);
    const attaches = () => double.owner.records.filter(({ kind }) => kind === 'attach').length;
    await expect.poll(attaches).toBe(2);
    double.owner.welcome = welcome;
    double.clock.advance(4_000);
    await expect.poll(attaches).toBe(3);
  });
});

describe('large groups', () => {
  test.each([
    ['an owner that was heard of before', true],
    ['one that died before it was heard of', false],
  ])('a message that %s committed and never published shows by its head', async (_, wasHeard) => {
    const double = await start();
    const conversations = [{ conversation: 'g.big', diffusion: wire.Diffusion.DIFFUSION_READ }];
    double.owner.welcome = { welcome: { conversations } };
    double.owner.onQuery = () => ({ head: { head: 7, isMember: true } });
    const client = await welcomed(double, 'alice');
    if (wasHeard) double.owner.beatAll('group');
    await double.owner.messenger.flush();
    await client.ask({ ping: {} });
    double.owner.epoch = 2;
    let isTaken = false;
    double.owner.onQuery = () => {
      // Whoever asks first asks too early.
      const head = isTaken ? { head: { head: 8, isMember: true } } : { error: errorBody('UNAVAILABLE') };
      isTaken = true;
      return head;
    };
    double.owner.beatAll('group');
    await expect.poll(() => isTaken).toBe(true);
    await expect
      .poll(() => {
        double.clock.advance(1_000);
        return client.frames.flatMap(({ live }) => live?.heads ?? []);
      })
      .toContainEqual(expect.objectContaining({ conversation: 'g.big', sequence: 8 }));
  });

  const turned = (sequence: number, diffusion: number) => ({
    message: message(sequence, 'x', 'g.big'),
    diffusion,
  });

  test('an entry that turns a group to read-diffusion subscribes, one that turns it back or ends it unsubscribes', async () => {
    const double = await start();
    double.owner.onQuery = () => ({ head: { head: 12, isMember: true } });
    const client = await welcomed(double, 'alice');
    double.owner.pushEntry('alice', 1, turned(10, wire.Diffusion.DIFFUSION_READ));
    const behind = await client.until(({ body }) => body === 'syncNeeded');
    expect(behind.syncNeeded?.heads?.[0]).toMatchObject({ conversation: 'g.big', sequence: 12 });
    double.owner.publishLive('acme', 'g.big', { messages: [message(13, 'x', 'g.big')] });
    await client.until(({ body }) => body === 'live');
    double.owner.pushEntry('alice', 2, turned(14, wire.Diffusion.DIFFUSION_WRITE));
    await client.until((frame) => frame.deliver?.entries?.some(({ position }) => position === 2) ?? false);
    double.owner.publishLive('acme', 'g.big', { messages: [message(15, 'x', 'g.big')] });
    await double.owner.messenger.flush();
    await client.ask({ ping: {} });
    expect(client.frames.filter(({ body }) => body === 'live')).toHaveLength(1);
  });
});

describe('a removed member of a large group', () => {
  test('hears its own removal last, and the others go on', async () => {
    const double = await start();
    double.owner.welcome = {
      welcome: {
        conversations: [{ conversation: 'g.big', diffusion: wire.Diffusion.DIFFUSION_READ, firstVisible: 3 }],
      },
    };
    double.owner.onQuery = () => ({ head: { head: 7, isMember: true } });
    const [alice, bob] = [
      await welcomed(double, 'alice'),
      await welcomed(double, 'bob', { subprotocol: 'parley.v1.protobuf' }),
    ];
    const removal = (sequence: number) => ({
      conversation: 'g.big',
      sequence,
      sender: 'bob',
      sentAtMs: 1,
      system: { memberRemoved: { member: 'alice' } },
    });
    // From an earlier membership, arriving late: it does not end this one.
    double.owner.publishLive('acme', 'g.big', { messages: [removal(2)] });
    for (const each of [message(8, 'x', 'g.big'), removal(9), message(10, 'secret', 'g.big')]) {
      double.owner.publishLive('acme', 'g.big', { messages: [each] });
    }
    await bob.until((frame) => frame.live?.messages?.some(({ sequence }) => sequence === 10) ?? false);
    await alice.ask({ ping: {} });
    const heard = alice.frames.flatMap(({ live }) => live?.messages ?? []).map(({ sequence }) => sequence);
    expect(heard).toEqual([2, 8, 9]);
  });
});

describe('sync and history', () => {
  const log = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
  const inboxOf = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      position: index + 1,
      conversation: 'd.alice.bob',
      sequence: index + 1,
    }));

  function answerHistory(double: GatewayDouble, from: number, to: number) {
    double.owner.messenger.subscribe(subjects.history('page'), (bytes, respond) => {
      const request = internal.HistoryPageRequest.decode(bytes);
      const messages = log(from, to).filter(
        ({ sequence }) => sequence >= request.from && sequence <= request.to,
      );
      respond(
        internal.HistoryPageAnswer.encode({
          messages: messages[0]?.sequence === request.from ? messages : [],
          completeThrough: to,
        }).finish(),
      );
    });
  }

  test('a sync page gets its bodies from the tail, the history service and the owner', async () => {
    const double = await start();
    const tailed = log(5, 6).map((each) => ({
      sequence: each.sequence,
      bytes: wire.Message.encode(each).finish(),
    }));
    await double.tail.append([{ tenant: 'acme', conversation: 'd.alice.bob', messages: tailed }]);
    answerHistory(double, 1, 4);
    double.owner.onQuery = ({ body, log: asked }) => {
      if (body === 'inbox')
        return {
          inbox: {
            entries: [
              ...inboxOf(8),
              { position: 9, conversation: 'd.alice.bob', sequence: 4, isReadMoved: true, unread: 4 },
            ],
            position: 12,
          },
        };
      return { log: { messages: log(asked!.from!, asked!.to!), head: 8, spans: [{ from: 1 }] } };
    };
    const client = await welcomed(double, 'alice');
    const { syncPage } = await client.ask({ sync: { inboxPosition: 0 } });
    expect(syncPage?.entries?.map(({ position, message: each }) => [position, each?.text])).toEqual([
      ...Array.from({ length: 8 }, (_, index) => [index + 1, `text ${index + 1}`]),
      [9, undefined],
    ]);
    expect(syncPage?.entries?.[8]?.readMoved).toMatchObject({ sequence: 4, unread: 4 });
    expect(syncPage).toMatchObject({ inboxPosition: 12, more: true });
    expect((await client.ask({ ack: { inboxPosition: 9 } })).body).toBe('done');
  });

  test('those who come back together wait their turn, and what they have all missed is fetched once', async () => {
    const double = await start({ readsAtOnceMax: 2 });
    let asked = 0;
    double.owner.messenger.subscribe(subjects.history('page'), (_bytes, respond) => {
      asked++;
      setImmediate(() => respond(internal.HistoryPageAnswer.encode({ messages: log(1, 8) }).finish()));
    });
    double.owner.onQuery = () => ({ inbox: { entries: inboxOf(8), position: 8 } });
    const clients = [];
    for (const user of ['alice', 'bob', 'carol', 'dora', 'emil']) {
      clients.push(await welcomed(double, user, { subprotocol: 'parley.v1.protobuf' }));
    }
    const pages = await Promise.all(clients.map((client) => client.ask({ sync: { inboxPosition: 0 } })));
    for (const { syncPage } of pages)
      expect(syncPage?.entries?.map(({ position }) => position)).toHaveLength(8);
    expect(asked).toBe(1);
  });

  test('a body that nobody has is HISTORY_BEHIND, and HISTORY_UNAVAILABLE when the service is away', async () => {
    const double = await start();
    double.owner.onQuery = ({ body }) =>
      body === 'inbox'
        ? { inbox: { entries: inboxOf(3), position: 3 } }
        : { log: { head: 3, spans: [{ from: 1 }] } };
    const client = await welcomed(double, 'alice');
    expect(errorOf(await client.ask({ sync: { inboxPosition: 0 } }))).toBe('HISTORY_UNAVAILABLE');
    answerHistory(double, 1, 2);
    expect(errorOf(await client.ask({ sync: { inboxPosition: 0 } }))).toBe('HISTORY_BEHIND');
    expect(errorOf(await client.ask({ history: { conversation: 'd.alice.bob' } }))).toBe('HISTORY_BEHIND');
  });

  test('fallen out of the window: all conversations with their heads', async () => {
    const double = await start();
    double.owner.onQuery = ({ body }) => {
      if (body === 'inbox') return { inbox: { position: 9_000, limited: true } };
      if (body === 'head') return { head: { head: 77, isMember: true } };
      return {
        conversations: {
          conversations: [
            { conversation: 'd.alice.bob', head: 3 },
            { conversation: 'g.big', diffusion: wire.Diffusion.DIFFUSION_READ, read: 70 },
          ],
          position: 9_000,
        },
      };
    };
    const client = await welcomed(double, 'alice');
    const { syncPage } = await client.ask({ sync: { inboxPosition: 1 } });
    expect(syncPage).toMatchObject({ limited: true, inboxPosition: 9_000 });
    expect(syncPage?.conversations?.map(({ head }) => head)).toEqual([3, 77]);
    expect(syncPage?.conversations?.[1]?.unread).toBe(7);
  });

  test('history pages only what the spans of membership show, both ways, without holes', async () => {
    const double = await start();
    answerHistory(double, 1, 100);
    double.owner.onQuery = ({ body }) =>
      body === 'head'
        ? { head: { head: 100, isMember: true } }
        : { log: { messages: log(96, 100), head: 100, spans: [{ from: 10, to: 20 }, { from: 50 }] } };
    const client = await welcomed(double, 'alice');
    const page = async (history: object) => {
      const { historyPage } = await client.ask({
        history: { conversation: 'd.alice.bob', limit: 4, ...history },
      });
      return {
        sequences: historyPage?.messages?.map(({ sequence }) => sequence),
        more: historyPage?.more ?? false,
      };
    };
    expect(await page({})).toEqual({ sequences: [97, 98, 99, 100], more: true });
    expect(await page({ before: 52 })).toEqual({ sequences: [19, 20, 50, 51], more: true });
    expect(await page({ before: 12 })).toEqual({ sequences: [10, 11], more: false });
    expect(await page({ after: 18 })).toEqual({ sequences: [19, 20, 50, 51], more: true });
    expect(await page({ after: 97 })).toEqual({ sequences: [98, 99, 100], more: false });
    expect(await page({ after: 100 })).toEqual({ sequences: [], more: false });
  });

  describe('a page around a place', () => {
    /** The store has messages up to 90, sent a second apart; the Redis tail those up to 95, the owner the newest. */
    const startAtMs = 1_700_000_000_000;
    const timed = (from: number, to: number) =>
      log(from, to).map((each) => ({ ...each, sentAtMs: startAtMs + each.sequence * 1_000 }));
    const stored = 90;
    type Spans = { from: number; to?: number }[];

    async function began({ spans = [{ from: 10, to: 20 }, { from: 50 }] as Spans, head = 100 } = {}) {
      const double = await start();
      answerHistory(double, 1, stored);
      const located: ReturnType<typeof internal.HistoryLocateRequest.decode>[] = [];
      double.owner.messenger.subscribe(subjects.history('locate'), (bytes, respond) => {
        const request = internal.HistoryLocateRequest.decode(bytes);
        located.push(request);
        const readable = timed(1, stored).filter(({ sequence }) =>
          request.spans.some(({ from, to }) => sequence >= (from ?? 0) && sequence <= (to || stored)),
        );
        const found = readable.find(({ sentAtMs }) => sentAtMs >= request.atMs);
        const answer = { sequence: found?.sequence ?? 0, completeThrough: stored };
        respond(internal.HistoryLocateAnswer.encode(answer).finish());
      });
      const tailed = timed(89, 95).map((each) => ({
        sequence: each.sequence,
        bytes: wire.Message.encode(each).finish(),
      }));
      await double.tail.append([{ tenant: 'acme', conversation: 'd.alice.bob', messages: tailed }]);
      double.owner.onQuery = ({ log: asked }) => {
        const to = Math.min(asked!.to || head, head);
        const messages = timed(Math.max(asked!.from ?? 1, head - 4), to);
        return { log: { messages, head, spans } };
      };
      const client = await welcomed(double, 'alice');
      const page = async (history: object) => {
        const answer = await client.ask({ history: { conversation: 'd.alice.bob', limit: 4, ...history } });
        const { messages = [], around, moreBefore, moreAfter } = answer.historyPage ?? {};
        const sequences = messages?.map(({ sequence }) => sequence);
        return answer.body === 'error' ? errorOf(answer) : { sequences, around, moreBefore, moreAfter };
      };
      return { double, page, located };
    }
    const second = (sequence: number) => startAtMs + sequence * 1_000;
    const both = { moreBefore: true, moreAfter: true };

    test('has half of its messages before a sequence, and begins again behind an absence', async () => {
      const { page } = await began();
      expect(await page({ around: 60 })).toEqual({ sequences: [58, 59, 60, 61], around: 60, ...both });
      expect(await page({ around: 93 })).toEqual({ sequences: [91, 92, 93, 94], around: 93, ...both });
      expect(await page({ around: 30 })).toEqual({ sequences: [19, 20, 50, 51], around: 50, ...both });
      expect(await page({ around: 100 })).toEqual({
        sequences: [98, 99, 100],
        around: 100,
        moreBefore: true,
        moreAfter: false,
      });
      expect(await page({ around: 1 })).toEqual({
        sequences: [10, 11],
        around: 10,
        moreBefore: false,
        moreAfter: true,
      });
      expect(await page({ around: 101 })).toBe('SEQUENCE_FROM_FUTURE');
    });

    test('goes to the first readable message at or after a time, in the store, the tail and the memory of the owner', async () => {
      const { page, located } = await began();
      expect(await page({ atMs: second(60) })).toEqual({ sequences: [58, 59, 60, 61], around: 60, ...both });
      expect(await page({ atMs: second(60) - 999 })).toMatchObject({ around: 60 });
      expect(await page({ atMs: second(30) })).toMatchObject({ sequences: [19, 20, 50, 51], around: 50 });
      expect(await page({ atMs: second(1) })).toMatchObject({ around: 10, moreBefore: false });
      expect(await page({ atMs: second(93) })).toMatchObject({ sequences: [91, 92, 93, 94], around: 93 });
      expect(await page({ atMs: second(97) })).toMatchObject({ sequences: [95, 96, 97, 98], around: 97 });
      expect(await page({ atMs: second(500) })).toEqual({
        sequences: [99, 100],
        around: 101,
        moreBefore: true,
        moreAfter: false,
      });
      expect(located.every(({ spans }) => spans?.length === 2 && spans[1]?.to === 100)).toBe(true);
    });

    test('asks the owner again for what lies behind an absence and is nowhere else yet', async () => {
      const { page } = await began({ spans: [{ from: 10, to: 20 }, { from: 97 }] });
      expect(await page({ around: 30 })).toMatchObject({ sequences: [19, 20, 97, 98], around: 97 });
      expect(await page({ atMs: second(30) })).toMatchObject({ sequences: [19, 20, 97, 98], around: 97 });
    });

    test('needs no store while the owner holds the whole conversation', async () => {
      const { page, located } = await began({ spans: [{ from: 1 }], head: 5 });
      expect(await page({ atMs: second(3) })).toMatchObject({ sequences: [1, 2, 3, 4], around: 3 });
      expect(located).toEqual([]);
    });

    test('is an error while what is newer than the store cannot be had, or the store is away', async () => {
      const { page } = await began({ head: 200 });
      expect(await page({ atMs: second(150) })).toBe('HISTORY_BEHIND');
      expect(await page({ atMs: second(80) })).toMatchObject({ around: 80 });
      const away = await startAway();
      expect(errorOf(await away.ask({ history: { conversation: 'd.alice.bob', atMs: 5 } }))).toBe(
        'HISTORY_UNAVAILABLE',
      );
    });

    async function startAway() {
      const double = await start();
      double.owner.onQuery = () => ({ log: { messages: timed(99, 100), head: 100, spans: [{ from: 1 }] } });
      return welcomed(double, 'alice');
    }
  });

  test('cursors of large groups are answered with what follows them', async () => {
    const double = await start();
    double.owner.onQuery = ({ body, id, log: asked }) => {
      if (body === 'inbox') return { inbox: { position: 0 } };
      if (id === 'gone') return { error: errorBody('NOT_A_MEMBER') };
      return { log: { messages: log(asked!.from!, 5), head: 5, spans: [{ from: 1 }] } };
    };
    const client = await welcomed(double, 'alice');
    const cursors = [
      { conversation: 'g.big', sequence: 3 },
      { conversation: 'g.gone', sequence: 1 },
      { conversation: 'g.new', sequence: 0 },
    ];
    const { syncPage } = await client.ask({ sync: { cursors } });
    expect(
      syncPage?.logs?.map((each) => [each.conversation, each.messages?.map(({ sequence }) => sequence)]),
    ).toEqual([
      ['g.big', [4, 5]],
      ['g.new', [1, 2, 3, 4, 5]],
    ]);
  });
});

describe('slow clients', () => {
  test('a client that does not read loses pushes, is told to sync when it reads again, and costs bounded memory', async () => {
    const double = await start({ pushBacklogBytesMax: 50_000 });
    const client = await welcomed(double, 'alice');
    client.socket.pause();
    const text = 'x'.repeat(30_000);
    for (let position = 1; position <= 400; position++) {
      double.owner.pushEntry('alice', position, { message: message(position, text) });
      if (position % 20 === 0) await double.owner.messenger.flush();
    }
    client.socket.resume();
    const frame = await client
      .until(({ body }) => body === 'syncNeeded', 10_000)
      .catch(async () => {
        double.clock.advance(1_000);
        return client.until(({ body }) => body === 'syncNeeded');
      });
    expect(frame.syncNeeded?.inboxPosition).toBe(400);
    const delivered = client.frames.flatMap(({ deliver }) => deliver?.entries ?? []);
    expect(delivered.length).toBeLessThan(400);
    expect((await client.ask({ ping: {} })).pong?.inboxPosition).toBe(400);
  });

  test('a client that stays behind is closed', async () => {
    const double = await start({ pushBacklogBytesMax: 50_000, slowConsumerMs: 5_000, idleMs: 1_000_000 });
    const client = await welcomed(double, 'alice');
    client.socket.pause();
    const text = 'x'.repeat(60_000);
    for (let position = 1; position <= 300; position++) {
      double.owner.pushEntry('alice', position, { message: message(position, text) });
      if (position % 20 === 0) await double.owner.messenger.flush();
    }
    await expect
      .poll(() => {
        double.clock.advance(1_000);
        return double.gateway.connectionCount;
      })
      .toBe(0);
  });
});

describe('heartbeats', () => {
  test('a silent client is pinged, and closed when it answers nothing', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice');
    double.clock.advance(20_500);
    await expect.poll(() => client.pings).toBe(1);
    client.socket.pause();
    double.clock.advance(61_000);
    await expect.poll(() => double.gateway.connectionCount).toBe(0);
  });

  test('a client that answers pings stays', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice');
    for (let round = 1; round <= 5; round++) {
      double.clock.advance(20_500);
      await expect.poll(() => client.pings).toBe(round);
      expect((await client.ask({ ping: {} })).body).toBe('pong');
    }
  });

  test('a connection that never says hello is closed', async () => {
    const double = await start();
    const client = await connect(double);
    double.clock.advance(16_000);
    await expect.poll(() => client.closed?.code).toBe(4408);
  });

  test('an old connection is told to go, has a grace period, and is closed', async () => {
    const double = await start({ connectionAgeMaxMs: 30_000, idleMs: 1_000_000 });
    const client = await welcomed(double, 'alice');
    double.clock.advance(30_500);
    const { goAway } = await client.until(({ body }) => body === 'goAway');
    expect(goAway?.reason).toBe('age');
    expect(goAway?.reconnectWithinMs).toBeGreaterThan(0);
    expect((await client.ask({ ping: {} })).body).toBe('pong');
    double.clock.advance(6_000);
    await expect.poll(() => client.closed?.code).toBe(1001);
  });

  test('a connection does not outlive its token', async () => {
    const double = await start();
    const client = await connect(double);
    await client.hello('acme/alice/10000');
    double.clock.advance(10_500);
    await client.until((frame) => frame.goAway?.reason === 'token_expired');
    double.clock.advance(6_000);
    await expect.poll(() => client.closed?.code).toBe(4403);
  });

  test('on a stop every client is told to go and the port is closed', async () => {
    const double = await start();
    const client = await welcomed(double, 'alice');
    const drained = double.gateway.drain();
    await expect
      .poll(() => {
        double.clock.advance(500);
        return client.closed?.code;
      })
      .toBe(1001);
    expect(client.frames.some(({ goAway }) => goAway?.reason === 'draining')).toBe(true);
    double.clock.advance(1_000);
    await drained;
    await expect(connect(double)).rejects.toThrow();
  });
});

test('the gateway speaks wss with certificate files', async () => {
  const certificate = selfSignedCertificate();
  cleanUp.push(() => certificate.remove());
  const double = await start({}, await UwsClientTransport.load(certificate));
  const client = await connect(double, {
    url: `wss://localhost:${double.port}/`,
    subprotocol: 'parley.v1.protobuf',
  });
  expect((await client.hello('acme/alice')).body).toBe('welcome');
});
