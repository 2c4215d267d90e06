// Groups below the threshold: everybody online, or nearly everybody asleep.
import { userLimits } from '@parley/domain';
import { connectPeople, drive, makePeople, runCourse } from '../load-scenario.ts';
import { groups } from '../people-plan.ts';
import { type Result, loadResult, round } from '../result.ts';
import { type RunOptions, type Scenario, standOptionsOf } from '../scenario.ts';
import { Stand } from '../stand.ts';
import { aim, atLeast, atMost, ofFloor } from '../targets.ts';
import { untilInboxesReach } from '../until-inboxes-reach.ts';

const warmUpSeconds = 3;

const online = { groups: 20, members: 200, online: 200, senders: 8 };
const onlineInFlight = 4;
const asleep = { groups: 20, members: 450, online: 22, senders: 4 };
const asleepInFlight = 2;

export const group: Scenario = {
  name: 'group',
  figure: { name: 'deliveries_per_s' },
  work: `${online.groups} groups of ${online.members}, all online; ${online.senders} senders in each with ${onlineInFlight} in flight`,
  seconds: 15,
  async run(options) {
    const stand = await Stand.start(standOptionsOf(options));
    options.onStarted(stand);
    const { seconds, say } = options;
    const driven = await runCourse(stand, {
      people: groups(online),
      pacing: { kind: 'closed', inFlight: onlineInFlight, nextAfter: 'arrival' },
      warmUpSeconds,
      seconds,
      say,
    });
    const result = loadResult('group', seconds, driven);
    return {
      ...result,
      deliveries_per_s: result.delivered_per_s!,
      settings: { ...online, in_flight: onlineInFlight },
    };
  },
  targetsOf: ({ deliveries_per_s }, floors) => [
    ofFloor('deliveries/s of the topic fan-out', deliveries_per_s, 0.15, floors?.uws_fanout),
    aim(ofFloor('… then aim at', deliveries_per_s, 0.3, floors?.uws_fanout)),
  ],
};

export const groupOffline: Scenario = {
  name: 'group-offline',
  figure: { name: 'entries_per_s' },
  work: `${asleep.groups} groups of ${asleep.members}, ${asleep.online} online in each: entries for sleeping members`,
  // On two cores inboxes are full after some 40 s: what grows behind that is a leak.
  seconds: 60,
  run: runAsleep,
  targetsOf: ({ entries_per_s, series }) => [
    atLeast('inbox entries/s', entries_per_s, 150_000),
    atMost(
      'memory of the session-actor, end against full inboxes',
      growthOnceFull(series?.['actor_rss_mb'] ?? [], series?.['entries_per_member'] ?? []),
      1.1,
      '×',
    ),
  ],
};

type Series = readonly (number | null)[];

/** Until every inbox holds as many entries as it keeps it must grow. undefined: the run was too short to tell. */
export function growthOnceFull(memory: Series, entriesPerMember: Series): number | undefined {
  const full = entriesPerMember.findIndex((entries) => (entries ?? 0) >= userLimits.inboxCountMax);
  const [begin, end] = [memory[full], memory.at(-1)];
  return full >= 0 && memory.length - full >= fullSecondsMin && begin && end ? end / begin : undefined;
}

const fullSecondsMin = 10;

async function runAsleep(options: RunOptions): Promise<Result> {
  const stand = await Stand.start(standOptionsOf(options));
  options.onStarted(stand);
  const { seconds, say } = options;
  const people = groups(asleep);
  const course = {
    people,
    pacing: { kind: 'closed', inFlight: asleepInFlight, nextAfter: 'arrival' } as const,
    warmUpSeconds,
    seconds,
    say,
    look: () => ({
      actor_rss_mb: round(stand.rssMb('session-actor'), 1),
      entries_per_member: Math.floor(stand.fleet.counts.acked / asleep.groups),
    }),
  };
  await makePeople(stand, people, say);
  await connectPeople(stand, course);
  const awake = new Set(people.online.map(({ user }) => user));
  const sleepers = people.groups.flatMap(({ members }, index) =>
    members.filter((user) => !awake.has(user)).map((user) => ({ user, group: index })),
  );
  const names = sleepers.map(({ user }) => user);
  const before = await stand.orders.inboxPositions(names);
  const startedMs = performance.now();
  const driven = await drive(stand, course);
  // Each message of a group is one entry for each of its members.
  const posted = people.groups.map((_, index) =>
    driven.totals
      .filter(({ stream }) => people.streams[stream]!.conversation === index)
      .reduce((sum, { acked }) => sum + acked, 0),
  );
  const wanted = sleepers.map(({ group: index }, at) => before[at]! + posted[index]!);
  const settledMs = await untilInboxesReach(stand, names, wanted);
  const after = await stand.orders.inboxPositions(names);
  const off = after.map((position, at) => position - wanted[at]!);
  const result = loadResult('group-offline', seconds, driven);
  const entries = posted.reduce((sum, count) => sum + count, 0) * asleep.members;
  return {
    ...result,
    entries_per_s: round(entries / ((settledMs - startedMs) / 1_000)),
    lost: result.lost + off.reduce((sum, one) => sum + Math.max(0, -one), 0),
    duplicated: result.duplicated + off.reduce((sum, one) => sum + Math.max(0, one), 0),
    settings: { ...asleep, in_flight: asleepInFlight },
  };
}
