// A history store with many messages: how quickly a member searches and pages, how quickly roll-ups are read, how many bytes
// a message takes, and whether what is found is right. Only the engine and the code that asks it; no cluster is started.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ClickHouse } from '@parley/adapters';
import { type Result, round } from '../result.ts';
import type { RunOptions, Scenario } from '../scenario.ts';
import { openLines } from '../search/lines.ts';
import { openMadeHistory } from '../search/made-history.ts';
import { measureReading, p50, p95, someMembers } from '../search/measured-search.ts';
import { shapeOf } from '../search/world.ts';
import { countWrong } from '../search/wrong-results.ts';
import { aim, atMost } from '../targets.ts';

const messagesDefault = 1_000_000;
const memberCount = 40;

export const search: Scenario = {
  name: 'search',
  work: `searches, pages and roll-ups over ${messagesDefault.toLocaleString('en')} made messages (--messages), kept in --folder`,
  /** However long it takes. */
  seconds: 1,
  needsNoFloors: true,
  run,
  targetsOf: (result) => [
    atMost('search for a rare word, p95', result.rare_p95_ms, 100, 'ms'),
    atMost('search for a common word, p95', result.common_p95_ms, 300, 'ms'),
    atMost('page of 50, p95', result.page_p95_ms, 20, 'ms'),
    atMost('roll-ups, p95', result.rollup_p95_ms, 200, 'ms'),
    atMost('wrong results', result.wrong_results, 0, ''),
    aim(atMost('bytes a message', result.bytes_per_message, 60, '')),
  ],
};

async function run(options: RunOptions): Promise<Result> {
  const { messages = messagesDefault, folder, say } = options;
  const lines = await openLines();
  say(`${lines.name}: ${lines.wordCounts.size} different words`);
  const at = folder ?? mkdtempSync(path.join(tmpdir(), 'parley-search-'));
  const { clickHouse } = await openMadeHistory({ folder: at, messages, lines, say });
  const stop = async (): Promise<void> => {
    await clickHouse.close();
    if (folder === undefined) rmSync(at, { recursive: true, force: true });
  };
  options.onStarted({ stop });
  const startedMs = performance.now();
  const members = await someMembers(clickHouse, shapeOf(messages).users, memberCount);
  say('searching, paging, counting');
  const { rareMs, commonMs, pageMs, rollUpMs } = await measureReading(clickHouse, { members, lines });
  say('comparing what is found with everything there is to read');
  const { checked, wrong } = await countWrong(clickHouse, members, say);
  return {
    scenario: 'search',
    seconds: round((performance.now() - startedMs) / 1_000, 1),
    messages,
    rare_p50_ms: round(p50(rareMs), 1),
    rare_p95_ms: round(p95(rareMs), 1),
    common_p95_ms: round(p95(commonMs), 1),
    page_p95_ms: round(p95(pageMs), 1),
    rollup_p95_ms: round(p95(rollUpMs), 1),
    bytes_per_message: round((await bytesOnDisk(clickHouse)).total / messages, 1),
    wrong_results: wrong,
    lost: 0,
    duplicated: 0,
    out_of_order: 0,
    details: {
      searches_checked: checked,
      common_p50_ms: round(p50(commonMs), 1),
      page_p50_ms: round(p50(pageMs), 1),
      rollup_p50_ms: round(p50(rollUpMs), 1),
      ...(await bytesByColumn(clickHouse, messages)),
    },
  };
}

async function bytesOnDisk(
  clickHouse: ClickHouse,
): Promise<{ readonly total: number; readonly parts: number }> {
  const [row] = await clickHouse.select(
    `SELECT sum(bytes_on_disk), count() FROM system.parts WHERE active AND database = 'parley' AND table = 'messages'`,
  );
  return { total: row?.[0] as number, parts: row?.[1] as number };
}

/** What a message takes in each of the larger columns and in the index; and in how many parts they lie. */
async function bytesByColumn(clickHouse: ClickHouse, messages: number): Promise<Record<string, number>> {
  const of = `FROM system.parts_columns WHERE active AND database = 'parley' AND table = 'messages'`;
  const columns = await clickHouse.select(
    `SELECT column, sum(column_data_compressed_bytes) AS bytes ${of} GROUP BY column ORDER BY bytes DESC LIMIT 9`,
  );
  const [index] = await clickHouse.select(
    `SELECT sum(secondary_indices_compressed_bytes) FROM system.parts
     WHERE active AND database = 'parley' AND table = 'messages'`,
  );
  return {
    parts: (await bytesOnDisk(clickHouse)).parts,
    bytes_index: round((index?.[0] as number) / messages, 2),
    ...Object.fromEntries(
      columns.map(([column, bytes]) => [`bytes_${String(column)}`, round((bytes as number) / messages, 2)]),
    ),
  };
}
