// Everybody comes back at once, with a night of messages missed, while others go on talking.
import { setTimeout as delay } from 'node:timers/promises';
import { sumByName } from '../load/counts.ts';
import { connectPeople, drive, makePeople, postAll } from '../load-scenario.ts';
import { divide, groups, pairs } from '../people-plan.ts';
import { type Result, loadResult, round } from '../result.ts';
import { type RunOptions, type Scenario, standOptionsOf } from '../scenario.ts';
import { Stand, benchTenant } from '../stand.ts';
import { atLeast, atMost } from '../targets.ts';
import { untilInboxesReach } from '../until-inboxes-reach.ts';

const missed = 200;
const sleepersDefault = 5_000;
/** Sleepers of one group; one more, who is awake, writes what they miss. */
const sleepersOfGroup = 200;
const talkers = 100;
const talkPerSecond = 200;
const opensAtOnce = 512;
const settleLimitMs = 10_000;
const warmUpSeconds = 3;
const comeBackAfterMs = 1_000;

export const sync: Scenario = {
  name: 'sync',
  figure: { name: 'entries_per_s' },
  work: `${sleepersDefault.toLocaleString('en')} users come back at once, ${missed} missed messages each; ${talkPerSecond} sends/s of others meanwhile`,
  seconds: 20,
  needsNoFloors: true,
  run,
  targetsOf: ({ entries_per_s, receive_p99_ms, errors }) => {
    const count = Object.values(errors ?? {}).reduce((sum, one) => sum + one, 0);
    return [
      atLeast('entries/s', entries_per_s, 200_000),
      atMost('errors', count, 0, ''),
      atMost('send → receive p99 of the others', receive_p99_ms, 200, 'ms'),
    ];
  },
};

async function run(options: RunOptions): Promise<Result> {
  const stand = await Stand.start(standOptionsOf(options));
  options.onStarted(stand);
  const { seconds, say, n = sleepersDefault } = options;
  const shape = { groups: Math.ceil(n / sleepersOfGroup), members: sleepersOfGroup + 1 };
  const rooms = groups({ ...shape, online: 1, senders: 1 });
  await makePeople(stand, rooms, say);
  const writers = new Set(rooms.online.map(({ user }) => user));
  const sleepers = rooms.groups.flatMap(({ members }, group) =>
    members.filter((user) => !writers.has(user)).map((user) => ({ user, conversations: [group] })),
  );
  const names = sleepers.map(({ user }) => user);
  const positions = await stand.orders.inboxPositions(names);

  const pacing = { kind: 'closed', inFlight: 2, nextAfter: 'arrival', each: missed } as const;
  const written = await postAll(stand, { people: rooms, pacing, say });
  const wanted = positions.map((position) => position + missed);
  await untilInboxesReach(stand, names, wanted);
  say(`${sleepers.length} users have missed ${missed} messages each`);

  const others = renamedPairs();
  await makePeople(stand, others, say);
  const course = {
    people: others,
    pacing: { kind: 'open', perSecond: talkPerSecond, seed: 1 },
    warmUpSeconds,
    seconds,
    say,
  } as const;
  await connectPeople(stand, course);
  const comeBack = await stand.addFleet(1);
  const talking = drive(stand, course);
  talking.catch(() => undefined);
  await delay(warmUpSeconds * 1_000 + comeBackAfterMs);
  const [plan] = divide(
    {
      ...rooms,
      online: sleepers,
      streams: rooms.streams.map(({ conversation }) => ({ conversation, online: 0 })),
    },
    {
      loaders: 1,
      gateways: stand.gateways,
      tenant: benchTenant,
      tokenKeyPem: stand.tokenKeyPem,
      pacing: { kind: 'silent' },
      opensAtOnce,
      fromPositions: new Map(names.map((user, index) => [user, positions[index]!])),
    },
  );
  const [back] = await comeBack.connect([{ ...plan!, streams: [] }]);
  say(`${back!.connected} are back and synced after ${back!.syncedSeconds.toFixed(1)} s`);
  const checked = await comeBack.settle(written, settleLimitMs);
  const result = loadResult('sync', seconds, await talking);
  const absent = sleepers.length - back!.connected;
  return {
    ...result,
    entries_per_s: round(back!.entriesSynced / back!.syncedSeconds),
    connects_per_s: round(back!.connected / back!.seconds),
    lost: result.lost + checked.flaws.lost + absent * missed,
    duplicated: result.duplicated + checked.flaws.duplicated,
    out_of_order: result.out_of_order + checked.flaws.outOfOrder,
    errors: sumByName([result.errors ?? {}, checked.errors, back!.failures]),
    details: { entries_synced: back!.entriesSynced, synced_after_s: round(back!.syncedSeconds, 2) },
    settings: { users: sleepers.length, missed, talkers, opens_at_once: opensAtOnce },
  };
}

function renamedPairs() {
  const people = pairs(talkers / 2);
  const rename = (user: string): string => `t${user.slice(1)}`;
  return {
    ...people,
    users: people.users.map(rename),
    conversations: people.conversations.map((id) => id.replaceAll('.u', '.t')),
    online: people.online.map((one) => ({ ...one, user: rename(one.user) })),
  };
}
