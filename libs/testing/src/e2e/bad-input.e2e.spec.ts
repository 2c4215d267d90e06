// What a stranger, a broken client or a hostile one may send: everything is refused with its stable code, and afterwards
// the same connection (where the protocol lets it live) and the server are as healthy as before.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type Subprotocol, frameCodecs, type parley, subprotocols } from '@parley/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { type Person, People, direct, manyUsersFromOneAddress, upTo } from './people.ts';
import { RawSocket, type RawSocketOptions } from './raw-socket.ts';
import { TokenSigner } from './signed-tokens.ts';

type ClientFrame = parley.v1.ClientFrame.$Properties;

const own = new TokenSigner();
const companyKeys = new TokenSigner();
const company = { issuer: 'https://login.company.example', tenant: 'company' };
const folder = mkdtempSync(path.join(os.tmpdir(), 'parley-bad-input-'));
const frameBytesMax = 131_072;
const textBytesMax = 65_536;

let jwks: Server;
let cluster: Cluster;
let people: People;
let alice: Person;
let bob: Person;
let carol: Person;
const sockets: RawSocket[] = [];

beforeAll(async () => {
  const keyFile = path.join(folder, 'key.pem');
  writeFileSync(keyFile, own.privatePem);
  jwks = createServer((_, response) => response.end(JSON.stringify(companyKeys.jwks)));
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  const jwksUrl = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/keys`;
  const issuers = [
    { issuer: company.issuer, jwksUrl, audience: 'parley', tenantClaim: 'org', tenants: [company.tenant] },
  ];
  cluster = await startCluster({
    env: {
      ...manyUsersFromOneAddress,
      PARLEY_AUTH_PRIVATE_KEY_FILE: keyFile,
      PARLEY_AUTH_ISSUERS: JSON.stringify(issuers),
    },
  });
  people = new People(cluster);
  [alice, bob, carol] = await people.registerAll('alice', 'bob', 'carol');
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
  jwks?.close();
  rmSync(folder, { recursive: true });
});

const wsUrl = () => cluster.gateways[0]!.wsUrl;
let devices = 0;
let messages = 0;

async function opened(options: RawSocketOptions = {}): Promise<RawSocket> {
  const socket = await RawSocket.open(wsUrl(), options);
  sockets.push(socket);
  return socket;
}

const helloOf = (token: string): ClientFrame => ({
  hello: { token, deviceId: `raw-${++devices}`, protocolVersion: 1 },
});

async function connected(person: Person, subprotocol: Subprotocol = 'parley.v1.json'): Promise<RawSocket> {
  const socket = await opened({ subprotocol });
  const { welcome } = await socket.ask(helloOf(person.token));
  expect(welcome?.user).toBe(person.id);
  return socket;
}

const sendTo = (conversation: string, more: parley.v1.Send.$Properties = {}): ClientFrame => ({
  send: { conversation, clientMessageId: `m-${++messages}`, text: 'all is well', ...more },
});

/** The code a request was refused with; the answer itself when it was not. */
async function refusal(socket: RawSocket, frame: ClientFrame): Promise<unknown> {
  const answer = await socket.ask(frame);
  return answer.error?.code ?? answer;
}

async function refusals(socket: RawSocket, frames: readonly ClientFrame[]): Promise<unknown[]> {
  return Promise.all(frames.map((frame) => refusal(socket, frame)));
}

/** The connection of somebody who has just misbehaved still works, and so does another one. */
async function expectHealthy(socket: RawSocket, conversation = direct(alice, bob)): Promise<void> {
  const sent = await socket.ask(sendTo(conversation));
  expect(sent.sent?.sequence).toBeGreaterThan(0);
  await expectHealthyServer();
}

async function expectHealthyServer(): Promise<void> {
  const fresh = await connected(bob, 'parley.v1.protobuf');
  const sent = await fresh.ask(sendTo(direct(alice, bob)));
  expect(sent.sent?.sequence).toBeGreaterThan(0);
  fresh.close();
}

/** Errors about frames whose request id could not be read. */
const complaints = (socket: RawSocket): string[] =>
  socket.heard.flatMap(({ requestId, error }) => (requestId === 0 && error ? [error.code ?? ''] : []));

async function http(
  method: string,
  route: string,
  options: { token?: string; body?: string; type?: string } = {},
) {
  const { token, body, type = 'application/json' } = options;
  const response = await fetch(`${cluster.gateways[0]!.httpUrl}${route}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': type }),
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const answer = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> & { code?: string };
  return { status: response.status, type: response.headers.get('content-type'), answer };
}

describe('a token', () => {
  const refused: [string, () => string, string][] = [
    ['nobody issued', () => 'sesame', 'UNAUTHENTICATED'],
    ['that is not there', () => '', 'UNAUTHENTICATED'],
    ['signed by a stranger', () => new TokenSigner().own(alice.id), 'UNAUTHENTICATED'],
    ['without a signature', () => own.own(alice.id).replace(/[^.]+$/, ''), 'UNAUTHENTICATED'],
    ['for another service', () => own.own(alice.id, { aud: 'elsewhere' }), 'UNAUTHENTICATED'],
    ['longer than any', () => `${'a'.repeat(9_000)}.b.c`, 'UNAUTHENTICATED'],
    ['that has expired', () => own.own(alice.id, { expiresInSeconds: -60 }), 'TOKEN_EXPIRED'],
    ['with a user no id can be', () => own.own('a.b>*'), 'BAD_ID'],
    ['with a tenant no id can be', () => own.own(alice.id, { tenant: 'a.b' }), 'BAD_ID'],
    ['with a tenant of the wrong type', () => own.own(alice.id, { tenant: 7 }), 'UNAUTHENTICATED'],
    [
      'of an issuer for a tenant that is not its own',
      () => companyToken({ org: 'default', sub: alice.id }),
      'WRONG_TENANT',
    ],
  ];

  const companyToken = (claims: Record<string, unknown>): string =>
    companyKeys.token({
      iss: company.issuer,
      aud: 'parley',
      exp: Math.floor(Date.now() / 1000) + 3_600,
      ...claims,
    });

  it.each(refused)('%s is refused, on a socket and over HTTP', async (_, token, code) => {
    const socket = await opened();
    expect(await refusal(socket, helloOf(token()))).toBe(code);
    if (token() !== '') {
      const { answer, type } = await http('GET', '/v1/me', { token: token() });
      expect(answer.code).toBe(code);
      expect(type).toContain('application/problem+json');
    }
    expect((await socket.ask(helloOf(alice.token))).welcome?.user).toBe(alice.id);
    await expectHealthy(socket);
  });

  it('of an issuer for its own tenant is taken', async () => {
    const socket = await opened();
    const answer = await socket.ask(helloOf(companyToken({ org: company.tenant, sub: 'employee' })));
    expect(answer.welcome).toMatchObject({ tenant: company.tenant, user: 'employee' });
  });

  it('refused again and again closes the connection, and no other', async () => {
    const socket = await opened();
    const codes = [];
    for (const _ of upTo(5)) codes.push(await refusal(socket, helloOf('sesame')));
    expect(codes).toEqual(Array(5).fill('UNAUTHENTICATED'));
    expect(await socket.closed).toBe(4401);
    await expectHealthyServer();
  });
});

describe.each(subprotocols)('on a connection of %s', (subprotocol) => {
  const connect = (person: Person) => connected(person, subprotocol);
  const { isBinary } = frameCodecs[subprotocol];

  it('whatever comes before hello is refused, and hello is still possible', async () => {
    const socket = await opened({ subprotocol });
    const early: ClientFrame[] = [
      sendTo(direct(alice, bob)),
      { sync: {} },
      { ack: { inboxPosition: 1 } },
      { read: { conversation: direct(alice, bob), sequence: 1 } },
      { history: { conversation: direct(alice, bob) } },
      { typing: { conversation: direct(alice, bob) } },
      { presenceQuery: { users: [bob.id] } },
      { ping: {} },
    ];
    expect(await refusals(socket, early)).toEqual(early.map(() => 'HELLO_REQUIRED'));
    expect((await socket.ask(helloOf(alice.token))).welcome?.user).toBe(alice.id);
    await expectHealthy(socket);
  });

  it('a second hello is refused, as oneself and as somebody else', async () => {
    const socket = await connect(alice);
    expect(await refusal(socket, helloOf(alice.token))).toBe('HELLO_REPEATED');
    expect(await refusal(socket, helloOf(bob.token))).toBe('HELLO_REPEATED');
    await expectHealthy(socket);
  });

  it('another protocol version is refused', async () => {
    const socket = await opened({ subprotocol });
    const hello = { token: alice.token, deviceId: 'raw', protocolVersion: 4_000_000_000 };
    expect(await refusal(socket, { hello })).toBe('UNSUPPORTED_VERSION');
    expect((await socket.ask(helloOf(alice.token))).welcome?.protocolVersion).toBe(1);
  });

  it('a frame that cannot be read is refused', async () => {
    const socket = await connect(alice);
    const malformed = isBinary ? malformedBytes : malformedTexts;
    const before = socket.heard.length;
    for (const one of malformed) socket.socket.send(one);
    await expectHealthy(socket);
    const errors = socket.heard.slice(before).flatMap(({ error }) => (error ? [error.code] : []));
    expect(errors).toEqual(malformed.map(() => 'BAD_FRAME'));
  });

  it('a frame of the other encoding is refused', async () => {
    const socket = await connect(alice);
    const other = frameCodecs[isBinary ? 'parley.v1.json' : 'parley.v1.protobuf'];
    socket.socket.send(other.encodeClient({ requestId: 9, ping: {} }));
    await waitUntil(() => complaints(socket).includes('BAD_FRAME'), { what: 'it is refused' });
    await expectHealthy(socket);
  });

  it('a frame of a kind nobody knows is refused, and an unknown field is ignored', async () => {
    const socket = await connect(alice);
    const [unknown, extended] = isBinary
      ? // Field 900 with an empty message; ping with a field of the future.
        [Buffer.from([0x08, 77, 0xa2, 0x38, 0x00]), Buffer.from([0x08, 78, 0x52, 0x02, 0x78, 0x05])]
      : ['{"requestId":77,"teleport":{}}', '{"requestId":78,"ping":{"mood":"fine"},"colour":3}'];
    socket.socket.send(unknown);
    socket.socket.send(extended);
    const answerTo = (requestId: number) =>
      waitUntil(() => socket.heard.find((frame) => frame.requestId === requestId), { what: 'an answer' });
    expect((await answerTo(77)).error?.code).toBe('UNKNOWN_FRAME');
    expect((await answerTo(78)).pong).toBeTruthy();
    await expectHealthy(socket);
  });

  it('a frame of the largest size is read, one byte more is refused', async () => {
    const socket = await connect(alice);
    const frames = [frameBytesMax, frameBytesMax + 1].map((size) => paddedFrame(subprotocol, size));
    for (const frame of frames) socket.socket.send(frame);
    await waitUntil(() => socket.heard.some(({ error }) => error?.code === 'FRAME_TOO_LARGE'), {
      what: 'the larger one is refused',
    });
    // The smaller one has a text that is too large: it was read.
    expect(socket.heard.flatMap(({ error }) => (error ? [error.code] : []))).toEqual([
      'TEXT_TOO_LARGE',
      'FRAME_TOO_LARGE',
    ]);
    await expectHealthy(socket);
  });

  it('a message of more than a megabyte closes the connection, and no other', async () => {
    const socket = await connect(alice);
    const bytes = Buffer.alloc(1_048_577, 0x20);
    socket.socket.once('error', () => undefined);
    socket.socket.send(bytes, { binary: isBinary });
    expect(await socket.closed).toBeGreaterThan(1_000);
    await expectHealthyServer();
  });

  it('a text of the largest size passes; empty or a byte larger it is refused', async () => {
    const socket = await connect(alice);
    const conversation = direct(alice, bob);
    // Three bytes each, so characters and bytes are told apart.
    const largest = `${'好'.repeat(21_845)}x`;
    expect(Buffer.byteLength(largest)).toBe(textBytesMax);
    expect((await socket.ask(sendTo(conversation, { text: largest }))).sent?.sequence).toBeGreaterThan(0);
    expect(await refusal(socket, sendTo(conversation, { text: `${largest}x` }))).toBe('TEXT_TOO_LARGE');
    expect(await refusal(socket, sendTo(conversation, { text: 'x'.repeat(textBytesMax + 1) }))).toBe(
      'TEXT_TOO_LARGE',
    );
    expect(await refusal(socket, sendTo(conversation, { text: '' }))).toBe('TEXT_EMPTY');
    await expectHealthy(socket);
    const page = await socket.ask({ history: { conversation, limit: 200 } });
    const texts = page.historyPage?.messages?.map(({ text }) => text) ?? page;
    expect(texts).toContain(largest);
  });

  it('ids that no subject can carry are refused wherever one is asked for', async () => {
    const socket = await connect(alice);
    const frames = badIds.flatMap((id): ClientFrame[] => [
      sendTo(`d.${alice.id}.${id}`),
      sendTo(`g.${id}`),
      sendTo(id),
      sendTo(direct(alice, bob), { clientMessageId: '' }),
      { history: { conversation: `g.${id}` } },
      { read: { conversation: `g.${id}`, sequence: 1 } },
      { sync: { cursors: [{ conversation: `g.${id}`, sequence: 1 }] } },
      { typing: { conversation: `g.${id}` } },
      { presenceQuery: { users: [id] } },
    ]);
    for (const frame of frames) expect([frame, await refusal(socket, frame)]).toEqual([frame, 'BAD_ID']);
    for (const id of [...badIds, ''].filter((one) => !/^[\x21-\x7e]{1,64}$/.test(one))) {
      const frame = sendTo(direct(alice, bob), { clientMessageId: id });
      expect([id, await refusal(socket, frame)]).toEqual([id, 'BAD_ID']);
    }
    await expectHealthy(socket);
  });

  it('device ids that no subject can carry are refused', async () => {
    // Each connection has few attempts.
    for (const deviceId of [...badIds, '']) {
      const socket = await opened({ subprotocol });
      const answer = await refusal(socket, { hello: { token: alice.token, deviceId } });
      expect([deviceId, answer]).toEqual([deviceId, 'BAD_ID']);
      expect(
        await refusal(socket, {
          hello: { token: alice.token, deviceId: 'raw', cursors: [{ conversation: `g.${deviceId}.` }] },
        }),
      ).toBe('BAD_ID');
      socket.close();
    }
    await expectHealthyServer();
  });

  it('a sequence or position from the future is refused', async () => {
    const socket = await connect(alice);
    const conversation = direct(alice, bob);
    const { sent } = await socket.ask(sendTo(conversation));
    const head = sent!.sequence!;
    const far = 2 ** 53 - 1;
    const future: ClientFrame[] = [
      { read: { conversation, sequence: head + 1_000 } },
      { read: { conversation, sequence: far } },
      { history: { conversation, after: head + 1_000 } },
      { history: { conversation, before: far } },
      { sync: { inboxPosition: far } },
      { sync: { cursors: [{ conversation, sequence: far }] } },
      { ack: { inboxPosition: far } },
    ];
    for (const frame of future) {
      expect([frame, await refusal(socket, frame)]).toEqual([frame, 'SEQUENCE_FROM_FUTURE']);
    }
    const ahead = await opened({ subprotocol });
    const hello = { token: alice.token, deviceId: 'ahead', inboxPosition: far };
    expect(await refusal(ahead, { hello })).toBe('SEQUENCE_FROM_FUTURE');
    expect((await ahead.ask(helloOf(alice.token))).welcome?.user).toBe(alice.id);
    await expectHealthy(socket);
    await expectHealthy(ahead);
  });

  it('requests that contradict themselves or ask for too much are refused', async () => {
    const socket = await connect(alice);
    const conversation = direct(alice, bob);
    const cursors = upTo(501).map((sequence) => ({ conversation, sequence }));
    const users = upTo(201).map((number) => `user${number}`);
    const bad: ClientFrame[] = [
      { history: { conversation, before: 2, after: 1 } },
      { read: { conversation, sequence: 0 } },
      { sync: { cursors } },
      { ack: { cursors } },
      { presenceQuery: { users } },
    ];
    expect(await refusals(socket, bad)).toEqual(bad.map(() => 'BAD_REQUEST'));
    await expectHealthy(socket);
  });

  it('a flood is refused frame by frame, and the connection works again after a rest', async () => {
    const socket = await connect(alice);
    const ping = frameCodecs[subprotocol].encodeClient({ requestId: 4_000_000_000, ping: {} });
    for (const _ of upTo(2_000)) socket.socket.send(ping);
    const answers = () => socket.heard.filter(({ requestId }) => requestId === 4_000_000_000);
    await waitUntil(() => answers().length === 2_000, { what: 'each frame is answered' });
    const limited = answers().filter(({ error }) => error?.code === 'RATE_LIMITED');
    expect(limited.length).toBeGreaterThan(500);
    expect(limited[0]?.error).toMatchObject({ retryable: true, retryAfterMs: 1_000 });
    await waitUntil(async () => (await socket.ask({ ping: {} })).pong, {
      what: 'frames are taken again',
      everyMs: 100,
    });
    await expectHealthy(socket);
  });

  it('a flood that does not end closes the connection, and no other', async () => {
    const socket = await connect(alice);
    const witness = await connect(bob);
    const ping = frameCodecs[subprotocol].encodeClient({ ping: {} });
    for (const _ of upTo(6_000)) socket.socket.send(ping);
    expect(await socket.closed).toBe(4429);
    await expectHealthy(witness);
  });

  it('text that is no Unicode harms nobody', async () => {
    const socket = await connect(alice);
    const conversation = direct(alice, bob);
    const codes = [];
    for (const frame of brokenUnicode(subprotocol, conversation)) {
      const before = socket.heard.length;
      socket.socket.send(frame);
      const answer = await waitUntil(
        () => socket.heard.slice(before).find(({ sent, error }) => sent ?? error),
        { what: 'an answer' },
      );
      codes.push(answer.error?.code);
    }
    expect(codes).toEqual(codes.map(() => 'BAD_FRAME'));
    await expectHealthy(socket);
  });
});

describe('somebody who is not in a conversation', () => {
  const askFor = (conversation: string): ClientFrame[] => [
    sendTo(conversation),
    { history: { conversation } },
    { typing: { conversation } },
  ];

  it('can neither write nor read in it', async () => {
    const { conversation } = await alice.api.createGroup({ title: 'ours', members: [bob.id] });
    const socket = await connected(carol);
    for (const one of [conversation, direct(alice, bob)]) {
      for (const frame of askFor(one)) {
        expect([frame, await refusal(socket, frame)]).toEqual([frame, 'NOT_A_MEMBER']);
      }
      // Its cursors of other conversations must go on working, so this one is only left out.
      const { syncPage } = await socket.ask({ sync: { cursors: [{ conversation: one }] } });
      expect(syncPage?.logs).toEqual([]);
      const read = { read: { conversation: one, sequence: 1 } };
      expect(await refusal(socket, read)).toMatch(/NOT_A_MEMBER|CONVERSATION_NOT_FOUND/);
    }
    await expectHealthy(socket, direct(alice, carol));
  });

  it('is told that a group or a user does not exist', async () => {
    const socket = await connected(carol);
    expect(await refusal(socket, sendTo('g.nowhere'))).toBe('CONVERSATION_NOT_FOUND');
    expect(await refusal(socket, { history: { conversation: 'g.nowhere' } })).toBe('CONVERSATION_NOT_FOUND');
    expect(await refusal(socket, sendTo(`d.${carol.id}.zz-nobody`))).toBe('USER_NOT_FOUND');
    await expectHealthy(socket, direct(alice, carol));
  });

  it('because of a removal can read what was before, and write no more', async () => {
    const { id, conversation } = await alice.api.createGroup({ title: 'ours', members: [bob.id] });
    const socket = await connected(bob);
    expect((await socket.ask(sendTo(conversation))).sent?.sequence).toBe(2);
    await alice.api.removeMember(id, bob.id);
    expect(await refusal(socket, sendTo(conversation))).toBe('NOT_A_MEMBER');
    const atAlice = await connected(alice);
    expect((await atAlice.ask(sendTo(conversation))).sent?.sequence).toBe(4);
    const { historyPage } = await socket.ask({ history: { conversation } });
    expect(historyPage?.messages?.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    await expectHealthy(socket);
  });

  it('because it was dismissed is told so', async () => {
    const { id, conversation } = await alice.api.createGroup({ title: 'ours', members: [bob.id] });
    const socket = await connected(bob);
    expect((await socket.ask(sendTo(conversation))).sent?.sequence).toBe(2);
    expect((await http('DELETE', `/v1/groups/${id}`, { token: alice.token })).status).toBe(204);
    expect(await refusal(socket, sendTo(conversation))).toBe('GROUP_DISMISSED');
    await expectHealthy(socket);
  });
});

describe('a member who is muted later', () => {
  it('can read, and write again when the mute is lifted or over', async () => {
    const { id, conversation } = await alice.api.createGroup({ title: 'ours', members: [bob.id] });
    const socket = await connected(bob);
    expect((await socket.ask(sendTo(conversation))).sent?.sequence).toBe(2);
    expect(await alice.mute(id, bob.id, Date.now() + 3_600_000)).toBe(204);
    expect(await refusal(socket, sendTo(conversation))).toBe('MUTED');
    expect((await socket.ask({ history: { conversation } })).historyPage?.head).toBe(3);
    expect(await alice.mute(id, bob.id, 0)).toBe(204);
    expect((await socket.ask(sendTo(conversation))).sent?.sequence).toBe(5);
    expect(await alice.mute(id, bob.id, Date.now() + 700)).toBe(204);
    expect(await refusal(socket, sendTo(conversation))).toBe('MUTED');
    await waitUntil(async () => (await socket.ask(sendTo(conversation))).sent, {
      what: 'the mute is over',
      everyMs: 100,
    });
    expect(await bob.mute(id, alice.id, 0)).toBe(403);
    await expectHealthy(socket);
  });
});

describe('the HTTP API', () => {
  it.each([
    ['text that is no JSON', 'POST', '/v1/accounts', { body: '{"handle":' }, 'BAD_REQUEST'],
    ['JSON of another shape', 'POST', '/v1/accounts', { body: '[1,2]' }, 'BAD_REQUEST'],
    [
      'fields nobody knows',
      'POST',
      '/v1/sessions',
      { body: '{"handle":"a","password":"b","isAdmin":true}' },
      'BAD_REQUEST',
    ],
    ['no body', 'POST', '/v1/accounts', {}, 'BAD_REQUEST'],
    [
      'a body of another type',
      'POST',
      '/v1/accounts',
      { body: '<a/>', type: 'text/xml' },
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'a body that is too large',
      'POST',
      '/v1/accounts',
      { body: JSON.stringify({ handle: 'x'.repeat(200_000) }) },
      'BODY_TOO_LARGE',
    ],
    ['a route that is not there', 'GET', '/v1/teapots', {}, 'ROUTE_NOT_FOUND'],
    ['a method that is not there', 'PATCH', '/v1/accounts', { body: '{}' }, 'ROUTE_NOT_FOUND'],
    ['a path that cannot be decoded', 'GET', '/v1/users/%E0%A4%A', {}, 'BAD_REQUEST'],
    ['nobody', 'GET', '/v1/me', {}, 'UNAUTHENTICATED'],
    ['nobody, searching', 'GET', '/v1/search?q=secret', {}, 'UNAUTHENTICATED'],
    [
      'a short password',
      'POST',
      '/v1/accounts',
      { body: '{"handle":"shorty","password":"1234567"}' },
      'BAD_REQUEST',
    ],
    [
      'a wrong password',
      'POST',
      '/v1/sessions',
      { body: '{"handle":"alice-1","password":"not this one"}' },
      'WRONG_CREDENTIALS',
    ],
    [
      'an unknown handle',
      'POST',
      '/v1/sessions',
      { body: '{"handle":"unknown","password":"not this one"}' },
      'WRONG_CREDENTIALS',
    ],
  ])('refuses %s', async (_, method, route, options, code) => {
    const { status, type, answer } = await http(method, route, options);
    expect(answer).toMatchObject({ code, status, retryable: false });
    expect(type).toContain('application/problem+json');
    expect(status).toBeLessThan(500);
    expect((await http('GET', '/v1/me', { token: alice.token })).answer['id']).toBe(alice.id);
  });

  it('refuses ids that no subject can carry wherever one is asked for', async () => {
    const { token } = alice;
    const password = 'correct horse battery staple';
    for (const id of badIds) {
      const inPath = encodeURIComponent(id);
      const answers = await Promise.all([
        http('POST', '/v1/accounts', { body: JSON.stringify({ handle: id, password }) }),
        http('POST', '/v1/accounts', { body: JSON.stringify({ tenant: id, handle: 'mallory', password }) }),
        http('POST', '/v1/sessions', { body: JSON.stringify({ handle: id, password }) }),
        http('POST', '/v1/groups', { token, body: JSON.stringify({ id, title: 'x', members: [] }) }),
        http('POST', '/v1/groups', { token, body: JSON.stringify({ title: 'x', members: [id] }) }),
        http('GET', `/v1/users/${inPath}`, { token }),
        http('GET', `/v1/groups/${inPath}`, { token }),
        http('DELETE', `/v1/groups/${inPath}/members/${inPath}`, { token }),
        http('GET', `/v1/conversations/${inPath}/messages`, { token }),
        http('GET', `/v1/search?q=x&conversation=${inPath}`, { token }),
        http('GET', `/v1/search?q=x&sender=${inPath}`, { token }),
      ]);
      const codes = answers.map(({ answer }) => answer.code);
      const expected = ['BAD_REQUEST', 'BAD_ID'];
      expect([id, codes.filter((code) => !expected.includes(code ?? ''))]).toEqual([id, []]);
    }
    await expectHealthyServer();
  });

  it('takes nothing that is searched for as SQL', async () => {
    const socket = await connected(alice);
    const secret = 'carolsecret';
    const { sent } = await (await connected(carol)).ask(sendTo(direct(bob, carol), { text: secret }));
    expect(sent).toBeTruthy();
    const conversation = direct(alice, bob);
    const texts = hostileTexts.map((text) => `needle ${text}`);
    let last = 0;
    for (const text of texts) last = (await socket.ask(sendTo(conversation, { text }))).sent!.sequence!;
    const search = (query: Record<string, string>) =>
      http('GET', `/v1/search?${new URLSearchParams(query).toString()}`, { token: alice.token });
    await waitUntil(
      async () => {
        const { answer } = await search({ q: 'needle', conversation });
        const [complete] = answer['completeThrough'] as { sequence: number }[];
        return complete !== undefined && complete.sequence >= last;
      },
      { what: 'the index is complete', limitMs: 20_000, everyMs: 100 },
    );
    for (const q of hostileTexts) {
      const { status, type, answer } = await search({ q });
      const refused = answer.code === 'BAD_REQUEST';
      expect([q, refused || status === 200]).toEqual([q, true]);
      expect(type).toMatch(/json/);
      expect(JSON.stringify(answer)).not.toContain(secret);
      for (const [name, value] of [
        ['before', q],
        ['limit', q],
        ['sender', q],
        ['conversation', q],
      ] as const) {
        const other = await search({ q: 'needle', [name]: value });
        expect([name, value, other.answer.code]).toEqual([name, value, 'BAD_REQUEST']);
      }
    }
    const { answer } = await search({ q: 'needle', limit: '100' });
    const found = (answer['hits'] as { message: { text: string } }[]).map(({ message }) => message.text);
    expect(found).toEqual(expect.arrayContaining(texts));
    expect((await search({ q: secret })).answer['hits']).toEqual([]);
  });

  it('refuses titles and names that are no Unicode', async () => {
    const body = '{"title":"a\\ud800b","members":[]}';
    const { answer } = await http('POST', '/v1/groups', { token: alice.token, body });
    expect(answer.code).toBe('BAD_REQUEST');
    await expectHealthyServer();
  });
});

describe('an upgrade request', () => {
  it('that offers only unknown subprotocols is refused', async () => {
    const unknown = { subprotocol: 'parley.v9.cbor' as Subprotocol };
    await expect(RawSocket.open(wsUrl(), unknown)).rejects.toThrow(/400/);
    await expectHealthyServer();
  });
});

describe('a client that stops reading', () => {
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${cluster.gateways[0]!.httpUrl}/metrics`)).text();
    return Number(new RegExp(`^${name}\\S* (\\S+)$`, 'm').exec(text)?.[1]);
  };

  it('loses pushes instead of costing memory, is told to sync when it reads again, and then gets everything', async () => {
    const sender = await connected(alice, 'parley.v1.protobuf');
    const dave = await people.register('dave');
    const conversation = direct(alice, dave);
    const slow = await Promise.all(upTo(4).map(() => connected(dave)));
    const memoryBefore = await metric('process_resident_memory_bytes');
    for (const { socket } of slow) socket.pause();

    let head = 0;
    const text = 'x'.repeat(60_000);
    // What the kernels of both ends hold comes first: several megabytes each.
    await waitUntil(
      async () => {
        const sent = await Promise.all(upTo(20).map(() => sender.ask(sendTo(conversation, { text }))));
        head = Math.max(...sent.map((one) => one.sent!.sequence!));
        return (await metric('parley_gateway_pushes_dropped_total')) > 4 * 20;
      },
      { what: 'pushes are dropped', limitMs: 30_000 },
    );
    const growth = (await metric('process_resident_memory_bytes')) - memoryBefore;
    expect(growth).toBeLessThan(160 * 1024 * 1024);

    for (const { socket } of slow) socket.resume();
    for (const one of slow) {
      const { inboxPosition } = await one.push('sync_needed', ({ syncNeeded }) => syncNeeded);
      expect(inboxPosition).toBeGreaterThan(0);
    }
    const positions: number[] = [];
    for (let more = true; more;) {
      const sync = { inboxPosition: positions.at(-1) ?? 0 };
      // After 60 kB a message the shard may need a moment; a client asks again too.
      const syncPage = await waitUntil(async () => (await slow[0]!.ask({ sync })).syncPage, {
        what: 'the sync is answered',
        limitMs: 20_000,
      });
      positions.push(...(syncPage.entries ?? []).map(({ position }) => position ?? 0));
      more = syncPage.more ?? false;
    }
    expect(positions).toEqual(upTo(positions.length));
    expect(positions.length).toBeGreaterThanOrEqual(head);
    await expectHealthy(slow[1]!, conversation);
  });
});

const badIds = [
  'a.b',
  'a b',
  ' ',
  '*',
  'a*',
  '>',
  'a.>',
  'zoë',
  '用户',
  '😀',
  'a/b',
  'a\\b',
  "a'b",
  'a\u0000b',
  'a\nb',
  'a$b',
  'x'.repeat(65),
];

const malformedTexts = [
  '',
  '{"requestId":5,"send":',
  'null',
  '[]',
  '"ping"',
  '7',
  '{"requestId":-1,"ping":{}}',
  '{"requestId":1.5,"ping":{}}',
  '{"requestId":4294967296,"ping":{}}',
  '{"requestId":1e999,"ping":{}}',
  '{"ping":{},"sync":{}}',
  '{"ping":[]}',
  '{"send":{"conversation":5}}',
  '{"sync":{"inboxPosition":"9007199254740992"}}',
  '{"sync":{"inboxPosition":"0x10"}}',
  '{"sync":{"cursors":{}}}',
  '{"presenceQuery":{"users":[null]}}',
  '['.repeat(50_000),
  `{"send":${'{"a":'.repeat(20_000)}`,
];

const malformedBytes = [
  Buffer.from([0x08]), // a number that does not come
  Buffer.from([0x12, 0x7f, 0x01]), // shorter than it says
  Buffer.from([0x07]), // no such wire type
  Buffer.from([0x08, ...Array<number>(11).fill(0xff)]), // a number that does not end
  Buffer.from([0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f]), // 4 GiB announced
  Buffer.from([0x1a, 0x03, 0x0a, 0x05, 0x61]), // the inner one is longer than the outer one
  Buffer.from([0x22, 0x0b, 0x08, ...Array<number>(9).fill(0xff), 0x01]), // a position beyond 2^53
  Buffer.alloc(60_000, 0x1b), // groups within groups
];

/** A send whose frame has exactly this size. */
function paddedFrame(subprotocol: Subprotocol, size: number): Buffer | string {
  const codec = frameCodecs[subprotocol];
  const encode = (length: number) =>
    codec.encodeClient({ ...sendTo(direct(alice, bob), { text: 'x'.repeat(length) }), requestId: 1_000 });
  // The numbers of messages have as many digits for both.
  const empty = Buffer.byteLength(encode(100_000)) - 100_000;
  const frame = encode(size - empty);
  expect(Buffer.byteLength(frame)).toBe(size);
  return typeof frame === 'string' ? frame : Buffer.from(frame);
}

/** Sends with half a surrogate pair, or with bytes that are no UTF-8, in every string. */
function brokenUnicode(subprotocol: Subprotocol, conversation: string): (Buffer | string)[] {
  const codec = frameCodecs[subprotocol];
  if (!codec.isBinary) {
    const fields = { conversation, clientMessageId: 'm-unicode', text: 'x' };
    return ['text', 'clientMessageId', 'conversation'].map((field) =>
      JSON.stringify({ requestId: 5_000, send: { ...fields, [field]: 'MARK' } }).replace('MARK', 'a\\ud800b'),
    );
  }
  const frame = codec.encodeClient({ requestId: 5_000, ...sendTo(conversation, { text: 'MARKMARK' }) });
  return [[0xed, 0xa0, 0x80], [0xff], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]].map((bytes) => {
    const broken = Buffer.from(frame as Uint8Array);
    broken.set(bytes, broken.indexOf('MARKMARK'));
    return broken;
  });
}

const hostileTexts = [
  `' OR '1'='1`,
  `'; DROP TABLE messages; --`,
  `\\'; DROP TABLE messages; --`,
  `x') UNION SELECT * FROM messages WHERE ('1'='1`,
  `{user:String}`,
  `%' OR text LIKE '%`,
  `"nothing" OR 1=1`,
  `<script>alert(1)</script>`,
  `$(reboot) \`id\``,
  `needle\u0000`,
  '../../etc/passwd',
  '\\',
  '"',
];
