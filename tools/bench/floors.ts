// The floors of a run: what NATS, the kernel and uWebSockets.js do on this machine at this hour without Parley. Measured
// before the cluster starts, on a NATS server of their own that syncs as NATS does by default.
import { once } from 'node:events';
import path from 'node:path';
import { type GuardedProcess, projectFolder, spawnGuarded, startNats } from '@parley/testing/servers';

export interface Floors {
  /** Round trips in a second: 500 connections, 16 messages of 200 bytes under way on each. */
  readonly uws_echo: number;
  /** Deliveries in a second: one topic, 1,000 subscribers, 200 bytes. */
  readonly uws_fanout: number;
  /** Median of an acknowledged publish, one after another; file storage, one copy. */
  readonly jetstream_1_ms: number;
  /** Acknowledged publishes in a second, 256 under way. */
  readonly jetstream_256: number;
  /** Median of a request on core NATS to another process. */
  readonly nats_request_ms: number;
  /** Messages in a second, with their other rows, into the embedded engine from buffers that are ready. `ingest` measures it. */
  readonly clickhouse_insert?: number;
}

const subject = 'floor-request';

export async function measureFloors(secondsEach: number): Promise<Floors> {
  const nats = await startNats();
  const started: GuardedProcess[] = [];
  try {
    const server = await startScript('floor-server.ts', [nats.url, subject]);
    started.push(server);
    const { port } = await messageOf<{ port: number }>(server);
    const client = await startScript('floor-client.ts', [
      nats.url,
      subject,
      String(port),
      String(secondsEach),
    ]);
    started.push(client);
    return await messageOf<Floors>(client);
  } finally {
    await Promise.all(started.map((one) => one.stop(2_000)));
    await nats.stop();
  }
}

const startScript = (file: string, args: readonly string[]): Promise<GuardedProcess> =>
  spawnGuarded({
    command: path.join(projectFolder, 'node_modules/.bin/node'),
    args: [
      '--conditions=source',
      '--disable-warning=ExperimentalWarning',
      path.join(import.meta.dirname, file),
      ...args,
    ],
    output: 2,
    ipc: true,
  });

async function messageOf<T>(process: GuardedProcess): Promise<T> {
  const ended = process.exited.then(() => Promise.reject(new Error('a process of the floors ended early')));
  const [message] = (await Promise.race([once(process.child, 'message'), ended])) as [T];
  ended.catch(() => undefined);
  return message;
}
