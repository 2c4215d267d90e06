// A tenant's word list on a whole cluster: changed live over HTTP, kept to by every gateway, over both encodings.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import {
  People,
  type Person,
  codeOf,
  direct,
  manyUsersFromOneAddress,
  textsOf,
  untilTail,
} from './people.ts';

let cluster: Cluster;
let people: People;
let [ada, bob, cat] = [] as unknown as [Person, Person, Person];

beforeAll(async () => {
  let admins = '';
  cluster = await startCluster({
    env: manyUsersFromOneAddress,
    envOf: ({ name }): Record<string, string> =>
      name === 'gateway' && admins !== '' ? { PARLEY_AUTH_ADMINS: admins } : {},
  });
  people = new People(cluster);
  [ada, bob, cat] = await people.registerAll('ada', 'bob', 'cat');
  // Whoever is to be an admin has an account first.
  admins = `default/${ada.id}`;
  await cluster.app('gateway').restart();
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

async function change(body: object): Promise<void> {
  const { httpUrl } = cluster.gateways[0]!;
  const headers = { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' };
  const answer = await fetch(`${httpUrl}/v1/admin/words`, {
    method: 'PATCH',
    headers,
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
}

describe('the word list of a tenant', () => {
  it('masks and refuses from the moment it is changed, and what was sent before stays', async () => {
    const [writer, reader] = [await bob.connect(), await cat.connect({ encoding: 'json' })];
    const conversation = direct(bob, cat);
    await writer.send(conversation, 'so rude and never seen');
    await change({ mask: ['rude'], reject: ['never'] });
    const isRefused = async (text: string) =>
      (await codeOf(writer.send(conversation, text))) === 'CONTENT_REFUSED';
    await waitUntil(() => isRefused('never, as a trial'), { what: 'the gateway has the list' });
    expect(await isRefused('N3VER')).toBe(true);
    await writer.send(conversation, 'so r u d e again');
    const sent = await writer.send(conversation, 'all is well');
    await writer.edit(conversation, sent.sequence, 'all is RUDE');
    expect(await codeOf(writer.edit(conversation, sent.sequence, 'never'))).toBe('CONTENT_REFUSED');
    await untilTail(reader, conversation, sent.sequence + 1);
    const texts = textsOf(reader, conversation);
    expect(texts.slice(0, 1)).toEqual(['so rude and never seen']);
    expect(texts).toContain('so * * * * again');
    expect(texts).toContain('all is ****');
    expect(texts.join(' ')).not.toContain('N3VER');
    await change({ remove: ['rude', 'never'] });
    await waitUntil(async () => !(await isRefused('never')), { what: 'the gateway has the empty list' });
  });
});
