// kill -9 of history, the engine inside it included, again and again while it catches up with journals: what is in the store
// in the end is exact.
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '@parley/std';
import { compareStore, tallyOfJournals, untilHistoryHasAll } from '../ingest/compare-store.ts';
import { JournalFiller } from '../ingest/fill-journals.ts';
import { type Result, round } from '../result.ts';
import { type RunOptions, type Scenario, standOptionsOf } from '../scenario.ts';
import { Stand } from '../stand.ts';
import { atMost } from '../targets.ts';

const killsDefault = 50;
const messagesBefore = 50_000;
/** Written while it lives, and while it is dead. */
const messagesOfLife = 4_096;
/** Longest life, after it has begun to read. A batch may take longer. */
const lifeMsMax = 2_500;
const caughtUpLimitMs = 600_000;

/** Journals are compared with at the end, whole. */
export const noTrimming = {
  PARLEY_ACTOR_CHECKPOINT_EVERY_MS: String(2 ** 31 - 1),
  PARLEY_ACTOR_CHECKPOINT_JOURNAL_BYTES: String(Number.MAX_SAFE_INTEGER),
};

export const historyKills: Scenario = {
  name: 'history-kills',
  work: `history is killed ${killsDefault} times (--n) while it takes in what others write`,
  /** However long it takes. */
  seconds: 1,
  needsNoFloors: true,
  run,
  targetsOf: ({ missing, duplicated }) => [
    atMost('rows missing or different', missing, 0, ''),
    atMost('rows that should not be there', duplicated, 0, ''),
  ],
};

async function run(options: RunOptions): Promise<Result> {
  const { n: kills = killsDefault, say } = options;
  // Small batches: more moments to die at.
  const env = { PARLEY_HISTORY_BATCH_PAUSE_MS: '50', PARLEY_HISTORY_BATCH_AGE_MS: '20', ...noTrimming };
  const stand = await Stand.start({ ...standOptionsOf(options), hasHistory: false, env });
  options.onStarted(stand);
  say('writing journals');
  const filler = await JournalFiller.open(stand);
  await filler.write(messagesBefore);
  const random = seededRandom(kills);
  const startedMs = performance.now();
  const history = await stand.add('history');
  for (let kill = 1; kill <= kills; kill += 1) {
    // There is always something to take in.
    const writing = filler.write(messagesOfLife);
    // Told where it is waited for.
    writing.catch(() => undefined);
    await delay(random.next() * lifeMsMax);
    await stand.kill(history);
    await Promise.all([stand.start(history), writing]);
    if (kill % 10 === 0) say(`  ${kill} kills`);
  }
  const { natsUrl, dataFolder } = stand.cluster;
  await untilHistoryHasAll(natsUrl, caughtUpLimitMs);
  const seconds = round((performance.now() - startedMs) / 1_000, 1);
  say('comparing what is in the store with the journals');
  const expected = await tallyOfJournals(natsUrl);
  // Only now: actors that end write checkpoints, and then journals are trimmed.
  for (const app of stand.cluster.apps) await stand.end(app);
  const { missing, extra, different } = await compareStore(expected, path.join(dataFolder, 'clickhouse'));
  return {
    scenario: 'history-kills',
    seconds,
    missing: missing + different,
    lost: missing + different,
    duplicated: extra,
    out_of_order: 0,
    details: {
      kills,
      messages: expected.rows('messages'),
      memberships: expected.rows('memberships'),
      events: expected.rows('events'),
    },
  };
}
