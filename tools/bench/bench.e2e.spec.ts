// The bench as a command: real processes, a short run, one JSON line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { projectFolder } from '@parley/testing/servers';
import { expect, it } from 'vitest';
import type { Result } from './result.ts';

/** The bench, and how it ended; its progress stays out of the way. */
async function bench(...args: string[]): Promise<{ exitCode: number | null; output: string }> {
  const child = spawn(
    path.join(projectFolder, 'node_modules/.bin/node'),
    [
      '--conditions=source',
      '--disable-warning=ExperimentalWarning',
      path.join(projectFolder, 'tools/bench.ts'),
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, output: Buffer.concat(chunks).toString() };
}

it('dm for two seconds loses, doubles and disorders nothing, and says so in one JSON line', async () => {
  const { exitCode, output } = await bench('dm', '--seconds', '2', '--n', '20', '--no-floors', '--json');
  const result = JSON.parse(output) as Result;
  expect(result).toMatchObject({ scenario: 'dm', seconds: 2, lost: 0, duplicated: 0, out_of_order: 0 });
  expect(result.acked_per_s).toBeGreaterThan(0);
  expect(result.delivered_per_s).toBeGreaterThan(0);
  expect(result.ack_p50_ms).toBeLessThanOrEqual(result.ack_p999_ms!);
  expect(Object.keys(result.cpu_s ?? {})).toEqual(
    expect.arrayContaining(['gateway-1', 'session-actor-1', 'nats-server', 'load-1']),
  );
  expect(result.batches?.user_events_per_commit).toBeGreaterThan(0);
  expect(output.trim().split('\n')).toHaveLength(1);
  expect(exitCode).toBe(0);
});

it('an unknown scenario is answered with the list of scenarios', async () => {
  const { exitCode, output } = await bench('no-such-scenario');
  expect(exitCode).toBe(2);
  expect(output).toBe('');
});
