// A whole Parley cluster on this machine: NATS, Redis and the app processes, for `npm start`, the demo and e2e tests.
//
//   const cluster = await startCluster({ gateways: 2, log: console.error });
//   cluster.gateways[0].wsUrl                 ws://127.0.0.1:…      (httpUrl beside it)
//   await cluster.app('session-actor').kill() kill -9 of one process; .start() / .restart() / .stop() bring it back or end it
//   await cluster.addApp('gateway')           one more instance
//   await cluster.nats?.kill(); await cluster.nats?.restart()        the same for NATS and Redis
//   await cluster.stop()                      clean, in order; cluster.kill() = kill -9 of everything
//   await cluster.start()                     again on the same data and ports, after stop({ keepData: true }) or kill()
//
// Without a dataFolder a temporary one is used, and removed by stop(). Ports are free ones unless given. Processes need
// the built apps (`npm run build`). Nothing outlives the process that called startCluster, however that one ends.
import path from 'node:path';
import { AppProcess } from './app-process.ts';
import { folderMark, lockDataFolder } from './data-folder-lock.ts';
import { DeathWatch, type Restartable } from './death-watch.ts';
import { freePort, isPortFree } from './free-port.ts';
import { type NatsHandle, startNats } from './nats-server.ts';
import { startRedis } from './redis-server.ts';
import { PortTaken, type ServerHandle, removeTemporaryFolder, temporaryFolder } from './server-process.ts';
import { projectFolder } from './tool-path.ts';

export const appNames = ['history', 'session-actor', 'group-actor', 'gateway'] as const;
export type AppName = (typeof appNames)[number];

export interface ClusterOptions {
  /** Default: a temporary folder, removed by stop(). */
  readonly dataFolder?: string | undefined;
  /** The address gateways listen on. Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Of the first gateway (further ones take free ports) and the servers. Default: free ports. */
  readonly ports?: {
    readonly ws?: number;
    readonly http?: number;
    readonly nats?: number;
    readonly redis?: number;
  };
  /** Instances of each app; default 1. 0 starts none of it. */
  readonly gateways?: number;
  readonly sessionActors?: number;
  readonly groupActors?: number;
  /** More than one needs a clickhouseUrl: the embedded engine's folder belongs to one process. */
  readonly histories?: number;
  /** Servers that run already; then none is started. */
  readonly natsUrl?: string | undefined;
  readonly redisUrl?: string | undefined;
  readonly clickhouseUrl?: string | undefined;
  readonly natsClusterOf?: 1 | 3;
  readonly natsSyncAlways?: boolean;
  /** Further PARLEY_* variables for all apps, and for one kind of app. */
  readonly env?: Readonly<Record<string, string>>;
  readonly appEnv?: Readonly<Partial<Record<AppName, Readonly<Record<string, string>>>>>;
  /** Further variables for one instance, asked for at each of its starts. */
  readonly envOf?: (app: AppHandle) => Readonly<Record<string, string>>;
  /** Starts whatever dies again, with growing pauses. Default false: tests decide themselves. */
  readonly restartsDead?: boolean;
  /** Where an app's main file is; for tests of the supervisor itself. */
  readonly entryOf?: (app: AppName) => string;
  /** Gets a line when the state of a process changes, and the apps' warnings and errors. */
  readonly log?: (line: string) => void;
}

export interface GatewayAddress {
  readonly wsUrl: string;
  readonly httpUrl: string;
}

/** Each app gets this long to stop before SIGKILL. */
export const appStopLimitMs = 12_000;

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const isTemporary = options.dataFolder === undefined;
  const dataFolder = path.resolve(options.dataFolder ?? (await temporaryFolder('cluster')));
  const cluster = new Cluster(options, dataFolder, isTemporary);
  try {
    await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

export class Cluster {
  readonly dataFolder: string;
  /** In the order of starting. */
  readonly apps: AppHandle[] = [];
  nats: NatsHandle | undefined;
  redis: ServerHandle | undefined;
  readonly options: ClusterOptions;
  readonly #isTemporary: boolean;
  #unlock: (() => void) | undefined;
  #ports: { nats: number; redis: number } | undefined;
  #isStopping = false;
  readonly #watches: DeathWatch[] = [];

  constructor(options: ClusterOptions, dataFolder: string, isTemporary: boolean) {
    this.options = options;
    this.dataFolder = dataFolder;
    this.#isTemporary = isTemporary;
  }

  get natsUrl(): string {
    return this.options.natsUrl ?? this.nats!.url;
  }

  get redisUrl(): string {
    return this.options.redisUrl ?? this.redis!.url;
  }

  /** Addresses of the running gateways. */
  get gateways(): readonly GatewayAddress[] {
    return this.apps.filter((app) => app.name === 'gateway' && app.isRunning()).map((app) => app.address!);
  }

  /** The instance of an app, counted from 0. */
  app(name: AppName, index = 0): AppHandle {
    const found = this.apps.filter((app) => app.name === name)[index];
    if (!found) throw new Error(`there is no ${name} number ${index}`);
    return found;
  }

  /** Starts everything that does not run: servers, then history and actors, then gateways. */
  async start(): Promise<void> {
    this.#isStopping = false;
    this.#unlock ??= await lockDataFolder(this.dataFolder, (line) => this.log(line));
    await this.#startServers();
    if (this.apps.length === 0) await this.#planApps();
    const waiting = this.apps.filter((app) => !app.isRunning());
    await Promise.all(waiting.filter((app) => app.name !== 'gateway').map((app) => app.start()));
    await Promise.all(waiting.filter((app) => app.name === 'gateway').map((app) => app.start()));
  }

  /** One more instance of an app. */
  async addApp(name: AppName): Promise<AppHandle> {
    const app = await this.#plan(name);
    await app.start();
    return app;
  }

  /** Gateways first, then actors, history, Redis, NATS; each by pid, with SIGKILL after the named limit. */
  async stop(options: { readonly keepData?: boolean } = {}): Promise<void> {
    this.#isStopping = true;
    for (const watch of this.#watches) watch.cancel();
    for (const group of [['gateway'], ['session-actor', 'group-actor'], ['history']]) {
      await Promise.all(this.apps.filter((app) => group.includes(app.name)).map((app) => app.stop()));
    }
    await this.redis?.stop();
    await this.nats?.stop();
    this.#leave(options.keepData ?? false);
  }

  /** kill -9 of every process at once. Data and ports stay for start(). */
  async kill(): Promise<void> {
    this.#isStopping = true;
    for (const watch of this.#watches) watch.cancel();
    await Promise.all([...this.apps.map((app) => app.kill()), this.redis?.kill(), this.nats?.kill()]);
    this.#leave(true);
  }

  /** A clean stop and a start of everything, on the same data and ports. */
  async restart(): Promise<void> {
    await this.stop({ keepData: true });
    await this.start();
  }

  /** @internal */
  log(line: string): void {
    this.options.log?.(line);
  }

  /** @internal Environment of one start of one app. */
  environment(app: AppHandle): NodeJS.ProcessEnv {
    const { clickhouseUrl, env, appEnv, envOf, host } = this.options;
    return {
      ...process.env,
      ...folderMark(this.dataFolder),
      PARLEY_NATS_URL: this.natsUrl,
      PARLEY_REDIS_URL: this.redisUrl,
      ...(clickhouseUrl === undefined ? {} : { PARLEY_CLICKHOUSE_URL: clickhouseUrl }),
      PARLEY_DATA_FOLDER: this.dataFolder,
      PARLEY_NODE_ID: app.nodeId,
      ...(app.ports === undefined
        ? {}
        : {
            PARLEY_GATEWAY_HOST: host ?? '127.0.0.1',
            PARLEY_GATEWAY_WS_PORT: String(app.ports.ws),
            PARLEY_GATEWAY_HTTP_PORT: String(app.ports.http),
          }),
      ...env,
      ...appEnv?.[app.name],
      ...envOf?.(app),
    };
  }

  /** @internal Watches a started process and brings it back when it dies, where that is asked for. */
  watch(process: Restartable): void {
    if (!this.options.restartsDead) return;
    let watch = this.#watches.find((candidate) => candidate.process === process);
    if (!watch) {
      watch = new DeathWatch(process, (line) => this.log(line));
      this.#watches.push(watch);
    }
    watch.follow(() => this.#isStopping);
  }

  async #startServers(): Promise<void> {
    const { ports, natsUrl, redisUrl, natsClusterOf, natsSyncAlways } = this.options;
    this.#ports ??= { nats: ports?.nats ?? (await freePort()), redis: ports?.redis ?? (await freePort()) };
    const logFile = (name: string) => path.join(this.dataFolder, 'logs', `${name}.log`);
    const nats = async () => {
      if (natsUrl !== undefined || this.nats?.isRunning()) return;
      if (this.nats) return this.nats.restart();
      this.nats = await startNats({
        dataFolder: path.join(this.dataFolder, 'nats'),
        port: this.#ports!.nats,
        clusterOf: natsClusterOf,
        syncAlways: natsSyncAlways,
        logFile: logFile('nats-server'),
        env: folderMark(this.dataFolder),
      });
      this.log(`nats-server answers on ${this.nats.url}`);
    };
    const redis = async () => {
      if (redisUrl !== undefined || this.redis?.isRunning()) return;
      if (this.redis) return this.redis.restart();
      const folder = path.join(this.dataFolder, 'redis');
      this.redis = await startRedis({
        dataFolder: folder,
        port: this.#ports!.redis,
        logFile: logFile('redis-server'),
        env: folderMark(this.dataFolder),
      });
      this.log(`redis-server answers on ${this.redis.url}`);
    };
    await Promise.all([nats(), redis()]);
    if (this.nats) this.watch(restartableServer('nats-server', this.nats));
    if (this.redis) this.watch(restartableServer('redis-server', this.redis));
  }

  async #planApps(): Promise<void> {
    const { histories = 1, sessionActors = 1, groupActors = 1, gateways = 1 } = this.options;
    const counts: Record<AppName, number> = {
      history: histories,
      'session-actor': sessionActors,
      'group-actor': groupActors,
      gateway: gateways,
    };
    for (const name of appNames) {
      for (let instance = 0; instance < counts[name]; instance += 1) await this.#plan(name);
    }
  }

  async #plan(name: AppName): Promise<AppHandle> {
    const index = this.apps.filter((app) => app.name === name).length;
    const given = index === 0 ? this.options.ports : undefined;
    const ports =
      name === 'gateway'
        ? { ws: given?.ws ?? (await freePort()), http: given?.http ?? (await freePort()) }
        : undefined;
    const entry = this.options.entryOf?.(name) ?? path.join(projectFolder, 'apps', name, 'dist/main.js');
    const app = new AppHandle(this, { name, index, entry, ports });
    this.apps.push(app);
    return app;
  }

  #leave(keepData: boolean): void {
    this.#unlock?.();
    this.#unlock = undefined;
    if (this.#isTemporary && !keepData) removeTemporaryFolder(this.dataFolder);
  }
}

interface AppPlace {
  readonly name: AppName;
  readonly index: number;
  readonly entry: string;
  readonly ports: { readonly ws: number; readonly http: number } | undefined;
}

/** One instance of an app, through all its restarts. */
export class AppHandle {
  readonly name: AppName;
  /** gateway-1, gateway-2, … */
  readonly label: string;
  readonly ports: AppPlace['ports'];
  readonly #cluster: Cluster;
  readonly #entry: string;
  #nodeId = '';
  #isWanted = false;
  #process: AppProcess | undefined;

  constructor(cluster: Cluster, { name, index, entry, ports }: AppPlace) {
    this.#cluster = cluster;
    this.#entry = entry;
    this.name = name;
    this.label = `${name}-${index + 1}`;
    this.ports = ports;
  }

  /** The member name of the process that runs now: a new one at every start, so that nothing of the last one is mistaken for it. */
  get nodeId(): string {
    return this.#nodeId;
  }

  get pid(): number {
    return this.#started().pid;
  }

  /** What the app said with "ready". */
  get info() {
    return this.#started().info;
  }

  /** Where clients reach it, for gateways. */
  get address(): GatewayAddress | undefined {
    if (!this.ports) return undefined;
    const { host = '127.0.0.1', env } = this.#cluster.options;
    const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
    const isTls = env?.['PARLEY_GATEWAY_TLS_CERTIFICATE_FILE'] !== undefined;
    return {
      wsUrl: `${isTls ? 'wss' : 'ws'}://${reachable}:${this.ports.ws}`,
      httpUrl: `http://${reachable}:${this.ports.http}`,
    };
  }

  isRunning(): boolean {
    return this.#process?.isRunning() ?? false;
  }

  /** @internal */
  isWanted(): boolean {
    return this.#isWanted;
  }

  /** Resolves when the process that runs now is gone. */
  exited() {
    return this.#started().exited;
  }

  async start(): Promise<void> {
    if (this.isRunning()) return;
    this.#isWanted = true;
    for (const port of this.ports ? [this.ports.ws, this.ports.http] : []) {
      if (!(await isPortFree(port, this.#cluster.options.host))) throw new PortTaken(this.label, port);
    }
    this.#nodeId = `${this.label}-${Date.now().toString(36)}`;
    this.#process = await AppProcess.start({
      name: this.label,
      entry: this.#entry,
      env: () => this.#cluster.environment(this),
      logFile: path.join(this.#cluster.dataFolder, 'logs', `${this.label}.log`),
      onProblem: (line) => this.#cluster.log(`${this.label}: ${line}`),
    });
    this.#cluster.log(`${this.label} is ready (process ${this.pid})`);
    this.#cluster.watch(this);
  }

  async stop(): Promise<void> {
    this.#isWanted = false;
    await this.#process?.stop(appStopLimitMs);
  }

  /** A signal, by default SIGKILL. */
  async kill(signal?: NodeJS.Signals): Promise<void> {
    await this.#process?.kill(signal);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  #started(): AppProcess {
    if (!this.#process) throw new Error(`${this.label} was not started`);
    return this.#process;
  }
}

const restartableServers = new WeakMap<ServerHandle, Restartable>();

function restartableServer(label: string, server: ServerHandle): Restartable {
  const known = restartableServers.get(server);
  if (known) return known;
  const made: Restartable = {
    label,
    isWanted: () => true,
    isRunning: () => server.isRunning(),
    exited: () => server.exited(),
    start: () => server.restart(),
  };
  restartableServers.set(server, made);
  return made;
}
