// Events that an older program wrote, a row each, and the steps that make commits of them: nothing is lost, wherever it dies.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ClickHouse, ClickHouseUnavailable } from '../clickhouse.ts';
import { openEmbeddedClickHouse } from '../embedded-clickhouse.ts';
import { migrate } from './migrate.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'parley-commits-'));
let engine: ClickHouse;
beforeAll(async () => {
  engine = await openEmbeddedClickHouse({ folder: path.join(folder, 'clickhouse') });
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Dies at the first statement `isLast` is true of, before or behind it. */
const dyingAt = (isLast: (sql: string) => boolean, isBehind = false): ClickHouse => ({
  insert: (...asked) => engine.insert(...asked),
  select: (...asked) => engine.select(...asked),
  stream: (...asked) => engine.stream(...asked),
  version: () => engine.version(),
  close: () => Promise.resolve(),
  async execute(sql, options) {
    if (isLast(sql) && !isBehind) throw new ClickHouseUnavailable('dead');
    await engine.execute(sql, options);
    if (isLast(sql)) throw new ClickHouseUnavailable('dead');
  },
});

const stored = () =>
  engine.select(
    `SELECT shard, sequence, position, epoch, at, type, tenant, ids, hex(payload)
     FROM parley.events FINAL ORDER BY shard, sequence, position LIMIT 10000`,
  );

it('has every event of before once, in its commit', async () => {
  const isNew = (sql: string): boolean => sql.startsWith('RENAME TABLE IF EXISTS parley.events');
  await expect(migrate(dyingAt(isNew))).rejects.toThrow('dead');
  const fill = `INSERT INTO parley.events (shard, sequence, position, epoch, at, type, tenant, ids, payload)
    SELECT concat('user.', toString(number % 3)), 1 + intDiv(number, 12), intDiv(number, 3) % 4, 7,
      toDateTime64('2025-12-31 23:59:59.000', 3, 'UTC') + intDiv(number, 12), ['direct', 'group', 'user'][1 + number % 3],
      'acme', [toString(number), '你好'], unhex(hex(number)) FROM numbers(3000)`;
  // The last batch twice, as after a crash.
  await engine.execute(fill);
  await engine.execute(fill);
  const before = await stored();
  expect(before).toHaveLength(3000);

  const deaths: readonly [string, boolean][] = [
    ['RENAME', true],
    ['CREATE TABLE IF NOT EXISTS parley.commits', false],
    ['INSERT INTO parley.commits', true],
    ['CREATE OR REPLACE VIEW parley.events ', true],
    ['DROP TABLE', true],
  ];
  for (const [start, isBehind] of deaths)
    await expect(migrate(dyingAt((sql) => sql.startsWith(start), isBehind)), start).rejects.toThrow('dead');
  await migrate(engine);
  expect(await stored()).toEqual(before);
  const [commits] = await engine.select('SELECT count() FROM parley.commits FINAL');
  expect(commits).toEqual([750]);
  const left = await engine.select(
    "SELECT name FROM system.tables WHERE database = 'parley' AND name LIKE 'events%' LIMIT 10",
  );
  expect(left).toEqual([['events']]);
});
