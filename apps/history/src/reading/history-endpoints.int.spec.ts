// What is asked of a store whose schema is not up to date yet: before the first migration, and while an older program projects.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '@parley/adapters';
import { internal, subjects } from '@parley/protocol';
import { silentLog } from '../log.ts';
import { type HistoryBench, openHistoryBench } from '../testing/history-bench.ts';
import { HistoryEndpoints } from './history-endpoints.ts';

let bench: HistoryBench;
let endpoints: HistoryEndpoints;

beforeAll(async () => {
  bench = await openHistoryBench();
  endpoints = new HistoryEndpoints({
    messenger: bench.cluster.node('history').messenger,
    clickHouse: bench.clickHouse,
    completeThroughMs: () => Promise.resolve(1),
    log: silentLog,
  });
  endpoints.start();
});
afterAll(async () => {
  await endpoints.stop();
  await bench.close();
});

async function errorOfSearch(): Promise<string | null | undefined> {
  const request = internal.SearchRequest.encode({ tenant: 'acme', user: 'ann', text: 'hello' }).finish();
  const { messenger } = bench.cluster.node('gateway');
  const result = await messenger.request(subjects.history('search'), request, 10_000);
  return result.outcome === 'answered'
    ? internal.SearchAnswer.decode(result.bytes).error?.code
    : result.outcome;
}

describe('a search', () => {
  it('of a store without the tables, or with those of an older program, may be asked again later', async () => {
    expect(await errorOfSearch()).toBe('HISTORY_UNAVAILABLE');
    await migrate(bench.clickHouse);
    expect(await errorOfSearch()).toBeUndefined();
    await bench.clickHouse.execute('ALTER TABLE parley.messages DROP COLUMN state');
    expect(await errorOfSearch()).toBe('HISTORY_UNAVAILABLE');
  });
});
