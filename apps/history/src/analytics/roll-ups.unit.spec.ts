// How roll-ups share the machine: simulated time, statements that take as long as they like.
import type { Clock } from '@parley/std';
import type { ClickHouse } from '@parley/adapters';
import { expect, it } from 'vitest';
import { DirtyMinutes } from './dirty-minutes.ts';
import { minuteOf } from './minute-ranges.ts';
import { RollUps } from './roll-ups.ts';

const hourMs = 3_600_000;

it('count minutes in time and take no more than their share, however long all else takes', async () => {
  let nowMs = Date.UTC(2026, 0, 1);
  const startMs = nowMs;
  const clock: Clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after: (delayMs, task) => {
      const timer = setImmediate(() => {
        nowMs += delayMs;
        task();
      });
      return { cancel: () => clearImmediate(timer) };
    },
  };
  const dirty = new DirtyMinutes();
  const spentMs = { minutes: 0, above: 0 };
  let worstLagMs = 0;
  const store: Pick<ClickHouse, 'select' | 'execute'> = {
    select: () => Promise.resolve([]),
    execute: (sql) => {
      const isMinutes = sql.startsWith('INSERT INTO parley.minute_activity');
      const costMs = isMinutes ? 500 : 20_000;
      nowMs += costMs;
      spentMs[isMinutes ? 'minutes' : 'above'] += costMs;
      if (isMinutes) worstLagMs = Math.max(worstLagMs, nowMs - rollUps.countedThroughMs);
      // People go on writing.
      dirty.add('group.0', [minuteOf(nowMs)]);
      return Promise.resolve();
    },
  };
  dirty.add('group.0', [minuteOf(nowMs)]);
  const sharePercent = 5;
  const rollUps = new RollUps({
    clickHouse: store as ClickHouse,
    dirty,
    isReady: () => true,
    positions: () => new Map(),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    limits: { sharePercent },
    clock,
  });
  rollUps.start();
  await expect.poll(() => nowMs - startMs, { interval: 1, timeout: 9_000 }).toBeGreaterThan(12 * hourMs);
  await rollUps.stop();
  const share = (ms: number) => (100 * ms) / (nowMs - startMs);
  expect(share(spentMs.minutes)).toBeLessThanOrEqual(sharePercent);
  expect(share(spentMs.minutes)).toBeGreaterThan(0);
  // A day takes four statements one after the other, which may have just ended.
  expect(share(spentMs.above)).toBeLessThanOrEqual(sharePercent + (100 * 80_000) / (12 * hourMs));
  expect(share(spentMs.above)).toBeGreaterThan(sharePercent / 2);
  // The minute itself, and whatever statement was under way when it ended.
  expect(worstLagMs).toBeLessThan(60_000 + 90_000 + 10_000);
});
