// Half of what dm reaches, for long: does anything grow? The rate comes from a short dm on the same cluster.
import { connectPeople, drive, makePeople } from '../load-scenario.ts';
import { pairs } from '../people-plan.ts';
import { type Result, loadResult, round } from '../result.ts';
import { type RunOptions, type Scenario, standOptionsOf } from '../scenario.ts';
import { HistoryLag } from '../history-lag.ts';
import { Stand } from '../stand.ts';
import { atMost, flat } from '../targets.ts';

const pairCount = 500;
const inFlight = 16;
const trialSeconds = 10;
const warmUpSeconds = 3;
const minute = 60;

export const sustained: Scenario = {
  name: 'sustained',
  figure: { name: 'receive_p99_ms', isLowerBetter: true },
  work: '10 minutes at half of dm, open loop, history on',
  seconds: 600,
  needsNoFloors: true,
  run,
  targetsOf: ({ series }) => [
    flat('memory of all processes', series?.['rss_mb'], { fromSecond: minute, ratioMax: 1.1 }),
    flat('send → receive p99', series?.['receive_p99_ms'], { fromSecond: minute, ratioMax: 1.5 }),
    atMost('history lag', maxOf(series?.['history_lag_s']?.slice(minute)), 2, 's'),
  ],
};

const maxOf = (values: readonly (number | null)[] | undefined): number | undefined =>
  values === undefined || values.length === 0 ? undefined : Math.max(...values.map((value) => value ?? 0));

async function run(options: RunOptions): Promise<Result> {
  const stand = await Stand.start(standOptionsOf(options));
  options.onStarted(stand);
  const { seconds, say, n = pairCount } = options;
  const people = pairs(n);
  await makePeople(stand, people, say);
  const trial = {
    people,
    pacing: { kind: 'closed', inFlight },
    warmUpSeconds,
    seconds: trialSeconds,
    say,
  } as const;
  await connectPeople(stand, trial);
  const tried = loadResult('dm', trialSeconds, await drive(stand, trial));
  await stand.fleet.disconnect();
  const perSecond = Math.max(1, Math.floor(tried.acked_per_s! / 2));
  say(`half of dm: ${perSecond} sends/s`);
  // The streams of the trial have had their numbers: others talk now.
  const others = pairs(n, 2 * n);
  await makePeople(stand, others, say);
  const lag = new HistoryLag(stand);
  const course = {
    people: others,
    pacing: { kind: 'open', perSecond, seed: 1 },
    warmUpSeconds,
    seconds,
    say,
    look: () => ({ rss_mb: round(stand.totalRssMb(), 1), history_lag_s: lag.latest() }),
  } as const;
  await connectPeople(stand, course);
  const driven = await drive(stand, course);
  const result = loadResult('sustained', seconds, driven);
  return {
    ...result,
    lost: result.lost + tried.lost,
    duplicated: result.duplicated + tried.duplicated,
    out_of_order: result.out_of_order + tried.out_of_order,
    settings: { pairs: n, per_second: perSecond },
  };
}
