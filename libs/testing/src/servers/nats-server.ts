// A real NATS with JetStream for tests, the demo and `npm start`: one server, or a cluster of three on one machine.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, connect } from '@nats-io/transport-node';
import { freePort } from './free-port.ts';
import { type ServerHandle, removeTemporaryFolder, startServer, temporaryFolder } from './server-process.ts';
import { toolPath } from './tool-path.ts';
import { waitUntil } from './wait-until.ts';

export interface NatsOptions {
  /** Default: a temporary folder, removed on stop. */
  readonly dataFolder?: string | undefined;
  /** Client port of the (first) server. Default: a free port. */
  readonly port?: number | undefined;
  /** 3 starts three servers that form one cluster, so that streams may have three replicas. Default 1. */
  readonly clusterOf?: 1 | 3 | undefined;
  /** fsync every write before it is confirmed. Default false: the server syncs every two minutes. */
  readonly syncAlways?: boolean | undefined;
  /** Three servers keep their addresses to themselves, so that clients use only those they were given. Default false. */
  readonly isUnadvertised?: boolean | undefined;
  readonly logFile?: string | undefined;
  /** Added to the server's environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** The whole of one or three servers; `url` names all of them, separated by commas. */
export interface NatsHandle extends ServerHandle {
  readonly urls: readonly string[];
  /** The single servers, for killing one of three. */
  readonly servers: readonly ServerHandle[];
}

/** The largest message: four of the largest journal commits (256 KiB), and room for lane batches. */
const payloadBytesMax = 1024 * 1024;
const probeLimitMs = 1_000;
const clusterFormLimitMs = 30_000;

export async function startNats(options: NatsOptions = {}): Promise<NatsHandle> {
  const size = options.clusterOf ?? 1;
  const command = await toolPath('nats-server');
  if (size === 1) return together([await startOne(command, options)]);

  const isTemporary = options.dataFolder === undefined;
  const folder = options.dataFolder ?? (await temporaryFolder('nats-cluster'));
  const routes = [await freePort(), await freePort(), await freePort()];
  const servers = await Promise.all(
    routes.map((_, index) =>
      startOne(command, {
        ...options,
        port: index === 0 ? options.port : undefined,
        dataFolder: path.join(folder, String(index + 1)),
        route: { index, ports: routes },
      }),
    ),
  );
  const handle = together(servers, isTemporary ? () => removeTemporaryFolder(folder) : undefined);
  await waitUntil(() => canReplicate(handle.urls, size), {
    what: `the NATS cluster accepts a stream of ${size} replicas`,
    limitMs: clusterFormLimitMs,
    everyMs: 200,
  });
  return handle;
}

interface Route {
  readonly index: number;
  readonly ports: readonly number[];
}

function startOne(command: string, options: NatsOptions & { route?: Route }): Promise<ServerHandle> {
  const { route } = options;
  return startServer({
    name: 'nats-server',
    scheme: 'nats',
    command,
    port: options.port,
    dataFolder: options.dataFolder,
    logFile: options.logFile,
    env: options.env,
    args: (port, folder) => {
      mkdirSync(folder, { recursive: true });
      const file = path.join(folder, 'nats.conf');
      const { syncAlways = false, isUnadvertised = false } = options;
      writeFileSync(file, configuration({ port, folder, route, syncAlways, isUnadvertised }));
      return ['--config', file];
    },
    probe: (port, folder) => isServing(port, serverName(folder, route), { hasJetStream: !route }),
  });
}

interface Configuration {
  readonly port: number;
  readonly folder: string;
  readonly route: Route | undefined;
  readonly syncAlways: boolean;
  readonly isUnadvertised: boolean;
}

function configuration({ port, folder, route, syncAlways, isUnadvertised }: Configuration): string {
  const lines = [
    `server_name: ${serverName(folder, route)}`,
    `listen: "127.0.0.1:${port}"`,
    `max_payload: ${payloadBytesMax}`,
    `jetstream { store_dir: ${JSON.stringify(folder)}${syncAlways ? ', sync_interval: always' : ''} }`,
  ];
  if (route) {
    const others = route.ports.filter((_, index) => index !== route.index);
    const routes = others.map((other) => `"nats://127.0.0.1:${other}"`).join(', ');
    const own = route.ports[route.index];
    const advertising = isUnadvertised ? ', no_advertise: true' : '';
    lines.push(`cluster { name: parley, listen: "127.0.0.1:${own}", routes: [${routes}]${advertising} }`);
  }
  return lines.join('\n') + '\n';
}

/** One of three is known by its place, which its replicas remember; one alone by its folder, which no other server has. */
function serverName(folder: string, route: Route | undefined): string {
  if (route) return `parley-${route.index + 1}`;
  return `parley-1-${createHash('sha256').update(path.resolve(folder)).digest('hex').slice(0, 12)}`;
}

/** False also when a stranger answers: another test's server may have taken the port just before ours. */
async function isServing(
  port: number,
  name: string,
  { hasJetStream }: { hasJetStream: boolean },
): Promise<boolean> {
  return withConnection([`nats://127.0.0.1:${port}`], async (connection) => {
    if (connection.info?.server_name !== name) return false;
    // A cluster's JetStream answers when the others are there too.
    if (!hasJetStream) return true;
    const manager = await jetstreamManager(connection, { timeout: probeLimitMs });
    await manager.getAccountInfo();
    return true;
  });
}

/** A cluster is formed when a stream with all replicas can be made; asking for its state alone says yes too early. */
async function canReplicate(urls: readonly string[], replicas: number): Promise<boolean> {
  return withConnection(urls, async (connection) => {
    const manager = await jetstreamManager(connection, { timeout: 2 * probeLimitMs });
    const name = 'parley-probe';
    await manager.streams.add({ name, subjects: [name], num_replicas: replicas, storage: 'memory' });
    return manager.streams.delete(name);
  });
}

async function withConnection(
  urls: readonly string[],
  use: (connection: NatsConnection) => Promise<boolean>,
): Promise<boolean> {
  const connection = await connect({ servers: [...urls], timeout: probeLimitMs, reconnect: false });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

/** Several servers as one: signals and restarts go to all of them. */
function together(servers: readonly ServerHandle[], afterStop?: () => void): NatsHandle {
  const [first] = servers as [ServerHandle, ...ServerHandle[]];
  const all = async (action: (server: ServerHandle) => Promise<void>): Promise<void> => {
    await Promise.all(servers.map(action));
  };
  return {
    servers,
    urls: servers.map((server) => server.url),
    url: servers.map((server) => server.url).join(','),
    port: first.port,
    dataFolder: first.dataFolder,
    get pid() {
      return first.pid;
    },
    isRunning: () => servers.every((server) => server.isRunning()),
    exited: () => Promise.race(servers.map((server) => server.exited())),
    async stop() {
      await all((server) => server.stop());
      afterStop?.();
    },
    kill: (signal) => all((server) => server.kill(signal)),
    restart: () => all((server) => server.restart()),
  };
}
