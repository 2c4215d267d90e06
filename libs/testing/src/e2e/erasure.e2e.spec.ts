// A tenant that seals, on a whole cluster: people notice nothing, the stores never see a text, and what is erased is gone everywhere
// at once, while what others wrote stays.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { MemoryStore } from '@parley/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, projectFolder, startCluster, waitUntil } from '../servers/index.ts';
import { removeTemporaryFolder, temporaryFolder } from '../servers/server-process.ts';
import { People, type Person, codeOf, direct, manyUsersFromOneAddress, untilTail, viewOf } from './people.ts';

let folder = '';
let cluster: Cluster;
let people: People;
let admins = '';
const masterKey = randomBytes(32).toString('base64');

beforeAll(async () => {
  folder = await temporaryFolder('sealing');
  const keysFile = path.join(folder, 'keys.json');
  writeFileSync(keysFile, JSON.stringify({ acme: { masterKeys: [masterKey] } }));
  cluster = await startCluster({
    // Who erases and who reads are at different ones: keys must be forgotten at both.
    gateways: 2,
    env: {
      ...manyUsersFromOneAddress,
      PARLEY_SEALING_KEYS_FILE: keysFile,
      PARLEY_GROUP_LARGE_FROM: '4',
      PARLEY_GROUP_SMALL_TO: '2',
    },
    envOf: ({ name }): Record<string, string> =>
      name === 'gateway' && admins !== '' ? { PARLEY_AUTH_ADMINS: admins } : {},
  });
  people = new People(cluster);
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
  removeTemporaryFolder(folder);
});

/** Long, so that it is found by no chance and in any form of compression that keeps letters. */
const secret = (what: string): string => `${what} ${randomBytes(24).toString('hex')} 秘密`;

interface Report {
  readonly isClean: boolean;
  readonly keys: { readonly live: number; readonly destroyed: number; readonly olderValues: number };
  readonly messages: { readonly sealed: number; readonly neverSealed: number };
  readonly found: readonly { readonly place: string }[];
  readonly looked: { readonly streamMessages: number; readonly redisValues: number; readonly files: number };
}

/** `npm run -s erasure`. */
async function tool(
  ...asked: string[]
): Promise<{ readonly exitCode: number | null; readonly stdout: string }> {
  const flags = ['--conditions=source', '--disable-warning=ExperimentalWarning', 'tools/erasure.ts'];
  const child = spawn(
    path.join(projectFolder, 'node_modules/.bin/node'),
    [...flags, ...asked, '--nats', cluster.natsUrl, '--redis', cluster.redisUrl],
    { cwd: projectFolder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  expect(stderr).toBe('');
  return { exitCode, stdout };
}

async function report(tenant: string, user: string, phrases: readonly string[]): Promise<Report> {
  const file = path.join(folder, 'phrases');
  writeFileSync(file, phrases.join('\n'));
  const asked = ['--tenant', tenant, '--user', user, '--phrases', file, '--files', cluster.dataFolder];
  const { exitCode, stdout } = await tool(...asked);
  const read = JSON.parse(stdout) as Report;
  expect(exitCode).toBe(read.isClean ? 0 : 1);
  return read;
}

async function call(who: Person, method: string, route: string, body?: object) {
  const answer = await fetch(`${cluster.gateways[0]!.httpUrl}/v1/${route}`, {
    method,
    headers: { authorization: `Bearer ${who.token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
}

const shown = (client: Parameters<typeof viewOf>[0], conversation: string) =>
  viewOf(client, conversation)
    .filter(({ system, edited }) => !system && !edited)
    .map(({ text, isErased }) => (isErased ? 'ERASED' : text));

it('seals what people write, lets them read it, and erases a message and a person for good', async () => {
  const [ada, ann, ben] = (await Promise.all(
    ['ada', 'ann', 'ben'].map((name) => people.registerAs(name, 'acme')),
  )) as [Person, Person, Person];
  const [eve, flo] = await Promise.all(['eve', 'flo'].map((name) => people.registerAs(name, 'open')));
  admins = 'acme/ada';
  await cluster.app('gateway').restart();
  const [first, edited, quoted, caption, other, plain] = [
    'first',
    'edited',
    'quoted',
    'caption',
    'other',
    'plain',
  ].map(secret) as [string, string, string, string, string, string];
  const talk = direct(ann, ben);

  // Ben is away while ann writes.
  const [atAnn, atEve] = await Promise.all([ann.connect(), eve!.connect()]);
  await atEve.send(direct(eve!, flo!), plain);
  const { sequence } = await atAnn.send(talk, first);
  await atAnn.edit(talk, sequence, edited);
  await atAnn.send(talk, { rich: { image: { ref: caption, mimeType: 'image/png' } } });
  const store = new MemoryStore();
  const atBen = await ben.connect({ encoding: 'json', store, gateway: 1 });
  await untilTail(atBen, talk, 3);
  expect(viewOf(atBen, talk)[0]).toMatchObject({ text: edited, revision: 2 });
  expect(viewOf(atBen, talk)[2]?.rich?.image?.ref).toBe(caption);
  await atBen.send(talk, { text: other, rich: { replyTo: { sequence: 3 } } });
  await atAnn.send(talk, quoted);
  await Promise.all([untilTail(atAnn, talk, 5), untilTail(atBen, talk, 5)]);
  expect(shown(atAnn, talk).slice(1)).toEqual(['', other, quoted]);
  expect(shown(atBen, talk)).toEqual(shown(atAnn, talk));

  const annes = [first, edited, caption, quoted];
  const inHistory = () =>
    waitUntil(
      async () => (await call(ada, 'GET', `admin/conversations/${talk}/as-of`)).body['completeThrough'] === 5,
      {
        what: 'history has the conversation',
        everyMs: 250,
        limitMs: 30_000,
      },
    );
  await inHistory();
  // The report finds what there is: the same sentence of a tenant that does not seal is everywhere.
  const openReport = await waitUntil(
    async () => {
      const read = await report('open', eve!.id, [plain]);
      const places = read.found.map(({ place }) => place).join();
      return /JRN_USER/.test(places) && /messages.text/.test(places) && /redis/.test(places)
        ? read
        : undefined;
    },
    { what: 'a plain text is found', limitMs: 30_000, everyMs: 500 },
  );
  expect(openReport).toMatchObject({ isClean: false, messages: { neverSealed: 1 } });
  expect(openReport.found.some(({ place }) => place.startsWith('nats/'))).toBe(true);
  // Sealed ones are nowhere, while their keys live.
  expect(await report('acme', ann.id, [...annes, other])).toMatchObject({
    isClean: false,
    found: [],
    keys: { live: 1 },
    messages: { sealed: 3, neverSealed: 0 },
  });
  expect(await codeOf(ann.api.search({ q: 'first' } as never))).toBe('CONTENT_SEALED');

  // A hold wins.
  await call(ada, 'PUT', `admin/holds/conversations/${talk}`, { reason: 'case 7' });
  const one = { conversation: talk, sequence, reason: 'asked for' };
  expect(await call(ada, 'POST', 'admin/erasures', one)).toMatchObject({
    status: 409,
    body: { code: 'ON_HOLD' },
  });
  expect(await call(ann, 'POST', 'admin/erasures', one)).toMatchObject({ status: 403 });
  await call(ada, 'DELETE', `admin/holds/conversations/${talk}`);

  // One message, with its edit; everything else stays, at the same sequences.
  expect(await call(ada, 'POST', 'admin/erasures', one)).toEqual({ status: 200, body: { keys: 1 } });
  const pageOf = async (who: Person) => {
    const client = await who.connect({ gateway: 1 });
    const { messages } = await client.history({ conversation: talk });
    client.close();
    return messages.map((message) => [
      message.sequence,
      message.isErased ? 'ERASED' : (message.text ?? message.edited?.text),
    ]);
  };
  expect(await pageOf(ben)).toEqual([
    [1, 'ERASED'],
    [2, 'ERASED'],
    [3, ''],
    [4, other],
    [5, quoted],
  ]);

  await cluster.restart();
  // A person.
  const person = { user: ann.id, reason: 'article 17' };
  await waitUntil(async () => (await call(ada, 'POST', 'admin/erasures', person)).status === 200, {
    what: 'the person is erased',
    limitMs: 30_000,
  });
  const left = [
    [1, 'ERASED'],
    [2, 'ERASED'],
    [3, 'ERASED'],
    [4, other],
    [5, 'ERASED'],
  ];
  expect(await pageOf(ben)).toEqual(left);
  expect(await pageOf(ann)).toEqual(left);
  const versions = await call(ada, 'GET', `admin/conversations/${talk}/messages/1/versions`);
  expect(JSON.stringify(versions.body)).toContain('isErased');
  const audit = (await call(ada, 'GET', 'admin/audit')).body['entries'] as {
    action: string;
    details: string;
  }[];
  expect(audit.map(({ action }) => action)).toEqual(
    expect.arrayContaining(['erase', 'erasure_done', 'erasure_report']),
  );
  expect(JSON.stringify(audit)).not.toContain(first);
  const last = await report('acme', ann.id, annes);
  expect(last).toMatchObject({ isClean: true, found: [], keys: { live: 0, destroyed: 1, olderValues: 0 } });
  for (const looked of Object.values(last.looked)) expect(looked).toBeGreaterThan(0);

  // Life goes on, with a new key.
  const again = await ann.connect();
  const afterwards = await again.send(talk, secret('again'));
  expect(afterwards.sequence).toBe(6);
  expect((await pageOf(ben)).at(-1)?.[1]).toMatch(/^again /);
  again.close();
});

it('seals in super-large groups, and what is forwarded, which is then whose who forwards it', async () => {
  const members = (await Promise.all(
    ['gus', 'hal', 'ida', 'jo'].map((name) => people.registerAs(name, 'acme')),
  )) as [Person, Person, Person, Person];
  const [gus, hal, ida] = members;
  const others = members.slice(1).map(({ id }) => id);
  const { conversation } = await gus.api.createGroup({ title: 'all', members: others });
  const [atGus, atHal] = await Promise.all([gus.connect(), hal.connect({ gateway: 1, encoding: 'json' })]);
  const word = secret('to everybody');
  const { sequence } = await atGus.send(conversation, word);
  // The key is read for the first one, and at hand for the second.
  const next = await atGus.send(conversation, secret('once more'));
  await untilTail(atHal, conversation, next.sequence);
  expect(viewOf(atHal, conversation).find((message) => message.sequence === sequence)?.text).toBe(word);
  const talk = direct(hal, ida);
  await atHal.send(talk, { text: '', rich: { forwardedFrom: { conversation, sequence } } });
  const atIda = await ida.connect();
  await untilTail(atIda, talk, 1);
  expect(viewOf(atIda, talk)[0]).toMatchObject({ text: word, rich: { forwardedFrom: { sender: gus.id } } });
  const read = await report('acme', gus.id, [word]);
  expect(read).toMatchObject({ found: [], keys: { live: 1 } });

  // A new master key takes the place of the old one.
  const file = path.join(folder, 'newer.json');
  const newer = randomBytes(32).toString('base64');
  writeFileSync(file, JSON.stringify({ acme: { masterKeys: [newer, masterKey] } }));
  const wrap = ['--tenant', 'acme', '--rewrap', '--keys', file];
  const { wrapped } = JSON.parse((await tool(...wrap)).stdout) as { wrapped: number };
  expect(wrapped).toBeGreaterThanOrEqual(2);
  expect(JSON.parse((await tool(...wrap)).stdout)).toEqual({ tenant: 'acme', wrapped: 0 });
});
