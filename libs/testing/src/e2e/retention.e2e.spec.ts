// Retention as people see it: what was said before is gone for everybody, on every device and in every way to ask, though
// actors and Redis still have it. What is on hold and what was said since stays.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../servers/index.ts';
import { People, type Person, direct, manyUsersFromOneAddress, untilTail, viewOf } from './people.ts';
import type { Client } from '@parley/client';

const earlierClock = path.join(import.meta.dirname, '../servers/fixtures/earlier-clock.cjs');
let cluster: Cluster;
let people: People;
let [ada, bob, cleo] = [] as unknown as [Person, Person, Person];
let [tea, kept] = ['', ''];
let admins: string | undefined;
let isEarlier = true;

beforeAll(async () => {
  cluster = await startCluster({
    env: {
      ...manyUsersFromOneAddress,
      PARLEY_CLUSTER_SHARDS: '2',
      PARLEY_HISTORY_RETENTION_EVERY_MS: '1000',
    },
    envOf: ({ name }): Record<string, string> => {
      if (name === 'gateway') return admins === undefined ? {} : { PARLEY_AUTH_ADMINS: admins };
      return isEarlier && name === 'session-actor' ? { NODE_OPTIONS: `--require ${earlierClock}` } : {};
    },
  });
  people = new People(cluster);
  [ada, bob, cleo] = await people.registerAll('ada', 'bob', 'cleo');
  [tea, kept] = [direct(ada, bob), direct(ada, cleo)];
  const phone = await ada.connect();
  for (const text of ['old 1', 'old 2']) await phone.send(tea, text);
  await phone.send(kept, 'old and on hold');
  // Today again; and whoever is to be an admin has an account first.
  isEarlier = false;
  admins = `default/${cleo.id}`;
  await Promise.all([cluster.app('session-actor').restart(), cluster.app('gateway').restart()]);
  await phone.send(tea, 'new 3');
  await phone.send(kept, 'new and on hold');
});
afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

async function put(resource: string, body: object): Promise<number> {
  const headers = { authorization: `Bearer ${cleo.token}`, 'content-type': 'application/json' };
  const url = `${cluster.gateways[0]!.httpUrl}/v1/admin/${resource}`;
  return (await fetch(url, { method: 'PUT', headers, body: JSON.stringify(body) })).status;
}

const shown = (device: Client, conversation: string) =>
  viewOf(device, conversation).map(({ text, system }) => (system?.expired ? 'expired' : text));

/** What a device that knows nothing shows. */
async function fresh(person: Person, conversation: string, sequence: number) {
  const device = await person.connect();
  await untilTail(device, conversation, sequence);
  const view = shown(device, conversation);
  device.close();
  return view;
}

describe('what a tenant keeps no longer', () => {
  it('is there before', async () => {
    expect(await fresh(bob, tea, 3)).toEqual(['old 1', 'old 2', 'new 3']);
  });

  it('is gone for all who ask, in the memory of no process', async () => {
    expect(await put(`holds/conversations/${kept}`, { reason: 'case 7' })).toBeLessThan(300);
    expect(await put('retention', { days: 1 })).toBe(200);
    await expect.poll(() => fresh(bob, tea, 3), { interval: 250 }).toEqual(['expired', 'expired', 'new 3']);
    expect(await fresh(ada, tea, 3)).toEqual(['expired', 'expired', 'new 3']);
    const url = `${cluster.gateways[0]!.httpUrl}/v1/conversations/${tea}/messages?before=3`;
    const page = await fetch(url, { headers: { authorization: `Bearer ${bob.token}` } });
    const expired = { system: { expired: {} } };
    expect(await page.json()).toMatchObject({ messages: [expired, expired] });
  });

  it('but not what is on hold', async () => {
    expect(await fresh(cleo, kept, 2)).toEqual(['old and on hold', 'new and on hold']);
  });
});
