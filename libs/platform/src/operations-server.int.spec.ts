import { afterEach, expect, it } from 'vitest';
import { Health } from './health.ts';
import { createMetrics } from './metrics.ts';
import { type OperationsServer, startOperationsServer } from './operations-server.ts';

let server: OperationsServer;
afterEach(() => server.close());

it('serves liveness, readiness and metrics', async () => {
  const health = new Health();
  const metrics = createMetrics('history');
  metrics.shard.commits.labels('group').inc(3);
  server = await startOperationsServer({ port: 0, host: '127.0.0.1', health, metrics });
  const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);

  expect((await get('/live')).status).toBe(200);
  expect((await get('/ready')).status).toBe(200);
  expect(await (await get('/metrics')).text()).toContain(
    'parley_shard_commits_total{kind="group",app="history"} 3',
  );
  expect((await get('/elsewhere')).status).toBe(404);

  health.add('nats', () => {
    throw new Error('gone');
  });
  const ready = await get('/ready');
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ isReady: false, checks: [{ name: 'nats', problem: 'gone' }] });
});
