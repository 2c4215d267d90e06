// ClickHouse switched off under load: people notice nothing, history says that it is away, and catches up by itself.
import { setTimeout as delay } from 'node:timers/promises';
import { NatsMessenger, connectNats, openHttpClickHouse } from '@parley/adapters';
import { internal, subjects } from '@parley/protocol';
import { type ServerHandle, startClickHouse } from '@parley/testing/servers';
import { countDifferences, tallyDifferences } from '../../history/row-tally.ts';
import { tallyStore } from '../../history/store-tally.ts';
import { tallyOfJournals, untilHistoryHasAll } from '../ingest/compare-store.ts';
import { connectPeople, drive, makePeople } from '../load-scenario.ts';
import { pairs } from '../people-plan.ts';
import { type Result, loadResult, round } from '../result.ts';
import { type RunOptions, type Scenario, standOptionsOf } from '../scenario.ts';
import { Stand, benchTenant } from '../stand.ts';
import { atLeast, atMost } from '../targets.ts';
import { noTrimming } from './history-kills.ts';

const pairCount = 200;
const perSecond = 500;
const warmUpSeconds = 3;
const askEveryMs = 1_000;
const answerLimitMs = 5_000;
const caughtUpLimitMs = 600_000;

export const historyOutage: Scenario = {
  name: 'history-outage',
  work: `ClickHouse, as a server of its own, is switched off for the whole time, ${perSecond} sends/s meanwhile; then it comes back`,
  seconds: 600,
  needsNoFloors: true,
  run,
  targetsOf: ({ receive_p99_ms, missing, details }) => [
    atMost('send → receive p99', receive_p99_ms, 200, 'ms'),
    atLeast('answers of history that it is away', details?.['answers_unavailable'], 1),
    atMost('other answers of history', details?.['answers_other'], 0, ''),
    atMost('rows missing or different', missing, 0, ''),
  ],
};

async function run(options: RunOptions): Promise<Result> {
  const { say, seconds } = options;
  const clickHouse = await startClickHouse();
  options.onStarted(clickHouse);
  const stand = await Stand.start({
    ...standOptionsOf(options),
    clickhouseUrl: clickHouse.url,
    env: noTrimming,
  });
  options.onStarted(stand);
  const people = pairs(pairCount);
  const course = {
    people,
    pacing: { kind: 'open', perSecond, seed: 1 },
    warmUpSeconds,
    seconds,
    say,
  } as const;
  await makePeople(stand, people, say);
  await connectPeople(stand, course);
  const { natsUrl } = stand.cluster;
  await untilHistoryHasAll(natsUrl, caughtUpLimitMs);
  const outage = switchOff(clickHouse, natsUrl, warmUpSeconds * 1_000, say);
  const driven = await drive(stand, course);
  const answers = await (await outage)();
  await clickHouse.restart();
  say('ClickHouse is back');
  const backMs = performance.now();
  await untilHistoryHasAll(natsUrl, caughtUpLimitMs);
  const caughtUpSeconds = round((performance.now() - backMs) / 1_000, 1);
  const expected = await tallyOfJournals(natsUrl);
  const store = openHttpClickHouse({ url: clickHouse.url });
  const found = await tallyStore(store);
  await store.close();
  const { missing, extra, different } = countDifferences(tallyDifferences(expected, found));
  await stand.stop();
  await clickHouse.stop();
  const result = loadResult('history-outage', seconds, driven);
  return {
    ...result,
    missing: missing + different,
    lost: result.lost + missing + different,
    duplicated: result.duplicated + extra,
    settings: { pairs: pairCount, per_second: perSecond },
    details: { ...answers, caught_up_s: caughtUpSeconds, messages: expected.rows('messages') },
  };
}

/** Kills ClickHouse after a while and asks history until the answer is called, which tells what it said. */
async function switchOff(
  clickHouse: ServerHandle,
  natsUrl: string,
  afterMs: number,
  say: (line: string) => void,
): Promise<() => Promise<Record<string, number>>> {
  await delay(afterMs);
  await clickHouse.kill();
  say('ClickHouse is off');
  const link = await connectNats(natsUrl, { name: 'bench-outage' });
  const messenger = new NatsMessenger(link);
  const asked = { tenant: benchTenant, user: 'nobody', text: 'nothing' };
  const question = internal.SearchRequest.encode(asked).finish();
  const answers = { answers_unavailable: 0, answers_other: 0, answer_ms_max: 0 };
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const askedMs = performance.now();
      const result = await messenger.request(subjects.history('search'), question, answerLimitMs);
      const { error } =
        result.outcome === 'answered' ? internal.SearchAnswer.decode(result.bytes) : { error: undefined };
      if (error?.code === 'HISTORY_UNAVAILABLE') answers.answers_unavailable += 1;
      else answers.answers_other += 1;
      answers.answer_ms_max = Math.max(answers.answer_ms_max, round(performance.now() - askedMs));
      await delay(askEveryMs);
    }
  })();
  return async () => {
    isOver = true;
    await asking;
    await link.close();
    return answers;
  };
}
