// What a second and a third process add. On a machine with few cores dm fills all of them with one process of each kind, and
// more processes can add nothing: that is the first series, with what was full at each point. In the other two each process
// of one kind is held to a slice of a core, as if it ran on a small machine of its own, so that it is the wall; then more of
// them must carry more, until the cores are full.
import { setTimeout as delay } from 'node:timers/promises';
import type { AppName } from '@parley/testing/servers';
import { connectPeople, drive, makePeople } from '../load-scenario.ts';
import { pairs } from '../people-plan.ts';
import { type Result, type Target, loadResult, round } from '../result.ts';
import { type RunOptions, type Scenario, standOptionsOf } from '../scenario.ts';
import { type ScalingPoint, allCores, othersToo, pointName, pointOf } from '../scaling-point.ts';
import { Stand } from '../stand.ts';

const counts = [1, 2, 3] as const;
/** May be divided by each of them: every session-actor owns as many shards as the others. */
const shards = 12;
const pairCount = 500;
/** Fewer than in dm: with thousands under way a sliced process would need the whole window for the first of them. */
const inFlight = 4;
const warmUpSeconds = 4;
/** What one sliced process can carry, of what the whole machine can: three of them nearly fill it. */
const sliceOfMachine = 0.3;
/** A slice this large is the whole core: nothing to hold. */
const sliceMax = 0.9;
const evenPollMs = 200;
const evenLimitMs = 30_000;
/** Adding less than this is noise. */
const addsMin = 1.1;

export const scaling: Scenario = {
  name: 'scaling',
  work: `dm with ${counts.join(', ')} session-actors and with ${counts.join(', ')} gateways; all cores for everybody, then a slice of a core for each of them`,
  seconds: 8,
  needsNoFloors: true,
  run,
  targetsOf: ({ scaling = {} }) => [
    ...stepTargets('session-actor', scaling),
    ...stepTargets('gateway', scaling),
  ],
};

type Scaled = Extract<AppName, 'session-actor' | 'gateway'>;

interface Setup {
  readonly sessionActors: number;
  readonly gateways: number;
  readonly sliced?: { readonly name: Scaled; readonly share: number };
}

async function run(options: RunOptions): Promise<Result> {
  const { say } = options;
  const points: Record<string, ScalingPoint> = {};
  const flaws = { lost: 0, duplicated: 0, out_of_order: 0 };
  const measure = async (setup: Setup): Promise<ScalingPoint> => {
    const name = pointName(setup);
    say(`${name} (${Object.keys(points).length + 1})`);
    const result = await runPoint(setup, options);
    const point = pointOf(result, setup.sliced);
    points[name] = point;
    flaws.lost += result.lost;
    flaws.duplicated += result.duplicated;
    flaws.out_of_order += result.out_of_order;
    say(`  ${point.delivered_per_s} delivered/s, ${point.cores_busy} cores busy: ${point.wall}`);
    return point;
  };
  const first = await measure({ sessionActors: 1, gateways: 1 });
  for (const count of counts.slice(1)) {
    await measure({ sessionActors: count, gateways: 1 });
    await measure({ sessionActors: 1, gateways: count });
  }
  for (const name of ['session-actor', 'gateway'] as const) {
    const share = sliceOf(name, first);
    if (share > sliceMax) continue;
    for (const count of counts) {
      const others = { sessionActors: 1, gateways: 1 };
      const setup = name === 'gateway' ? { ...others, gateways: count } : { ...others, sessionActors: count };
      await measure({ ...setup, sliced: { name, share } });
    }
  }
  return {
    scenario: 'scaling',
    seconds: options.seconds,
    ...flaws,
    scaling: points,
    settings: { pairs: pairCount, in_flight: inFlight, shards },
  };
}

/** The slice that lets one process of the kind carry `sliceOfMachine` of what the machine can, at the costs just measured. */
function sliceOf(name: Scaled, { cpu_s_per_1000, cores }: ScalingPoint): number {
  const all = Object.values(cpu_s_per_1000).reduce((sum, one) => sum + one, 0);
  if (!(all > 0)) throw new Error('the first point used no CPU: nothing to cut slices from');
  return round((cores * sliceOfMachine * (cpu_s_per_1000[name] ?? 0)) / all, 3);
}

async function runPoint({ sessionActors, gateways, sliced }: Setup, options: RunOptions): Promise<Result> {
  const { seconds, say, n = pairCount } = options;
  const stand = await Stand.start({
    ...standOptionsOf({ ...options, sessionActors, gateways, say: () => undefined }),
    env: { PARLEY_CLUSTER_SHARDS: String(shards) },
  });
  options.onStarted(stand);
  try {
    const pacing = { kind: 'closed', inFlight } as const;
    const course = { people: pairs(n), pacing, warmUpSeconds, seconds, say };
    await makePeople(stand, course.people, () => undefined);
    await untilEven(stand, sessionActors);
    await connectPeople(stand, course);
    if (sliced !== undefined) await stand.holdToSlices(sliced.name, sliced.share);
    return loadResult('scaling', seconds, await drive(stand, course));
  } finally {
    await stand.stop();
  }
}

/** Shards move a few at a time when processes come; until they are even the figure would be of fewer processes. */
async function untilEven(stand: Stand, actors: number): Promise<void> {
  const endMs = performance.now() + evenLimitMs;
  for (;;) {
    const owned = await stand.userShardsOwned();
    if (owned.every((count) => count === shards / actors)) return;
    if (performance.now() > endMs)
      throw new Error(`shards are spread ${owned.join(', ')} after ${evenLimitMs} ms`);
    await delay(evenPollMs);
  }
}

/** Each step of a sliced series must add, unless the cores are full. */
function stepTargets(name: Scaled, points: Readonly<Record<string, ScalingPoint>>): Target[] {
  const series = Object.values(points).filter((point) => point.sliced === name);
  return series.slice(1).map((point, index) => {
    const before = series[index]!;
    const ratio = point.delivered_per_s / before.delivered_per_s;
    return {
      what: `${index + 2} ${name}s against ${index + 1}, a slice of a core each`,
      wanted: `≥ ${addsMin} ×, or all cores busy`,
      got: `${ratio.toFixed(2)} ×${point.wall === allCores ? ', all cores busy' : ''}`,
      isMet: ratio >= addsMin || (point.wall === othersToo ? undefined : point.wall === allCores),
      reached: round(ratio / addsMin, 4),
    };
  });
}
