// Idle connections: what they cost in memory and how quickly they come, then one in a hundred begins to talk.
import { setTimeout as delay } from 'node:timers/promises';
import { connectPeople, drive, makePeople } from '../load-scenario.ts';
import { pairs } from '../people-plan.ts';
import { sumByKind } from '../process-kind.ts';
import { type UsageByName, usageOf, usedBetween } from '../process-meter.ts';
import { type Result, loadResult, round } from '../result.ts';
import { type RunOptions, type Scenario, standOptionsOf } from '../scenario.ts';
import { Stand } from '../stand.ts';
import { atLeast, atMost } from '../targets.ts';

const connectionsDefault = 100_000;
/** A process may have 20,000 files open; some of them are not connections. */
const perProcessMax = 18_000;
const activeShare = 0.01;
/** Messages a second of each that is active. */
const activePerSecond = 1;
const opensAtOnce = 64;
const warmUpSeconds = 3;
const quietMs = 5_000;

export const connections: Scenario = {
  name: 'connections',
  figure: { name: 'rss_per_connection_kb', isLowerBetter: true },
  work: `${connectionsDefault.toLocaleString('en')} authenticated idle connections over several gateways, then 1 % active`,
  seconds: 10,
  needsNoFloors: true,
  run,
  targetsOf: ({ rss_per_connection_kb, actor_rss_per_connection_kb, connects_per_s }) => [
    atMost('RSS in gateways a connection', rss_per_connection_kb, 4, 'KB'),
    atMost('RSS in session-actors a connection', actor_rss_per_connection_kb, 2, 'KB'),
    atLeast('connects/s with token check', connects_per_s, 2_000),
  ],
};

async function run(options: RunOptions): Promise<Result> {
  const { seconds, say, n = connectionsDefault } = options;
  const processes = Math.max(1, Math.ceil(n / perProcessMax));
  const stand = await Stand.start({
    ...standOptionsOf(options, processes),
    gateways: options.gateways ?? processes,
  });
  options.onStarted(stand);
  const people = pairs(Math.floor(n / 2));
  await makePeople(stand, people, say);
  // Making users leaves garbage and users in memory: what connections cost is counted from actors that know nobody yet.
  await Promise.all(
    stand.cluster.apps.filter(({ name }) => name === 'session-actor').map((app) => stand.restart(app)),
  );
  await stand.untilServing(people.users.slice(0, 64));
  await delay(quietMs);
  const before = memoryOf(stand);
  const active = Math.max(1, Math.floor((n * activeShare) / 2));
  const course = {
    people: { ...people, streams: people.streams.slice(0, active) },
    pacing: { kind: 'open', perSecond: active * activePerSecond, seed: 1 },
    opensAtOnce,
    warmUpSeconds,
    seconds,
    say,
  } as const;
  const progress = setInterval(() => say(`  ${stand.fleet.connectedCount} connected`), 2_000);
  const idle = usageOf(stand.processes);
  const connects = await connectPeople(stand, course).finally(() => clearInterval(progress));
  const used = usedBetween(idle, usageOf(stand.processes));
  await delay(quietMs);
  const after = memoryOf(stand);
  const connected = connects.reduce((sum, one) => sum + one.connected, 0);
  const slowest = Math.max(...connects.map((one) => one.seconds));
  const result = loadResult('connections', seconds, await drive(stand, course));
  const kb = (mb: number): number => round((mb * 1_024) / connected, 2);
  return {
    ...result,
    connects_per_s: round(connected / slowest),
    rss_per_connection_kb: kb(after.gateways - before.gateways),
    actor_rss_per_connection_kb: kb(after.actors - before.actors),
    details: {
      connections: connected,
      rss_empty_gateway_mb: round(before.gateways / stand.gateways.length, 1),
      ...connectCosts(used, connected),
    },
    settings: { gateways: stand.gateways.length, loaders: stand.fleet.loaders.length, active: 2 * active },
  };
}

/** CPU milliseconds that a connect cost in all processes of each kind together. */
function connectCosts(used: UsageByName, connected: number): Record<string, number> {
  const seconds = Object.fromEntries(
    Object.entries(used).map(([name, { cpuSeconds }]) => [name, cpuSeconds]),
  );
  const costs = Object.entries(sumByKind(seconds));
  return Object.fromEntries(
    costs.map(([kind, sum]) => [`connect_cpu_ms_${kind}`, round((sum * 1_000) / connected, 3)]),
  );
}

const memoryOf = (stand: Stand): { gateways: number; actors: number } => ({
  gateways: stand.rssMb('gateway'),
  actors: stand.rssMb('session-actor'),
});
