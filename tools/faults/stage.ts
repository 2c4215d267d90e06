// The cluster of a fault run. Every app reaches NATS through proxies of its own, one for each server, so that it alone can
// be cut off.
import path from 'node:path';
import {
  type AppName,
  type Cluster,
  type NatsHandle,
  type TcpProxy,
  startCluster,
  startNats,
  startTcpProxy,
} from '@parley/testing/servers';
import type { Fleet } from './schedule.ts';

export interface StageOptions {
  readonly fleet: Fleet;
  readonly dataFolder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
}

export class Stage {
  readonly cluster: Cluster;
  readonly nats: NatsHandle;
  readonly #proxies: Map<string, readonly TcpProxy[]>;

  private constructor(cluster: Cluster, nats: NatsHandle, proxies: Map<string, readonly TcpProxy[]>) {
    this.cluster = cluster;
    this.nats = nats;
    this.#proxies = proxies;
  }

  static async start({ fleet, dataFolder, env, log }: StageOptions): Promise<Stage> {
    const nats = await startNats({
      dataFolder: path.join(dataFolder, 'nats'),
      clusterOf: fleet.natsServers === 3 ? 3 : 1,
      isUnadvertised: true,
      logFile: path.join(dataFolder, 'logs', 'nats-server.log'),
    });
    const proxies = new Map<string, readonly TcpProxy[]>();
    const ends: (() => Promise<void>)[] = [() => nats.stop()];
    try {
      for (const [name, count] of Object.entries(instances(fleet))) {
        for (let index = 1; index <= count; index++) proxies.set(`${name}-${index}`, await proxiesOf(nats));
      }
      ends.unshift(
        async () => void (await Promise.all([...proxies.values()].flat().map((one) => one.stop()))),
      );
      const cluster = await startCluster({
        dataFolder,
        log,
        env,
        natsUrl: nats.url,
        gateways: fleet.gateways,
        sessionActors: fleet.sessionActors,
        groupActors: fleet.groupActors,
        envOf: ({ label }) => ({
          PARLEY_NATS_URL: proxies
            .get(label)!
            .map(({ port }) => `nats://127.0.0.1:${port}`)
            .join(','),
        }),
      });
      return new Stage(cluster, nats, proxies);
    } catch (error) {
      for (const end of ends) await end();
      throw error;
    }
  }

  /** The proxies between an app and NATS. */
  proxiesOf(label: string): readonly TcpProxy[] {
    return this.#proxies.get(label)!;
  }

  async addApp(name: AppName) {
    const count = this.cluster.apps.filter((app) => app.name === name).length;
    this.#proxies.set(`${name}-${count + 1}`, await proxiesOf(this.nats));
    return this.cluster.addApp(name);
  }

  /** Ends everything, whatever state it is in. */
  async stop(): Promise<void> {
    await this.heal();
    await this.cluster.stop({ keepData: true });
    await this.nats.stop();
    await Promise.all([...this.#proxies.values()].flat().map((proxy) => proxy.stop()));
  }

  /** As stop, without good manners. */
  async kill(): Promise<void> {
    await this.cluster.kill();
    await this.nats.kill();
    await Promise.all([...this.#proxies.values()].flat().map((proxy) => proxy.stop()));
  }

  /** Wakes whatever sleeps and lets everything through. */
  async heal(): Promise<void> {
    for (const proxy of [...this.#proxies.values()].flat()) proxy.heal();
    const { cluster, nats } = this;
    for (const one of [...cluster.apps, ...nats.servers, ...(cluster.redis ? [cluster.redis] : [])]) {
      if (one.isRunning()) await one.kill('SIGCONT');
    }
  }
}

const instances = (fleet: Fleet): Record<AppName, number> => ({
  gateway: fleet.gateways,
  'session-actor': fleet.sessionActors,
  'group-actor': fleet.groupActors,
  history: 1,
});

const proxiesOf = (nats: NatsHandle): Promise<TcpProxy[]> =>
  Promise.all(nats.servers.map((server) => startTcpProxy(server.port)));
