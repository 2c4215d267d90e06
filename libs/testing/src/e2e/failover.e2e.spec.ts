// Several processes of each app share the shards, and any one of them, and Redis and NATS, may die while people are
// sending. Afterwards all agree: what was acknowledged is in every member's view, dense, in order, once.
import { type Client, Diffusion } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { Chatter, flawsOf, stopAll } from './chatter.ts';
import { ShardOwners } from './shard-owners.ts';
import { type Person, People, direct, manyUsersFromOneAddress, untilTail, upTo } from './people.ts';

const largeFrom = 8;
const personCount = 8;
/** Eighteen send at a time, three messages each: what they leave behind is read again by every device. */
const breathMs = 100;

let cluster: Cluster;
let owners: ShardOwners;
let people: People;
let persons: Person[];

/** One of each person, on both gateways in turn. */
let devices: Client[];
let conversations: { readonly id: string; readonly members: readonly number[] }[];

beforeAll(async () => {
  cluster = await startCluster({
    gateways: 2,
    sessionActors: 2,
    groupActors: 2,
    env: {
      ...manyUsersFromOneAddress,
      PARLEY_GROUP_LARGE_FROM: String(largeFrom),
      PARLEY_GROUP_SMALL_TO: '5',
      // Takeovers begin from snapshots and checkpoints, not from the whole journal.
      PARLEY_ACTOR_CHECKPOINT_EVERY_MS: '2000',
      // A process that hangs is found out sooner than the default, which waits for an election in a NATS cluster.
      PARLEY_ACTOR_LEASE_TTL_MS: '5000',
      PARLEY_ACTOR_LEASE_RENEW_MS: '1000',
      PARLEY_ACTOR_LEASE_MARGIN_MS: '1000',
    },
  });
  owners = await ShardOwners.connect(cluster);
  people = new People(cluster);
  persons = await people.registerAll(...upTo(personCount).map((number) => `person${number}`));
  devices = await Promise.all(persons.map((person, index) => person.connect({ gateway: index % 2 })));
  const ids = persons.map(({ id }) => id);
  const { api } = persons[0]!;
  const pairs = [0, 2, 4, 6].map((index) => ({
    id: direct(persons[index]!, persons[index + 1]!),
    members: [index, index + 1],
  }));
  // Several groups, so that they lie in shards of both group-actors.
  const groups = await Promise.all(
    upTo(4).map((number) => api.createGroup({ title: `small ${number}`, members: ids.slice(1, 4) })),
  );
  const large = await api.createGroup({ title: 'large', members: ids.slice(1) });
  conversations = [
    ...pairs,
    ...groups.map(({ conversation }) => ({ id: conversation, members: [0, 1, 2, 3] })),
    { id: large.conversation, members: upTo(personCount - 1, 0) },
  ];
  await waitUntil(() => devices[0]!.conversation(large.conversation).diffusion === Diffusion.read, {
    what: 'it is large',
  });
});

afterAll(async () => {
  people?.closeAll();
  await owners?.close();
  await cluster?.stop();
});

/**
 * Two members of each conversation send, the fault happens, and each of them gets more acknowledged after it. Then the
 * views of all devices are compared with what was acknowledged.
 */
async function sendThrough(fault: () => Promise<void>): Promise<void> {
  await owners.untilSettled();
  const chatters = conversations.flatMap(({ id, members }) =>
    members.slice(-2).map((member) => Chatter.start(devices[member]!, id, { breathMs })),
  );
  await Promise.all(chatters.map((chatter) => chatter.more(8)));
  await fault();
  await Promise.all(chatters.map((chatter) => chatter.more(8)));
  await stopAll(chatters);
  for (const { id, members } of conversations) {
    const acked = await stopAll(chatters.filter((chatter) => chatter.conversation === id));
    expect(
      await flawsOf(
        members.map((member) => devices[member]!),
        id,
        acked,
      ),
    ).toEqual([]);
  }
}

describe('nothing acknowledged is lost, doubled or out of order', () => {
  it('when a session-actor is killed', async () => {
    const victim = await owners.busiest('session-actor');
    await sendThrough(() => victim.kill());
    await victim.start();
  });

  it('when a group-actor is killed', async () => {
    const victim = await owners.busiest('group-actor');
    await sendThrough(() => victim.kill());
    await victim.start();
  });

  it('when an actor is stopped cleanly and starts again: its shards are handed over and back', async () => {
    await sendThrough(async () => {
      await (await owners.busiest('session-actor')).restart();
      await (await owners.busiest('group-actor')).restart();
    });
  });

  it('when a gateway is killed: its clients go to the other one', async () => {
    await sendThrough(() => cluster.app('gateway', 0).kill());
    await cluster.app('gateway', 0).start();
  });

  it('when the history service is killed and comes back', async () => {
    await sendThrough(async () => {
      await cluster.app('history').kill();
      await cluster.app('history').start();
    });
  });

  it('when Redis is killed and comes back', async () => {
    await sendThrough(async () => {
      await cluster.redis!.kill();
      await cluster.redis!.restart();
    });
  });

  it('when NATS is killed and comes back', async () => {
    await sendThrough(async () => {
      await cluster.nats!.kill();
      await cluster.nats!.restart();
    });
  });

  it('when a session-actor hangs until others have its shards, and then wakes up', async () => {
    await sendThrough(async () => {
      const hanging = await owners.busiest('session-actor');
      process.kill(hanging.pid, 'SIGSTOP');
      await owners.untilOwnerless(hanging.nodeId);
      process.kill(hanging.pid, 'SIGCONT');
    });
  });

  it('when group-actors are killed in turn while a group grows large and small again', async () => {
    await owners.untilSettled();
    const [owner, ...others] = persons as [Person, ...Person[]];
    const { api } = owner;
    const { id, conversation } = await api.createGroup({ title: 'grows', members: [others[0]!.id] });
    await waitUntil(() => devices[1]!.conversation(conversation).isMember, { what: 'it exists' });
    const chatters = devices.slice(0, 2).map((device) => Chatter.start(device, conversation));
    for (const [index, person] of others.slice(1).entries()) {
      if (index % 2 === 0) await cluster.app('group-actor', (index / 2) % 2).kill();
      await insist(() => api.addMembers(id, [person.id]));
      await chatters[0]!.more(3);
      await Promise.all(groupActors().map((actor) => actor.start()));
    }
    const diffusion = () => devices[0]!.conversation(conversation).diffusion;
    await waitUntil(() => diffusion() === Diffusion.read, { what: 'it is large' });
    await Promise.all([cluster.app('group-actor', 0).kill(), cluster.app('group-actor', 1).kill()]);
    await Promise.all(groupActors().map((actor) => actor.start()));
    for (const person of others.slice(4)) await insist(() => api.removeMember(id, person.id));
    await waitUntil(() => diffusion() === Diffusion.write, { what: 'it is small again' });
    await chatters[1]!.more(5);
    const acked = await stopAll(chatters);
    expect(await flawsOf(devices.slice(0, 5), conversation, acked)).toEqual([]);
    const members = (await api.members(id)).members.map(({ user }) => user);
    expect(members).toEqual(persons.slice(0, 5).map((person) => person.id));
  });

  it('and a device that knows nothing is told all of it', async () => {
    const fresh = await persons[3]!.connect();
    for (const { id, members } of conversations.filter((one) => one.members.includes(3))) {
      const witness = devices[members[0]!]!.conversation(id).tail;
      await untilTail(fresh, id, witness, 30_000);
      expect(fresh.conversation(id).messages.map(({ sequence }) => sequence)).toEqual(upTo(witness));
    }
  });
});

const groupActors = () => cluster.apps.filter((app) => app.name === 'group-actor');

/** Repeats what was refused for a passing reason, as a program that uses the HTTP API has to. */
function insist(change: () => Promise<void>): Promise<true> {
  return waitUntil(
    async () => {
      const error = await change().then(
        () => undefined,
        (refusal: unknown) => refusal as { retryable?: boolean; code?: string },
      );
      // The first attempt may have been carried out although its answer was lost.
      if (error === undefined || error.code === 'NOT_A_MEMBER') return true;
      if (!error.retryable) throw error;
      return undefined;
    },
    { what: 'the change is made', limitMs: 30_000, everyMs: 50 },
  );
}
