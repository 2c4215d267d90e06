import { expect, it } from 'vitest';
import { Health } from './health.ts';

it('is ready when every check passes', async () => {
  const health = new Health();
  health.add('nats', () => undefined);
  health.add('redis', async () => undefined);
  expect(await health.report()).toEqual({
    isReady: true,
    checks: [
      { name: 'nats', isOk: true },
      { name: 'redis', isOk: true },
    ],
  });
});

it('names the check that fails, and why', async () => {
  const health = new Health();
  health.add('nats', () => undefined);
  health.add('redis', () => {
    throw new Error('connection refused');
  });
  const report = await health.report();
  expect(report.isReady).toBe(false);
  expect(report.checks[1]).toEqual({ name: 'redis', isOk: false, problem: 'connection refused' });
});

it('fails a check that does not answer in time', async () => {
  const health = new Health({ checkLimitMs: 5 });
  health.add('clickhouse', () => new Promise(() => undefined));
  const report = await health.report();
  expect(report.checks[0]).toMatchObject({ isOk: false, problem: 'no answer within 5 ms' });
});
