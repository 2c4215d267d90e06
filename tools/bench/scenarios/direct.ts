// Direct messages: dm, dm-sync, dm-json for throughput, dm-latency for the time one takes.
import { runCourse } from '../load-scenario.ts';
import { pairs } from '../people-plan.ts';
import { type Result, loadResult } from '../result.ts';
import { type RunOptions, type Scenario, standOptionsOf } from '../scenario.ts';
import { Stand, type StandOptions } from '../stand.ts';
import { aim, atMost, atMostOfFloor, ofFloor } from '../targets.ts';
import type { Course } from '../load-scenario.ts';

const pairCount = 500;
const inFlight = 16;
const warmUpSeconds = 3;
const latencyPerSecond = 300;

export const dm: Scenario = {
  name: 'dm',
  figure: { name: 'delivered_per_s' },
  work: `${pairCount} pairs, 200-byte bodies, ${inFlight} in flight each, protobuf`,
  seconds: 15,
  run: (options) => direct('dm', options, {}),
  targetsOf: ({ delivered_per_s }, floors) => [
    ofFloor('delivered/s of JetStream at 256', delivered_per_s, 1, floors?.jetstream_256),
    aim(ofFloor('… then aim at', delivered_per_s, 2, floors?.jetstream_256)),
  ],
};

export const dmSync: Scenario = {
  name: 'dm-sync',
  figure: { name: 'delivered_per_s' },
  work: 'as dm, with `sync always` on the NATS server',
  isSynced: true,
  seconds: 15,
  run: (options) => direct('dm-sync', options, { stand: { isSyncAlways: true } }),
  targetsOf: ({ delivered_per_s }, floors) => [
    ofFloor('delivered/s of JetStream at 256, without sync', delivered_per_s, 0.4, floors?.jetstream_256),
    aim(ofFloor('… then aim at', delivered_per_s, 0.8, floors?.jetstream_256)),
  ],
};

export const dmJson: Scenario = {
  name: 'dm-json',
  figure: { name: 'delivered_per_s' },
  work: 'as dm, with JSON clients',
  seconds: 15,
  run: (options) => direct('dm-json', options, { course: { encoding: 'json' } }),
  targetsOf: ({ delivered_per_s }, _floors, resultOf) => [
    ofFloor('delivered/s of dm', delivered_per_s, 0.7, resultOf('dm')?.delivered_per_s),
  ],
};

export const dmLatency: Scenario = {
  name: 'dm-latency',
  figure: { name: 'ack_p50_ms', isLowerBetter: true },
  work: `${latencyPerSecond} sends/s, open loop`,
  seconds: 20,
  run: (options) =>
    direct('dm-latency', options, {
      course: { pacing: { kind: 'open', perSecond: latencyPerSecond, seed: 1 } },
    }),
  targetsOf: ({ ack_p50_ms, receive_p99_ms }, floors) => [
    atMostOfFloor('send → ack p50 of a lone JetStream publish', ack_p50_ms, 4, floors?.jetstream_1_ms),
    atMost('send → receive p99', receive_p99_ms, 15, 'ms'),
  ],
};

async function direct(
  name: string,
  options: RunOptions,
  differs: { readonly stand?: Partial<StandOptions>; readonly course?: Partial<Course> },
): Promise<Result> {
  const stand = await Stand.start({ ...standOptionsOf(options), ...differs.stand });
  options.onStarted(stand);
  const { seconds, say, n = pairCount } = options;
  const people = pairs(n);
  const driven = await runCourse(stand, {
    people,
    pacing: { kind: 'closed', inFlight },
    warmUpSeconds,
    seconds,
    say,
    ...differs.course,
  });
  return { ...loadResult(name, seconds, driven), settings: { pairs: n, in_flight: inFlight } };
}
