// How fast history catches up with journals that are there already, against the engine alone with the same rows; then how far
// it is behind while people write.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { waitUntil } from '@parley/testing/servers';
import { compareStore, insertExported, tallyOfJournals } from '../ingest/compare-store.ts';
import { JournalFiller } from '../ingest/fill-journals.ts';
import { type SearchLag, watchSearchLag } from '../ingest/search-lag.ts';
import { drive, connectPeople, makePeople } from '../load-scenario.ts';
import { pairs } from '../people-plan.ts';
import { usageOf, usedBetween } from '../process-meter.ts';
import { type Result, per1000, round } from '../result.ts';
import { type RunOptions, type Scenario, standOptionsOf } from '../scenario.ts';
import { Stand } from '../stand.ts';
import { atMost, ofFloor } from '../targets.ts';

const messagesDefault = 300_000;
const caughtUpLimitMs = 600_000;
/** Each look costs the process a few milliseconds. */
const pollMs = 200;
const dmPairs = 500;
const dmInFlight = 16;
const dmWarmUpSeconds = 3;

export const ingest: Scenario = {
  name: 'ingest',
  figure: { name: 'messages_per_s' },
  work: `history catches up with ${messagesDefault.toLocaleString('en')} messages in journals, real texts; then its lag during dm`,
  seconds: 15,
  needsNoFloors: true,
  run,
  targetsOf: ({ messages_per_s, lag_ms_max, missing, floors }) => [
    ofFloor('messages/s of the engine alone', messages_per_s, 0.6, floors?.clickhouse_insert),
    atMost('lag during dm', lag_ms_max, 2_000, 'ms'),
    atMost('rows missing or different', missing, 0, ''),
  ],
};

async function run(options: RunOptions): Promise<Result> {
  const { n: messages = messagesDefault, say, seconds } = options;
  const stand = await Stand.start({ ...standOptionsOf(options), hasHistory: false });
  options.onStarted(stand);
  const caughtUp = await catchUp(stand, messages, say);
  await stand.stop();
  const dm = await Stand.start(standOptionsOf(options));
  options.onStarted(dm);
  const { maxMs, medianMs, unanswered } = await lagDuringDm(dm, seconds, say);
  await dm.stop();
  return {
    ...caughtUp,
    lag_ms_max: round(maxMs),
    details: { ...caughtUp.details, lag_ms_p50: round(medianMs), lag_unanswered: unanswered },
  };
}

async function catchUp(stand: Stand, messages: number, say: (line: string) => void): Promise<Result> {
  say('writing journals');
  await (await JournalFiller.open(stand)).write(messages);
  for (const app of stand.cluster.apps) await stand.end(app);
  const expected = await tallyOfJournals(stand.cluster.natsUrl);
  const rows = expected.rows('messages');
  say(`${rows} messages and ${expected.rows('events')} events are in the journals; history starts`);
  const history = await stand.add('history');
  const watched = [
    { name: history.label, pid: history.pid },
    { name: 'nats-server', pid: stand.cluster.nats!.servers[0]!.pid },
  ];
  const usage = usageOf(watched);
  const startedMs = performance.now();
  const written = async (): Promise<number> =>
    (await stand.samples()).get('parley_history_rows_total{messages}') ?? 0;
  await waitUntil(async () => (await written()) >= rows, {
    what: 'history catches up',
    limitMs: caughtUpLimitMs,
    everyMs: pollMs,
  });
  const tookMs = performance.now() - startedMs;
  const used = usedBetween(usage, usageOf(watched));
  await stand.end(history);
  say('comparing what is in the store with the journals');
  const { dataFolder } = stand.cluster;
  const exportFolder = path.join(dataFolder, 'export');
  mkdirSync(exportFolder);
  const store = path.join(dataFolder, 'clickhouse');
  const { missing, extra, different } = await compareStore(expected, store, exportFolder);
  say('the same rows into an empty engine');
  const floor = await insertExported(path.join(dataFolder, 'floor'), exportFolder);
  return {
    scenario: 'ingest',
    seconds: round(tookMs / 1_000, 2),
    messages_per_s: round((rows * 1_000) / tookMs),
    missing: missing + different,
    lost: missing + different,
    duplicated: extra,
    out_of_order: 0,
    floors: { clickhouse_insert: round(floor.all) },
    ...per1000(used, rows),
    details: {
      messages: rows,
      memberships: expected.rows('memberships'),
      events: expected.rows('events'),
      floor_messages_alone_per_s: round(floor.messagesAlone),
      // Where others use the machine too, CPU says more than time.
      floor_cpu_s_per_1000: round(floor.cpuSecondsPer1000, 4),
    },
  };
}

async function lagDuringDm(stand: Stand, seconds: number, say: (line: string) => void): Promise<SearchLag> {
  const people = pairs(dmPairs);
  const course = {
    people,
    pacing: { kind: 'closed', inFlight: dmInFlight },
    warmUpSeconds: dmWarmUpSeconds,
    seconds,
    say,
  } as const;
  await makePeople(stand, people, say);
  await connectPeople(stand, course);
  const lag = await watchSearchLag(stand.cluster.natsUrl);
  await drive(stand, course);
  return lag();
}
