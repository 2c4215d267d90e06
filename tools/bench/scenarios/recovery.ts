// Cold start: a session-actor process that has nothing but journals. The lease of the one before has run out, so that only
// reading and rebuilding is measured, not how a death is noticed.
import { setTimeout as delay } from 'node:timers/promises';
import { makePeople, postAll } from '../load-scenario.ts';
import { groups } from '../people-plan.ts';
import { type Result, per1000, round } from '../result.ts';
import { type RunOptions, type Scenario, standOptionsOf } from '../scenario.ts';
import { usageOf, usedBetween } from '../process-meter.ts';
import { Stand } from '../stand.ts';
import { atLeast } from '../targets.ts';
import { untilInboxesReach } from '../until-inboxes-reach.ts';

const eventsDefault = 2_000_000;
const shape = { groups: 20, members: 450, online: 1, senders: 1 };
const leaseGoneMs = 22_000;
const noCheckpoints = {
  PARLEY_ACTOR_CHECKPOINT_EVERY_MS: String(2 ** 31 - 1),
  PARLEY_ACTOR_CHECKPOINT_JOURNAL_BYTES: String(Number.MAX_SAFE_INTEGER),
};

export const recovery: Scenario = {
  name: 'recovery',
  figure: { name: 'events_per_s' },
  work: `cold start of all user shards in one process, ${eventsDefault.toLocaleString('en')} journaled events and no checkpoint`,
  /** However long it takes. */
  seconds: 1,
  needsNoFloors: true,
  run,
  targetsOf: ({ events_per_s }) => [atLeast('events/s replayed', events_per_s, 400_000)],
};

async function run(options: RunOptions): Promise<Result> {
  const stand = await Stand.start({ ...standOptionsOf(options), env: noCheckpoints });
  options.onStarted(stand);
  const { say, n: events = eventsDefault } = options;
  const people = groups(shape);
  await makePeople(stand, people, say);
  const users = people.users;
  const before = await stand.orders.inboxPositions(users);
  const each = Math.ceil(events / users.length);
  const pacing = { kind: 'closed', inFlight: 4, nextAfter: 'arrival', each } as const;
  const totals = await postAll(stand, { people, pacing, say });
  const posted = people.groups.map(
    (_, group) => totals.find(({ stream }) => people.streams[stream]!.conversation === group)?.acked ?? 0,
  );
  const wanted = before.map((position, index) => position + posted[Math.floor(index / shape.members)]!);
  await untilInboxesReach(stand, users, wanted);
  await stand.fleet.disconnect();
  const journaled = (await stand.samples()).get('parley_shard_commit_events_sum{user}') ?? 0;

  const actor = stand.cluster.app('session-actor');
  await stand.kill(actor);
  say(`${journaled} events are journaled; waiting until the lease of the old process is gone`);
  await delay(leaseGoneMs);
  await stand.start(actor);
  const watched = [{ name: actor.label, pid: actor.pid }];
  const usage = usageOf(watched);
  const startedMs = performance.now();
  await stand.untilServing(users.slice(0, 64));
  const servingMs = performance.now() - startedMs;
  const positions = await stand.orders.inboxPositions(users);
  const rebuiltMs = performance.now() - startedMs;
  const used = usedBetween(usage, usageOf(watched));
  const cpuSeconds = used[actor.label]?.cpuSeconds ?? 0;
  const wrong = positions.reduce((sum, position, index) => sum + Math.abs(position - wanted[index]!), 0);
  const unanswered = totals.reduce((sum, { sent, acked }) => sum + sent - acked, 0);
  return {
    scenario: 'recovery',
    seconds: round(rebuiltMs / 1_000, 2),
    events_per_s: round((journaled * 1_000) / rebuiltMs),
    lost: wrong + unanswered,
    duplicated: 0,
    out_of_order: 0,
    ...per1000(used, journaled),
    details: {
      events: journaled,
      serving_after_ms: round(servingMs),
      all_users_rebuilt_after_ms: round(rebuiltMs),
      // What it would be if the process had a core to itself.
      events_per_cpu_s: cpuSeconds > 0 ? round(journaled / cpuSeconds) : 0,
      events_per_s_until_serving: round((journaled * 1_000) / servingMs),
    },
  };
}
