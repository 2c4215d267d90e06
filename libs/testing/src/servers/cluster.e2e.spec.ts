import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
import { waitUntil } from './wait-until.ts';

const clusters: Cluster[] = [];

async function start(options: ClusterOptions = {}): Promise<Cluster & { readonly lines: string[] }> {
  const lines: string[] = [];
  const cluster = await startCluster({
    entryOf: () => path.join(import.meta.dirname, 'fixtures/small-app.ts'),
    log: (line) => lines.push(line),
    ...options,
  });
  clusters.push(cluster);
  return Object.assign(cluster, { lines });
}

afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()));
});

/** An orphan that has ended stays visible until init has collected it: a zombie is not alive. */
function isAlive(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !/\) Z /.test(readFileSync(file, 'utf8'));
}
const events = (cluster: Cluster): string[] =>
  readFileSync(path.join(cluster.dataFolder, 'events.log'), 'utf8').trim().split('\n');

describe('startCluster', () => {
  it('starts servers and the wanted number of instances, and leaves no process and no folder behind', async () => {
    const cluster = await start({ gateways: 2, sessionActors: 2 });
    expect(cluster.apps.map((app) => app.label)).toEqual([
      'history-1',
      'session-actor-1',
      'session-actor-2',
      'group-actor-1',
      'gateway-1',
      'gateway-2',
    ]);
    expect(new Set(cluster.gateways.map((gateway) => gateway.wsUrl)).size).toBe(2);
    const pids = [...cluster.apps.map((app) => app.pid), cluster.nats!.pid, cluster.redis!.pid];
    expect(pids.every(isAlive)).toBe(true);
    await cluster.stop();
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(cluster.dataFolder)).toBe(false);
  });

  it('stops gateways first, then actors, then history', async () => {
    const cluster = await start();
    await cluster.stop({ keepData: true });
    const stopped = events(cluster).filter((line) => line.startsWith('stopped'));
    expect(stopped[0]).toContain('gateway');
    expect(stopped[3]).toContain('history');
  });

  it('comes back on the same ports and data after everything was killed', async () => {
    const cluster = await start();
    const before = {
      gateways: cluster.gateways,
      nats: cluster.natsUrl,
      nodeId: cluster.app('gateway').nodeId,
    };
    await cluster.kill();
    await cluster.start();
    expect(cluster.gateways).toEqual(before.gateways);
    expect(cluster.natsUrl).toBe(before.nats);
    expect(cluster.app('gateway').nodeId).not.toBe(before.nodeId);
  });

  it('starts a killed process again and says so, where that is asked for', async () => {
    const cluster = await start({ restartsDead: true });
    const app = cluster.app('session-actor');
    const before = app.pid;
    await app.kill();
    await waitUntil(
      () => app.isRunning() && app.pid !== before && cluster.lines.includes('session-actor-1 is back'),
      {
        what: 'the session-actor is back',
      },
    );
    expect(cluster.lines).toContain('session-actor-1 died (killed by SIGKILL); starting it again in 0.5 s');

    await cluster.nats!.kill();
    await waitUntil(() => cluster.lines.includes('nats-server is back'), { what: 'NATS is back' });
  });

  it('leaves a process alone that was stopped on purpose', async () => {
    const cluster = await start({ restartsDead: true });
    await cluster.app('group-actor').stop();
    expect(cluster.lines.filter((line) => line.includes('died'))).toEqual([]);
    expect(cluster.app('group-actor').isRunning()).toBe(false);
  });

  it('fails with the reason from the log of the app that does not start, and stops the rest', async () => {
    const starting = start({ appEnv: { 'group-actor': { FIXTURE_BEHAVIOUR: 'crash' } } });
    await expect(starting).rejects.toThrow(/group-actor-1 ended while starting .*\n.*the fixture crashes/);
  });

  it('refuses a data folder that another cluster uses', async () => {
    const cluster = await start();
    await expect(start({ dataFolder: cluster.dataFolder })).rejects.toThrow(
      /is used by another Parley \(process \d+\)/,
    );
  });

  it('refuses a port that is taken', async () => {
    const cluster = await start();
    const ws = cluster.app('gateway').ports!.ws;
    await expect(start({ ports: { ws } })).rejects.toThrow(`gateway-1: port ${ws} is already in use`);
  });

  it('leaves no process behind when the supervisor is killed, and its data folder can be used again', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'parley-killed-'));
    const script = path.join(import.meta.dirname, 'fixtures/small-supervisor.ts');
    const supervisor = spawn(process.execPath, ['--conditions=source', script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output] = (await once(supervisor.stdout, 'data')) as [Buffer];
    const pids = JSON.parse(output.toString()) as number[];
    expect(pids).toHaveLength(6);
    expect(pids.every(isAlive)).toBe(true);

    supervisor.kill('SIGKILL');
    await once(supervisor, 'exit');
    const next = await start({ dataFolder: folder });
    expect(pids.filter(isAlive)).toEqual([]);
    await next.stop();
    rmSync(folder, { recursive: true });
  });
});
