// `npm start`: the whole of Parley on this machine, in the foreground, until Ctrl-C.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Cluster, DataFolderInUse, PortTaken, startCluster } from '@parley/testing/servers';

const help = `Starts Parley: NATS, Redis, history (with the embedded ClickHouse engine), session-actor, group-actor and gateway.

  npm start -- [options]

  --data FOLDER           where everything is kept, across restarts      (default ./parley-data)
  --host ADDRESS          what the gateway listens on                    (default 127.0.0.1; 0.0.0.0 = all)
  --ws-port PORT          WebSocket                                      (default 8080)
  --http-port PORT        HTTP API                                       (default 8081)
  --nats-port PORT        NATS                                           (default: a free one)
  --redis-port PORT       Redis                                          (default: a free one)
  --gateways N            instances of an app, likewise                  (default 1 each)
  --session-actors N
  --group-actors N
  --help

Servers that run already are used instead where PARLEY_NATS_URL, PARLEY_REDIS_URL or PARLEY_CLICKHOUSE_URL is set.
PARLEY_NATS_SYNC=always lets the NATS server sync every record to disk before it is acknowledged (default: every two
minutes, which a power cut may cost). All other PARLEY_* variables are passed on to the apps. One Ctrl-C stops everything in order, a second one at once.
`;

// Ctrl-C comes from the terminal and from npm: signals this close together are one.
const sameSignalMs = 500;

let cluster: Cluster | undefined;
let stopping: Promise<void> | undefined;
let firstSignalAt: number | undefined;
const startedAt = performance.now();

const options = readOptions();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => onSignal(signal));
process.on('disconnect', () => onSignal('the starting process is gone'));
// A terminal that went away must not end us before our children have ended.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  say('starting');
  cluster = await startCluster({ ...options, log: say });
  announce(cluster);
} catch (error) {
  const isExpected = error instanceof PortTaken || error instanceof DataFolderInUse;
  const reason = error instanceof Error ? error.message : String(error);
  say(`could not start: ${reason}`);
  if (error instanceof PortTaken)
    say('choose another one with --ws-port, --http-port, --nats-port or --redis-port');
  if (!isExpected && error instanceof Error) say(`logs: ${path.join(options.dataFolder, 'logs')}`);
  process.exit(1);
}
function readOptions() {
  const text = { type: 'string' } as const;
  const { values } = parse(() =>
    parseArgs({
      options: {
        data: { ...text, default: 'parley-data' },
        host: { ...text, default: '127.0.0.1' },
        'ws-port': { ...text, default: '8080' },
        'http-port': { ...text, default: '8081' },
        'nats-port': text,
        'redis-port': text,
        gateways: { ...text, default: '1' },
        'session-actors': { ...text, default: '1' },
        'group-actors': { ...text, default: '1' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }),
  );
  if (values.help) {
    process.stdout.write(help);
    process.exit(0);
  }
  const {
    PARLEY_NATS_URL: natsUrl,
    PARLEY_REDIS_URL: redisUrl,
    PARLEY_CLICKHOUSE_URL: clickhouseUrl,
  } = process.env;
  const port = (name: string, value: string | undefined) => wholeNumber(name, value, 1, 65_535);
  const count = (name: string, value: string) => wholeNumber(name, value, 1, 64);
  const natsPort = values['nats-port'];
  const redisPort = values['redis-port'];
  return {
    dataFolder: path.resolve(values.data),
    host: values.host,
    ports: {
      ws: port('--ws-port', values['ws-port']),
      http: port('--http-port', values['http-port']),
      ...(natsPort === undefined ? {} : { nats: port('--nats-port', natsPort) }),
      ...(redisPort === undefined ? {} : { redis: port('--redis-port', redisPort) }),
    },
    gateways: count('--gateways', values.gateways),
    sessionActors: count('--session-actors', values['session-actors']),
    groupActors: count('--group-actors', values['group-actors']),
    natsUrl: natsUrl || undefined,
    natsSyncAlways: isSyncAlways(process.env['PARLEY_NATS_SYNC'] ?? ''),
    redisUrl: redisUrl || undefined,
    clickhouseUrl: clickhouseUrl || undefined,
    restartsDead: true,
  };
}

function isSyncAlways(sync: string): boolean {
  if (!['', 'default', 'always'].includes(sync))
    usage(`PARLEY_NATS_SYNC is always or default, not "${sync}"`);
  return sync === 'always';
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return usage((error as Error).message);
  }
}

function wholeNumber(name: string, text: string | undefined, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    usage(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
  }
  return value;
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n\n${help}`);
  process.exit(2);
}

function announce(running: Cluster): void {
  const { ports } = running.app('gateway');
  const lines = [
    '',
    `Parley is ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`,
    '',
    ...running.gateways.flatMap(({ wsUrl, httpUrl }) => [
      `  WebSocket   ${wsUrl}`,
      `  HTTP API    ${httpUrl}`,
    ]),
    `  API page    ${running.gateways[0]!.httpUrl}/openapi`,
    `  NATS        ${running.natsUrl}`,
    `  Redis       ${running.redisUrl}`,
    `  ClickHouse  ${running.options.clickhouseUrl ?? 'embedded'}`,
    `  Data        ${running.dataFolder}`,
    `  Logs        ${path.join(running.dataFolder, 'logs')}`,
    '',
    'Try it, in two more terminals:',
    `  npm run chat -- --as alice${chatUrl(ports?.http)}`,
    `  npm run chat -- --as bob${chatUrl(ports?.http)}`,
    '',
    'Ctrl-C stops everything.',
    '',
  ];
  process.stdout.write(lines.join('\n') + '\n');
}

/** The chat finds the default port by itself. */
function chatUrl(httpPort: number | undefined): string {
  return httpPort === undefined || httpPort === 8081 ? '' : ` --url http://127.0.0.1:${httpPort}`;
}

function onSignal(reason: string): void {
  const now = performance.now();
  firstSignalAt ??= now;
  if (stopping !== undefined) {
    if (now - firstSignalAt < sameSignalMs) return;
    say('stopping at once');
    void (cluster?.kill() ?? Promise.resolve()).finally(() => process.exit(130));
    return;
  }
  // While starting there is no order yet: leaving ends everything that was started (SIGKILL on exit).
  if (cluster === undefined) process.exit(130);
  stop(reason);
}

function stop(reason: string): void {
  say(`stopping (${reason}); again to stop at once`);
  stopping = cluster!.stop({ keepData: true }).then(
    () => {
      say('stopped');
      process.exit(0);
    },
    (error: Error) => {
      say(`stopping failed: ${error.message}`);
      process.exit(1);
    },
  );
}

function say(line: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
  process.stdout.write(`[parley ${seconds} s] ${line}\n`);
}
