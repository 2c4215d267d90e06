// How fast history catches up with journals that are there already, against the engine alone with the same rows; then how far
// it is behind while people write.
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { NatsJournal, connectNats, provisionNats } from '@parley/adapters';
import type { ShardId } from '@parley/runtime';
import { projectFolder, spawnGuarded, waitUntil } from '@parley/testing/servers';
import { tallyJournals } from '../../history/journal-tally.ts';
import { RowTally, countDifferences, tallyDifferences } from '../../history/row-tally.ts';
import { fillJournals } from '../ingest/fill-journals.ts';
import { type SearchLag, watchSearchLag } from '../ingest/search-lag.ts';
import type { InsertRates, TalliedRows } from '../ingest/store-process.ts';
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
  await fillJournals(stand, messages, say);
  for (const app of stand.cluster.apps) await stand.end(app);
  const expected = await tallyOf(stand.cluster.natsUrl);
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
  const told = await inStore<TalliedRows>('rows', path.join(dataFolder, 'clickhouse'), exportFolder);
  const found = new RowTally();
  for (const [table, key, count, sum] of told) found.addAll(table, key, { rows: count, sum });
  const { missing, extra, different } = countDifferences(tallyDifferences(expected, found));
  say('the same rows into an empty engine');
  const floor = await inStore<InsertRates>('insert', path.join(dataFolder, 'floor'), exportFolder);
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

async function tallyOf(natsUrl: string): Promise<RowTally> {
  const link = await connectNats(natsUrl, { name: 'bench-tally' });
  try {
    const { numbers } = await provisionNats(link);
    const shards = Object.entries(numbers.shardCounts).flatMap(([kind, count]): ShardId[] =>
      Array.from({ length: count }, (_, index) => ({ kind, index })),
    );
    return await tallyJournals(new NatsJournal(link, { parts: numbers.journalParts }), shards);
  } finally {
    await link.close();
  }
}

async function inStore<T>(role: string, folder: string, exportFolder: string): Promise<T> {
  const process = await spawnGuarded({
    command: path.join(projectFolder, 'node_modules/.bin/node'),
    args: [
      '--conditions=source',
      '--disable-warning=ExperimentalWarning',
      path.join(import.meta.dirname, '../ingest/store-process.ts'),
      role,
      folder,
      exportFolder,
    ],
    output: 2,
    ipc: true,
  });
  const ended = process.exited.then(() => Promise.reject(new Error(`the process for ${role} ended early`)));
  ended.catch(() => undefined);
  const [message] = (await Promise.race([once(process.child, 'message'), ended])) as [T];
  await process.exited;
  return message;
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
