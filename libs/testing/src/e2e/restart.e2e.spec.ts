// Everything stops in the middle of a conversation and starts again on the same data: cleanly, and by kill -9 of every
// process. Clients resume by themselves; nothing acknowledged is lost; sequences and positions go on.
import { type Client, Diffusion } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { type Acked, Chatter, flawsOf, stopAll } from './chatter.ts';
import {
  type Person,
  People,
  direct,
  manyUsersFromOneAddress,
  sequencesOf,
  untilTail,
  upTo,
} from './people.ts';

const largeFrom = 6;

let cluster: Cluster;
let people: People;
let persons: Person[];
let devices: Client[];
let group: string;
let large: string;
let pair: string;
/** Of all lives of the cluster, by conversation. */
const acked = new Map<string, Acked[]>();

beforeAll(async () => {
  cluster = await startCluster({
    env: {
      ...manyUsersFromOneAddress,
      PARLEY_GROUP_LARGE_FROM: String(largeFrom),
      PARLEY_GROUP_SMALL_TO: '3',
    },
  });
  people = new People(cluster);
  persons = await people.registerAll(...upTo(largeFrom).map((number) => `person${number}`));
  devices = await Promise.all(
    persons.map((person, index) => person.connect({ encoding: index % 2 === 0 ? 'protobuf' : 'json' })),
  );
  const others = persons.slice(1).map(({ id }) => id);
  const { api } = persons[0]!;
  group = (await api.createGroup({ title: 'small', members: others.slice(0, 2) })).conversation;
  large = (await api.createGroup({ title: 'large', members: others })).conversation;
  pair = direct(persons[0]!, persons[1]!);
  await waitUntil(() => devices[0]!.conversation(large).diffusion === Diffusion.read, {
    what: 'it is large',
  });
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

function everybodySends(): Chatter[] {
  return [
    ...devices.slice(0, 2).map((device) => Chatter.start(device, pair)),
    ...devices.slice(0, 3).map((device) => Chatter.start(device, group)),
    ...devices.slice(2, 4).map((device) => Chatter.start(device, large)),
  ];
}

const membersOf = () =>
  [
    [pair, devices.slice(0, 2)],
    [group, devices.slice(0, 3)],
    [large, devices],
  ] as const;

/** Sends, lets `interrupt` happen in the middle, goes on sending; then all that was ever acknowledged is in all views. */
async function talkThrough(interrupt: () => Promise<void>): Promise<void> {
  const positions = devices.map((device) => device.inboxPosition);
  const chatters = everybodySends();
  await Promise.all(chatters.map((chatter) => chatter.more(20)));
  await interrupt();
  await Promise.all(chatters.map((chatter) => chatter.more(20)));
  await stopAll(chatters);
  for (const chatter of chatters) {
    acked.set(chatter.conversation, [...(acked.get(chatter.conversation) ?? []), ...(await chatter.stop())]);
  }
  for (const [conversation, members] of membersOf()) {
    expect(await flawsOf(members, conversation, acked.get(conversation)!)).toEqual([]);
  }
  devices.forEach((device, index) => expect(device.inboxPosition).toBeGreaterThanOrEqual(positions[index]!));
  await strangersAgree();
}

/** What the server tells a device that knows nothing is what the old devices have. */
async function strangersAgree(): Promise<void> {
  const fresh = await persons[1]!.connect();
  for (const [conversation] of membersOf()) {
    const head = Math.max(...acked.get(conversation)!.map(({ sequence }) => sequence));
    await untilTail(fresh, conversation, head);
    expect(sequencesOf(fresh, conversation)).toEqual(sequencesOf(devices[1]!, conversation));
  }
  expect(fresh.inboxPosition).toBe(devices[1]!.inboxPosition);
  fresh.close();
}

describe('a conversation', () => {
  it('goes on where it was after everything was stopped and started again', async () => {
    await talkThrough(() => cluster.restart());
  });

  it('goes on where it was after every process was killed at once', async () => {
    await talkThrough(async () => {
      await cluster.kill();
      await cluster.start();
    });
  });

  it('goes on a second time, from a journal with two lives in it', async () => {
    await talkThrough(async () => {
      await cluster.kill();
      await cluster.start();
    });
  });

  it('can be searched whole, once, after all of it', async () => {
    const { api } = persons[0]!;
    const head = Math.max(...acked.get(pair)!.map(({ sequence }) => sequence));
    await waitUntil(
      async () => {
        const { completeThrough } = await api.search({ q: 'person1', conversation: pair });
        return completeThrough.some(({ sequence }) => sequence >= head);
      },
      { what: 'the index is complete', limitMs: 20_000, everyMs: 100 },
    );
    const found: number[] = [];
    for (let before: string | undefined, more = true; more;) {
      const page = await api.search({
        q: 'person1',
        conversation: pair,
        limit: 50,
        ...(before && { before }),
      });
      found.push(...page.hits.map(({ sequence }) => sequence));
      before = page.next;
      more = before !== undefined;
    }
    const wanted = acked.get(pair)!.filter(({ sender }) => sender === persons[0]!.id);
    expect(found.toSorted((a, b) => a - b)).toEqual(
      wanted.map(({ sequence }) => sequence).toSorted((a, b) => a - b),
    );
  });
});
