// `npm run replay` on a real cluster: what people did in it, played again on another one, is the same.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { HttpApi, createClient } from '@parley/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, projectFolder, startCluster } from '@parley/testing/servers';
import { type Issuer, startIssuer } from '../issuer.ts';

let cluster: Cluster;
let issuer: Issuer;

beforeAll(async () => {
  issuer = await startIssuer('acme');
  cluster = await startCluster({
    // The group turns large and back while people talk.
    env: { PARLEY_AUTH_ISSUERS: issuer.setting, PARLEY_GROUP_LARGE_FROM: '4', PARLEY_GROUP_SMALL_TO: '2' },
  });
  const { wsUrl, httpUrl } = cluster.gateways[0]!;
  const api = async (user: string) => new HttpApi({ url: httpUrl, token: await issuer.tokenOf(user) });
  const [ann, ben] = await Promise.all(
    ['ann', 'ben', 'cat', 'dan'].map(async (user) => {
      const own = await api(user);
      await own.conversations();
      return own;
    }),
  );
  const say = async (user: string, ...texts: string[]) => {
    const client = createClient({ url: wsUrl, getToken: () => issuer.tokenOf(user), deviceId: 'phone' });
    await client.connect();
    for (const text of texts) await client.send('g.tea', text);
    client.close();
  };
  await ann!.createGroup({ id: 'tea', title: 'Tea 茶', members: ['ben', 'cat'] });
  await say('ben', 'one', '二');
  await ann!.setRole('tea', 'ben', 'admin');
  await ben!.addMembers('tea', ['dan']);
  await say('dan', 'three');
  await ben!.removeMember('tea', 'cat');
  await ann!.leave('tea');
  await say('dan', 'last');
});

afterAll(async () => {
  await cluster?.stop();
  issuer?.stop();
});

async function run(tool: string, ...args: string[]) {
  const node = path.join(projectFolder, 'node_modules/.bin/node');
  const file = path.join(projectFolder, 'tools', tool);
  const flags = ['--conditions=source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(node, [...flags, file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, line: stdout === '' ? {} : (JSON.parse(stdout) as object), stderr };
}

const replay = (...args: string[]) => run('replay.ts', '--json', ...args);
const original = () => ['--nats', cluster.natsUrl, '--tenant', 'acme', '--conversation', 'g.tea'];

it('is the same from the first element to the last, and in a window of its own', async () => {
  const [whole, window] = await Promise.all([
    replay(...original()),
    replay(...original(), '--from', '6', '--to', '9'),
  ]);
  // Created, 2 texts, role, added, large, text, removed, left, handed over, small, text. The window begins and ends inside
  // of a commit.
  expect(whole, whole.stderr).toMatchObject({
    exitCode: 0,
    line: { from: 1, to: 12, played: 9, automatic: 3, differences: 0, found: [] },
  });
  expect(window, window.stderr).toMatchObject({
    exitCode: 0,
    line: { from: 5, to: 11, played: 4, automatic: 3, differences: 0, found: [] },
  });
});

it('is in the audit of the original, as operators see it', async () => {
  const { exitCode, line, stderr } = await run('past.ts', 'audit', ...original().slice(0, 4));
  expect(exitCode, stderr).toBe(0);
  const { audit } = line as { audit: { entries: { by: string; action: string; subject: string }[] } };
  const asked = audit.entries.filter(
    ({ action, subject }) => action === 'conversation_as_of' && subject === 'g.tea',
  );
  expect(asked.length).toBeGreaterThan(0);
  for (const { by } of asked) expect(by).toMatch(/^operator:/);
  const refused = await run('past.ts', 'conversation', 'g.nobody', ...original().slice(0, 4));
  expect(refused).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^past: CONVERSATION_NOT_FOUND: /),
  });
});

it('says in one line why it cannot', async () => {
  const unknown = await replay(...original().slice(0, 4), '--conversation', 'g.nobody');
  expect(unknown.exitCode).toBe(2);
  expect(unknown.stderr).toMatch(/replay: .*does not know this conversation\n$/);
});
