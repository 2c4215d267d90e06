// One super-large group, by live topics. First how much it delivers; then the cost of a message in it and in a group of
// 1,000, at the same quiet rate and with as many online: in turn, several times.
import { median } from '../../percentile.ts';
import { connectPeople, drive, makePeople } from '../load-scenario.ts';
import { untilCalm } from '../until-calm.ts';
import { type PeoplePlan, groups } from '../people-plan.ts';
import { type Result, loadResult, round, withFlawsOf } from '../result.ts';
import { type RunOptions, type Scenario, standOptionsOf } from '../scenario.ts';
import { Stand } from '../stand.ts';
import { nearlyEqual, ofFloor } from '../targets.ts';

const smallMembers = 1_000;
const largeMembers = 100_000;
const onlineCount = 2_000;
const comparedOnline = 1_000;
const senders = 20;
const inFlight = 4;
const comparedPerSecond = 200;
const comparedRounds = 4;
const comparedWarmUpSeconds = 1;
/** Of the measured time of a run: so much each time. */
const comparedShare = 0.5;
const warmUpSeconds = 3;
const largeFrom = 500;

export const largeGroup: Scenario = {
  name: 'large-group',
  figure: { name: 'deliveries_per_s' },
  work: `one group of ${largeMembers.toLocaleString('en')}, ${onlineCount.toLocaleString('en')} online, ${senders} senders with ${inFlight} in flight; then ${comparedPerSecond} messages/s in a group of ${smallMembers.toLocaleString('en')} and in the large one`,
  seconds: 10,
  run,
  targetsOf: ({ deliveries_per_s, details }, floors) => [
    ofFloor('deliveries/s of the topic fan-out', deliveries_per_s, 0.5, floors?.uws_fanout),
    nearlyEqual('journal bytes a message, large against small', details?.['journal_bytes_ratio']),
    nearlyEqual('CPU in actors a message, large against small', details?.['actor_cpu_ratio']),
  ],
};

async function run(options: RunOptions): Promise<Result> {
  const stand = await Stand.start(standOptionsOf(options));
  options.onStarted(stand);
  const { seconds, say, n: members = largeMembers } = options;
  const shape = { groups: 1, senders, largeFrom };
  const large = groups({ ...shape, members, online: onlineCount });
  const small = renamed(groups({ ...shape, members: smallMembers, online: comparedOnline }));
  await makePeople(stand, large, say);
  await makePeople(stand, small, say);
  await untilCalm(stand, say, snapshotsSeconds);
  const course = {
    people: large,
    pacing: { kind: 'closed', inFlight, nextAfter: 'arrival' },
    warmUpSeconds,
    seconds,
    say,
  } as const;
  await connectPeople(stand, course);
  const result = loadResult('large-group', seconds, await drive(stand, course));
  await stand.fleet.disconnect();
  const compared = { ...large, online: large.online.slice(0, comparedOnline) };
  const costs: Record<'small' | 'large', Cost[]> = { small: [], large: [] };
  for (let turn = 0; turn < comparedRounds; turn += 1) {
    // In turn, and each as often first as second: what changes with time (compiled code, snapshots of what was made at the
    // beginning, other work on the machine) falls on both alike.
    const order = turn % 2 === 0 ? (['small', 'large'] as const) : (['large', 'small'] as const);
    for (const size of order)
      costs[size].push(await costOf(stand, size === 'small' ? small : compared, options));
  }
  const ofSmall = medianCost(costs.small);
  const ofLarge = medianCost(costs.large);
  const parts = [...costs.small, ...costs.large].map((one) => one.result);
  return {
    ...withFlawsOf(result, parts),
    deliveries_per_s: result.delivered_per_s!,
    details: {
      journal_bytes_small: round(ofSmall.journalBytes),
      journal_bytes_large: round(ofLarge.journalBytes),
      journal_bytes_ratio: round(ofLarge.journalBytes / ofSmall.journalBytes, 3),
      actor_cpu_ms_small: round(ofSmall.actorCpuMs, 3),
      actor_cpu_ms_large: round(ofLarge.actorCpuMs, 3),
      actor_cpu_ratio: round(ofLarge.actorCpuMs / ofSmall.actorCpuMs, 3),
    },
    settings: { members, online: onlineCount, senders, in_flight: inFlight },
  };
}

/** Actors make a snapshot of each of the 100,000 within this: their checkpoint interval, and a little more. */
const snapshotsSeconds = 32;

interface Cost {
  readonly result: Result;
  /** Of one message. */
  readonly journalBytes: number;
  readonly actorCpuMs: number;
}

const medianCost = (costs: readonly Cost[]): Omit<Cost, 'result'> => ({
  journalBytes: median(costs.map((one) => one.journalBytes)),
  actorCpuMs: median(costs.map((one) => one.actorCpuMs)),
});

async function costOf(stand: Stand, people: PeoplePlan, options: RunOptions): Promise<Cost> {
  const { say } = options;
  const seconds = Math.max(1, Math.round(options.seconds * comparedShare));
  const pacing = { kind: 'open', perSecond: comparedPerSecond, seed: 1 } as const;
  const course = { people, pacing, warmUpSeconds: comparedWarmUpSeconds, seconds, say };
  await connectPeople(stand, course);
  const driven = await drive(stand, course);
  await stand.fleet.disconnect();
  const messages = driven.report.window.acked;
  const actors = Object.entries(driven.usage).filter(([name]) => name.includes('-actor-'));
  return {
    result: loadResult('large-group', seconds, driven),
    journalBytes: driven.journalBytes / messages,
    actorCpuMs: (actors.reduce((sum, [, one]) => sum + one.cpuSeconds, 0) * 1_000) / messages,
  };
}

/** Other users and another group: nobody is in both. */
const renamed = (people: PeoplePlan): PeoplePlan => {
  const rename = (user: string): string => `s${user.slice(1)}`;
  return {
    users: people.users.map(rename),
    groups: people.groups.map((one) => ({ ...one, id: `small-${one.id}`, members: one.members.map(rename) })),
    conversations: people.conversations.map((id) => id.replace('g.', 'g.small-')),
    online: people.online.map((one) => ({ ...one, user: rename(one.user) })),
    streams: people.streams,
  };
};
