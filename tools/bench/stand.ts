// What every scenario runs on: a fresh cluster, load processes, and somebody who makes users and groups quickly. Everything
// it started ends with stop().
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type AppHandle, type AppName, type Cluster, freePort, startCluster } from '@parley/testing/servers';
import { shardKinds } from '@parley/protocol';
import { type BatchSizes, type Samples, batchSizes, scrape } from './batch-sizes.ts';
import { BulkOrders } from './bulk-orders.ts';
import type { SocketAddress } from './load/load-socket.ts';
import { newTokenKey } from './load/tokens.ts';
import { CpuSlice } from './cpu-slice.ts';
import { Deaths } from './deaths.ts';
import { LoadFleet } from './load-fleet.ts';
import { type UsageByName, type Watched, machineBusySeconds, usageOf, usedBetween } from './process-meter.ts';

export interface StandOptions {
  readonly gateways?: number;
  readonly sessionActors?: number;
  readonly groupActors?: number;
  readonly loaders?: number;
  /** Three form one cluster and keep three copies of everything. */
  readonly natsServers?: 1 | 3;
  readonly isSyncAlways?: boolean;
  readonly hasHistory?: boolean;
  /** A server of its own instead of the embedded engine. */
  readonly clickhouseUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** An app, or `load`: leaves a CPU profile of its first instance in `profileFolder`. */
  readonly profiled?: AppName | 'load' | undefined;
  readonly profileFolder?: string;
  /** Whose built apps run; default: this one's. */
  readonly checkout?: string | undefined;
  readonly say: (line: string) => void;
}

export interface Measured {
  readonly usage: UsageByName;
  /** Cores of the machine that were busy on average, with whatever, this program's processes or not. */
  readonly coresBusy: number;
  /** Between the two looks at the processes. */
  readonly seconds: number;
  /** Of all shards. */
  readonly journalBytes: number;
  readonly batches: BatchSizes;
}

const servingLimitMs = 120_000;
const servingPollMs = 20;
export const benchTenant = 'bench';

/** Limits that exist to protect a server from one client, and would here only measure themselves. */
const openDoors = {
  PARLEY_GATEWAY_FRAMES_PER_SECOND: '1000000',
  PARLEY_GATEWAY_FRAME_BURST_MAX: '1000000',
  PARLEY_GATEWAY_CONNECTIONS_MAX: '19500',
  PARLEY_LOG_LEVEL: 'warn',
};

export class Stand {
  readonly cluster: Cluster;
  readonly fleet: LoadFleet;
  readonly orders: BulkOrders;
  readonly tokenKeyPem: string;
  readonly #folder: string;
  readonly #moreFleets: LoadFleet[] = [];
  readonly #operationsPorts: ReadonlyMap<string, number>;
  readonly #deaths = new Deaths();
  #slice: CpuSlice | undefined;
  #stopped: Promise<void> | undefined;

  static async start(options: StandOptions): Promise<Stand> {
    const { say, profiled, profileFolder, checkout } = options;
    const folder = mkdtempSync(path.join(tmpdir(), 'parley-bench-'));
    // However this process ends; stop() does it sooner.
    const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
    process.once('exit', removeFolder);
    const tokenKeyPem = newTokenKey();
    const keyFile = path.join(folder, 'token-key.pem');
    writeFileSync(keyFile, tokenKeyPem, { mode: 0o600 });
    if (profileFolder !== undefined) mkdirSync(profileFolder, { recursive: true });
    const ports = new Map<string, number>();
    for (const name of ['session-actor', 'group-actor', 'history'])
      for (let number = 1; number <= 8; number += 1) ports.set(`${name}-${number}`, await freePort());
    const profile = `--cpu-prof --cpu-prof-dir=${profileFolder ?? ''}`;
    let cluster: Cluster | undefined;
    let fleet: LoadFleet | undefined;
    try {
      cluster = await startCluster({
        dataFolder: path.join(folder, 'data'),
        gateways: options.gateways ?? 1,
        sessionActors: options.sessionActors ?? 1,
        groupActors: options.groupActors ?? 1,
        histories: options.hasHistory === false ? 0 : 1,
        ...(checkout === undefined
          ? {}
          : { entryOf: (app: AppName) => path.join(checkout, 'apps', app, 'dist/main.js') }),
        clickhouseUrl: options.clickhouseUrl,
        natsSyncAlways: options.isSyncAlways ?? false,
        natsClusterOf: options.natsServers ?? 1,
        env: {
          ...openDoors,
          PARLEY_NATS_REPLICAS: String(options.natsServers ?? 1),
          PARLEY_AUTH_PRIVATE_KEY_FILE: keyFile,
          ...options.env,
        },
        envOf: ({ label }) => ({
          ...(ports.has(label) ? { PARLEY_OPERATIONS_PORT: String(ports.get(label)) } : {}),
          ...(label === `${profiled}-1` ? { NODE_OPTIONS: profile } : {}),
        }),
        log: (line) => say(`  ${line}`),
      });
      fleet = await LoadFleet.start(options.loaders ?? 1, profiled === 'load' ? profileFolder : undefined);
      const orders = await BulkOrders.open(cluster.natsUrl, benchTenant);
      return new Stand({ cluster, fleet, orders, tokenKeyPem, folder, ports });
    } catch (error) {
      await fleet?.stop();
      await cluster?.stop();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(parts: {
    cluster: Cluster;
    fleet: LoadFleet;
    orders: BulkOrders;
    tokenKeyPem: string;
    folder: string;
    ports: ReadonlyMap<string, number>;
  }) {
    this.cluster = parts.cluster;
    this.fleet = parts.fleet;
    this.orders = parts.orders;
    this.tokenKeyPem = parts.tokenKeyPem;
    this.#folder = parts.folder;
    this.#operationsPorts = parts.ports;
    for (const app of this.cluster.apps) this.#deaths.watch(app.label, app.exited());
    for (const server of this.cluster.nats?.servers ?? []) this.#deaths.watch('nats-server', server.exited());
    if (this.cluster.redis) this.#deaths.watch('redis-server', this.cluster.redis.exited());
    for (const { name, exited } of this.fleet.loaders) this.#deaths.watch(name, exited);
  }

  /** Rejects when a process ends that nobody has told to. */
  get died(): Promise<never> {
    return this.#deaths.first;
  }

  get gateways(): readonly SocketAddress[] {
    return this.cluster.gateways.map(({ wsUrl }) => {
      const { hostname, port } = new URL(wsUrl);
      return { host: hostname, port: Number(port) };
    });
  }

  get processes(): readonly Watched[] {
    const { cluster } = this;
    return [
      ...cluster.apps.map(({ label, pid }) => ({ name: label, pid })),
      ...(cluster.nats?.servers ?? []).map(({ pid }, index, { length }) => ({
        name: length === 1 ? 'nats-server' : `nats-server-${index + 1}`,
        pid,
      })),
      ...(cluster.redis ? [{ name: 'redis-server', pid: cluster.redis.pid }] : []),
      ...this.fleet.loaders.map(({ name, pid }) => ({ name, pid })),
    ];
  }

  /** kill -9, meant: the run goes on. `start` brings it back. */
  async kill(app: AppHandle): Promise<void> {
    this.#deaths.expect(app.exited());
    await app.kill();
  }

  async start(app: AppHandle): Promise<void> {
    await app.start();
    this.#deaths.watch(app.label, app.exited());
  }

  /** In order, meant: it is not missed. */
  async end(app: AppHandle): Promise<void> {
    this.#deaths.expect(app.exited());
    await app.stop();
  }

  async restart(app: AppHandle): Promise<void> {
    await this.end(app);
    await this.start(app);
  }

  /** One more instance of an app. */
  async add(name: AppName): Promise<AppHandle> {
    const app = await this.cluster.addApp(name);
    this.#deaths.watch(app.label, app.exited());
    return app;
  }

  /** From now on each process of the app has so much of a core, and no more. */
  async holdToSlices(name: AppName, share: number): Promise<void> {
    const pids = this.cluster.apps.filter((app) => app.name === name).map(({ pid }) => pid);
    this.#slice = await CpuSlice.start({ pids, share });
    this.#deaths.watch('the keeper of slices', this.#slice.exited);
  }

  /** Resident memory of all instances of an app. */
  rssMb(name: AppName): number {
    const usage = usageOf(this.processes.filter((one) => one.name.startsWith(`${name}-`)));
    return Object.values(usage).reduce((sum, one) => sum + one.rssBytes, 0) / 1_048_576;
  }

  /** Of everything but the load processes. */
  totalRssMb(): number {
    const served = this.processes.filter(({ name }) => !name.startsWith('load-'));
    return Object.values(usageOf(served)).reduce((sum, one) => sum + one.rssBytes, 0) / 1_048_576;
  }

  /** Waits until the owners of these users' shards answer. A few dozen users live in all shards. */
  async untilServing(users: readonly string[]): Promise<void> {
    const endMs = performance.now() + servingLimitMs;
    for (;;) {
      try {
        await this.orders.inboxPositions(users);
        return;
      } catch (error) {
        if (performance.now() > endMs) throw error;
        await delay(servingPollMs);
      }
    }
  }

  /** More load processes, for people who do something else. They end with the stand. */
  async addFleet(count: number): Promise<LoadFleet> {
    const fleet = await LoadFleet.start(count);
    for (const { name, exited } of fleet.loaders) this.#deaths.watch(name, exited);
    this.#moreFleets.push(fleet);
    return fleet;
  }

  /** Call it at the beginning of the measured time, and the result at its end. */
  async meter(): Promise<() => Promise<Measured>> {
    // The processes first: on a busy machine asking them for their metrics may take long.
    const [usage, busySeconds, startedMs] = [
      usageOf(this.processes),
      machineBusySeconds(),
      performance.now(),
    ];
    const samples = await this.samples();
    return async () => {
      const used = usedBetween(usage, usageOf(this.processes));
      const seconds = (performance.now() - startedMs) / 1_000;
      const coresBusy = (machineBusySeconds() - busySeconds) / seconds;
      const now = await this.samples();
      const bytes = (of: Samples): number =>
        shardKinds.reduce((sum, kind) => sum + (of.get(`parley_shard_commit_bytes_total{${kind}}`) ?? 0), 0);
      return {
        usage: used,
        coresBusy,
        seconds,
        batches: batchSizes(samples, now),
        journalBytes: bytes(now) - bytes(samples),
      };
    };
  }

  samples(): Promise<Samples> {
    const running = this.cluster.apps.filter((app) => app.isRunning());
    const actors = running.flatMap(({ label }) => this.#metricsUrl(label) ?? []);
    return scrape([...actors, ...this.cluster.gateways.map(({ httpUrl }) => `${httpUrl}/metrics`)]);
  }

  /** How many user shards each session-actor owns. */
  async userShardsOwned(): Promise<readonly number[]> {
    const actors = this.cluster.apps.filter(({ name }) => name === 'session-actor');
    const looks = actors.map(({ label }) => scrape([this.#metricsUrl(label)!]));
    return (await Promise.all(looks)).map((samples) => samples.get('parley_shard_owned{user}') ?? 0);
  }

  #metricsUrl(label: string): string | undefined {
    const port = this.#operationsPorts.get(label);
    return port === undefined ? undefined : `http://127.0.0.1:${port}/metrics`;
  }

  /** May be called again, by whoever is not sure. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#deaths.stop();
    await this.#slice?.stop();
    await Promise.all([this.fleet, ...this.#moreFleets].map((fleet) => fleet.stop()));
    await this.orders.close();
    await this.cluster.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
