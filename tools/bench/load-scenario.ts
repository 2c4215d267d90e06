// The common course of a load scenario: make the people, connect them, send for a while, wait for the last arrival, and
// compare. What differs is in the plans.
import { setTimeout as delay } from 'node:timers/promises';
import type { Encoding } from './load/web-socket-frame.ts';
import type { ConnectReport, Pacing } from './load/plan.ts';
import type { StreamTotal } from './load/stream-ledger.ts';
import type { FleetReport } from './load-fleet.ts';
import { nowUs } from './monotonic.ts';
import { type PeoplePlan, divide } from './people-plan.ts';
import { type Measured, type Stand, benchTenant } from './stand.ts';
import { untilCalm } from './until-calm.ts';

export interface Course {
  readonly people: PeoplePlan;
  readonly pacing: Pacing;
  readonly encoding?: Encoding;
  readonly opensAtOnce?: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Called once a second of the measured time: its values become series of the result. */
  readonly look?: () => Readonly<Record<string, number>>;
  readonly say: (line: string) => void;
}

export interface Driven extends Measured {
  readonly connects: readonly ConnectReport[];
  readonly report: FleetReport;
  readonly totals: readonly StreamTotal[];
  readonly looks: Readonly<Record<string, readonly number[]>>;
}

const startDelayUs = 200_000;
/** Nothing has come for so long: what has not arrived is lost. */
const settleLimitMs = 10_000;
const postingLimitSeconds = 600;
const progressEveryMs = 2_000;

export async function makePeople(
  stand: Stand,
  people: PeoplePlan,
  say: (line: string) => void,
): Promise<void> {
  const startedMs = performance.now();
  await stand.orders.register(people.users);
  await stand.orders.createGroups(people.groups);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  say(`${people.users.length} users and ${people.groups.length} groups made in ${seconds} s`);
}

export async function connectPeople(stand: Stand, course: Course): Promise<readonly ConnectReport[]> {
  const { people, pacing, encoding, opensAtOnce, say } = course;
  const plans = divide(people, {
    loaders: stand.fleet.loaders.length,
    gateways: stand.gateways,
    tenant: benchTenant,
    tokenKeyPem: stand.tokenKeyPem,
    pacing,
    ...(encoding === undefined ? {} : { encoding }),
    ...(opensAtOnce === undefined ? {} : { opensAtOnce }),
  });
  const connects = await stand.fleet.connect(plans);
  const connected = connects.reduce((sum, one) => sum + one.connected, 0);
  say(`${connected} of ${people.online.length} connected`);
  for (const { failures } of connects)
    for (const [why, count] of Object.entries(failures)) say(`  ${count} not: ${why}`);
  if (connected < people.online.length) throw new Error('not everybody could connect');
  return connects;
}

/** Sends, waits and compares; people are connected already. */
export async function drive(stand: Stand, course: Course): Promise<Omit<Driven, 'connects'>> {
  const { warmUpSeconds, seconds, look, say } = course;
  await untilCalm(stand, say);
  const startUs = nowUs() + startDelayUs;
  const measureFromUs = startUs + warmUpSeconds * 1_000_000;
  const window = { startUs, measureFromUs, measureToUs: measureFromUs + seconds * 1_000_000 };
  const progress = setInterval(() => {
    const { acked, delivered } = stand.fleet.counts;
    say(`  ${acked} acked, ${delivered} delivered`);
  }, progressEveryMs);
  try {
    const sending = stand.fleet.send(window);
    // Whoever fails first is told; the other is not left unheard.
    sending.catch(() => undefined);
    await delay((window.measureFromUs - nowUs()) / 1_000);
    const end = await stand.meter();
    const endLooks = everySecond(look ?? (() => ({})));
    await delay((window.measureToUs - nowUs()) / 1_000);
    const looks = endLooks();
    const measured = await end();
    const totals = await sending;
    return { ...measured, looks, totals, report: await stand.fleet.settle(totals, settleLimitMs) };
  } finally {
    clearInterval(progress);
  }
}

/** Looks until the answer is called, which tells all looks. */
function everySecond(look: () => Readonly<Record<string, number>>): () => Record<string, number[]> {
  const series: Record<string, number[]> = {};
  const timer = setInterval(() => {
    for (const [name, value] of Object.entries(look())) (series[name] ??= []).push(value);
  }, 1_000).unref();
  return () => {
    clearInterval(timer);
    return series;
  };
}

export async function runCourse(stand: Stand, course: Course): Promise<Driven> {
  await makePeople(stand, course.people, course.say);
  const connects = await connectPeople(stand, course);
  return { connects, ...(await drive(stand, course)) };
}

/** Connects, sends what the pacing gives each stream, and disconnects: to make a past, not to measure. */
export async function postAll(
  stand: Stand,
  course: Pick<Course, 'people' | 'pacing' | 'say'>,
): Promise<readonly StreamTotal[]> {
  await connectPeople(stand, { ...course, warmUpSeconds: 0, seconds: postingLimitSeconds });
  const startUs = nowUs();
  const measureToUs = startUs + postingLimitSeconds * 1_000_000;
  const totals = await stand.fleet.send({ startUs, measureFromUs: startUs, measureToUs });
  await stand.fleet.disconnect();
  return totals;
}
