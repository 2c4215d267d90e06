import { expect, it } from 'vitest';
import { collectProcessMetrics, createMetrics } from './metrics.ts';

it("a process shows Node's own metrics, the open files among them", async () => {
  const metrics = createMetrics('gateway');
  collectProcessMetrics(metrics);
  const text = await metrics.registry.metrics();
  expect(text).toContain('nodejs_eventloop_utilization_summary');
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  const openFiles = /^process_open_fds\{app="gateway"\} (?<count>\d+)$/mu.exec(text)?.groups?.['count'];
  expect(Number(openFiles)).toBeGreaterThan(2);
});
