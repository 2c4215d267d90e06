// The gateway process: clients' WebSockets on one port, the HTTP API on another. Composes adapters into the two halves,
// starts them, and stops them in the reverse order: clients are told to go elsewhere first.
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type ClientTransport,
  MasterKeys,
  type NatsLink,
  NatsCommandLog,
  NatsKeyValueStore,
  NatsKeyVault,
  NatsMessenger,
  NatsSnapshotStore,
  RedisLink,
  RedisPresence,
  RedisRateLimiter,
  RedisDeviceRegistry,
  RedisUserDirectory,
  RedisTail,
  SealingKeys,
  UwsClientTransport,
  WsClientTransport,
  clusterNumbers,
  connectNats,
  natsStatusLog,
  provisionNats,
} from '@parley/adapters';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  ConfigError,
  Health,
  type Lifecycle,
  createLogger,
  createMetrics,
  collectProcessMetrics,
  nestLogger,
  parseConfig,
  redactedConfig,
  runApp,
} from '@parley/platform';
import { buckets, placementRules } from '@parley/protocol';
import { Placement } from '@parley/runtime';
import { systemClock, systemRandom } from '@parley/std';
import { authLimitsOf, ownTokensOf } from './auth/auth-settings.ts';
import { tenantsOf } from './auth/external-issuer.ts';
import { JwtTokenVerifier } from './auth/jwt-token-verifier.ts';
import { PasswordHasher } from './auth/password-hasher.ts';
import { type SigningKeys, fileSigningKeys, sharedSigningKeys } from './auth/signing-keys.ts';
import { TokenIssuer } from './auth/token-issuer.ts';
import {
  type GatewayConfig,
  changeWindowsOf,
  groupLimitsOf,
  gatewaySettings,
  issuersOf,
  sealingLimitsOf,
  socketLimitsOf,
} from './gateway.config.ts';
import { GatewayModule } from './gateway.module.ts';
import type { HttpPorts } from './http/http-ports.ts';
import { httpAdapter, httpNestOptions, prepareHttp } from './http/http-server.ts';
import { httpLimitsOf } from './http/http-settings.ts';
import { MessengerHistoryExport } from './http/history-export.ts';
import { MessengerAnalyticsQuestions } from './http/analytics-questions.ts';
import { MessengerHistoryAdmin } from './http/history-admin.ts';
import { MessengerHistorySearch } from './http/history-search.ts';
import { MessengerEntityQuery } from './query/entity-query.ts';
import { WordLists } from './safety/word-lists.ts';
import { DeletionTimes } from './sync/deletion-times.ts';
import { Sealing } from './sealing/sealing.ts';
import { SocketGateway } from './transport/socket-gateway.ts';
import { UwsAdapter } from './transport/uws-adapter.ts';

const clock = systemClock;
const random = systemRandom;
/** What tenants settle changes seldom, and no change is missed for longer than this. */
const relistIntervalMs = 60_000;

const config = readConfig();
/** Known once the transport listens. */
let socketPort = config.gatewayWsPort;
const logger = createLogger('gateway', { level: config.logLevel, nodeId: config.nodeId });
await runApp({ logger, start });

async function start(lifecycle: Lifecycle) {
  logger.info({ config: redactedConfig(gatewaySettings, config) }, 'starting');
  const metrics = createMetrics('gateway');
  collectProcessMetrics(metrics);
  const nats = await openNats(lifecycle);
  const redis = openRedis(lifecycle);
  const { numbers } = await provisionNats(nats, {
    numbers: clusterNumbers(config.clusterShards),
    replicas: config.natsReplicas,
  });
  const keys = await signingKeys(nats);
  const [names, limits] = [ownTokensOf(config), authLimitsOf(config)];
  const verifier = new JwtTokenVerifier({ keys, clock, issuers: issuersOf(config), names, limits });
  const messenger = new NatsMessenger(nats);
  const placement = new Placement(placementRules, numbers.shardCounts);
  const queries = new MessengerEntityQuery({ messenger, placement, clock, random });
  const transport = await openTransport();
  const deletions = await followDeletions(nats, lifecycle);
  const presence = new RedisPresence(redis, clock);
  const words = await openWordLists(nats, lifecycle);
  const sealing = await openSealing(nats, messenger, lifecycle);
  const devices = new RedisDeviceRegistry(redis);
  const sockets = new SocketGateway({
    // A process that comes back must not get what was meant for the one before.
    gatewayId: `${config.nodeId}-${randomBytes(4).toString('hex')}`,
    transport,
    messenger,
    commandLog: new NatsCommandLog(nats, { parts: numbers.commandParts }),
    placement,
    queries,
    tail: new RedisTail(redis),
    presence,
    verifier,
    externalTenants: issuersOf(config).flatMap((issuer) => [...tenantsOf(issuer)]),
    clock,
    random,
    deletions,
    limits: socketLimitsOf(config),
    changeWindows: changeWindowsOf(config),
    screen: words,
    devices,
    oneOfEachTenants: config.authOneDeviceOfEachTenants ?? [],
    log: logger,
    metrics: metrics.gateway,
    sealing,
    path: '/*',
  });
  const ports: HttpPorts = {
    verifier,
    issuer: new TokenIssuer(keys, clock, names, limits.tokenLifeMs),
    passwords: new PasswordHasher(limits),
    registration: sockets.registration,
    commands: sockets.commands,
    queries,
    history: sockets.history,
    search: new MessengerHistorySearch(messenger),
    exports: new MessengerHistoryExport(messenger, clock),
    analytics: new MessengerAnalyticsQuestions(messenger),
    admin: new MessengerHistoryAdmin(messenger),
    words,
    sealing,
    presence,
    directory: new RedisUserDirectory(redis),
    devices,
    rates: new RedisRateLimiter(redis, clock),
    clock,
    random,
    metrics,
    health: healthOf(nats),
    log: logger,
    settings: httpSettings(),
  };
  lifecycle.onStop('sockets', () => sockets.stop());
  await sockets.start();
  const http = await startHttp(ports, transport, lifecycle);
  const { port } = await transport.listen({
    host: config.gatewayHost,
    port: config.gatewayWsPort,
    isPortShared: config.gatewayWsPortShared,
  });
  socketPort = port;
  lifecycle.onStop('drain', () => sockets.drain());
  return { wsPort: port, httpPort: http };
}

function readConfig(): GatewayConfig {
  try {
    return parseConfig(gatewaySettings, process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    createLogger('gateway').fatal({ reason: error.message }, 'could not start');
    process.exit(1);
  }
}

async function openNats(lifecycle: Lifecycle): Promise<NatsLink> {
  const nats = await connectNats(config.natsUrl, { name: config.nodeId, onStatus: natsStatusLog(logger) });
  lifecycle.onStop('nats', () => nats.close());
  return nats;
}

function openRedis(lifecycle: Lifecycle): RedisLink {
  const redis = new RedisLink({
    url: config.redisUrl,
    clock,
    random,
    onState: (state, reason) => logger[state === 'away' ? 'warn' : 'info']({ reason }, `Redis ${state}`),
  });
  lifecycle.onStop('redis', () => redis.stop());
  return redis;
}

async function signingKeys(nats: NatsLink): Promise<SigningKeys> {
  if (config.authPrivateKeyFile !== undefined) return fileSigningKeys(config.authPrivateKeyFile);
  return sharedSigningKeys(await new NatsKeyValueStore(nats).bucket(buckets.config));
}

async function openWordLists(nats: NatsLink, lifecycle: Lifecycle): Promise<WordLists> {
  const tenants = await new NatsKeyValueStore(nats, { relistIntervalMs }).bucket(buckets.tenants);
  const lists = new NatsSnapshotStore(nats, buckets.words);
  const words = new WordLists({ tenants, lists, clock, log: logger });
  await words.start();
  lifecycle.onStop('words', () => words.stop());
  return words;
}

async function followDeletions(nats: NatsLink, lifecycle: Lifecycle): Promise<DeletionTimes> {
  const store = new NatsKeyValueStore(nats, { relistIntervalMs });
  const deletions = await DeletionTimes.follow(await store.bucket(buckets.deletions));
  lifecycle.onStop('deletions', () => deletions.stop());
  return deletions;
}

/** Undefined when no tenant seals. A file that cannot be read or is wrong ends the process: it would show plain texts. */
async function openSealing(
  nats: NatsLink,
  messenger: NatsMessenger,
  lifecycle: Lifecycle,
): Promise<Sealing | undefined> {
  if (config.sealingKeysFile === undefined) return undefined;
  const masters = MasterKeys.parse(readFileSync(config.sealingKeysFile, 'utf8'));
  const vault = await NatsKeyVault.open(nats, buckets.sealingKeys, { replicas: config.natsReplicas });
  const keys = new SealingKeys(vault, masters);
  const sealing = new Sealing({ keys, messenger, clock, limits: sealingLimitsOf(config), log: logger });
  sealing.start();
  lifecycle.onStop('sealing', () => sealing.stop());
  return sealing;
}

async function openTransport(): Promise<ClientTransport> {
  const { gatewayTransport, gatewayTlsCertificateFile: certificateFile, gatewayTlsKeyFile: keyFile } = config;
  const tls =
    certificateFile === undefined || keyFile === undefined ? undefined : { certificateFile, keyFile };
  if (gatewayTransport === 'ws') return new WsClientTransport(tls);
  try {
    return await UwsClientTransport.load(tls);
  } catch (err) {
    if (gatewayTransport === 'uws') throw err;
    logger.warn(
      { err },
      'uWebSockets.js does not load on this machine: the slower ws transport serves instead',
    );
    return new WsClientTransport(tls);
  }
}

async function startHttp(
  ports: HttpPorts,
  transport: ClientTransport,
  lifecycle: Lifecycle,
): Promise<number> {
  const tls = httpTls();
  const adapter = httpAdapter({
    trustedProxies: config.gatewayTrustedProxies ?? [],
    ...(tls === undefined ? {} : { tls }),
  });
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule.forRoot(ports), adapter, {
    ...httpNestOptions,
    logger: nestLogger(logger),
  });
  app.useWebSocketAdapter(new UwsAdapter({ transport, host: config.gatewayHost }));
  prepareHttp(app, ports);
  await app.listen(config.gatewayHttpPort, config.gatewayHost);
  lifecycle.onStop('http', () => app.close());
  const address = app.getHttpServer().address() as { port: number };
  return address.port;
}

function httpTls() {
  const { gatewayHttpTls, gatewayTlsCertificateFile: cert, gatewayTlsKeyFile: key } = config;
  if (!gatewayHttpTls || cert === undefined || key === undefined) return undefined;
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

/** Redis is not in it: without Redis a gateway is slower, and still serves. */
function healthOf(nats: NatsLink): Health {
  const health = new Health();
  health.add('nats', () => {
    if (!nats.isConnected) throw new Error('the connection to NATS is down');
  });
  return health;
}

function httpSettings(): HttpPorts['settings'] {
  const { groupLargeFrom: largeFrom, groupSmallTo: smallTo } = config;
  return {
    limits: httpLimitsOf(config),
    groupPolicy: { largeFrom, smallTo },
    groupLimits: groupLimitsOf(config),
    defaultTenant: config.authDefaultTenant,
    get socketUrl() {
      return config.gatewaySocketUrl ?? socketUrl();
    },
    ...(config.analyticsAnalysts ? { analysts: config.analyticsAnalysts } : {}),
    ...(config.authAdmins ? { admins: config.authAdmins } : {}),
    ...(config.authRegistrationTenants ? { registrationTenants: config.authRegistrationTenants } : {}),
    ...(config.gatewayCorsOrigins ? { corsOrigins: config.gatewayCorsOrigins } : {}),
  };
}

/** Right for clients on this machine; others need PARLEY_GATEWAY_SOCKET_URL when this listens on all addresses. */
function socketUrl(): string {
  const scheme = config.gatewayTlsCertificateFile === undefined ? 'ws' : 'wss';
  const isAnyAddress = config.gatewayHost === '0.0.0.0' || config.gatewayHost === '::';
  return `${scheme}://${isAnyAddress ? 'localhost' : config.gatewayHost}:${socketPort}/`;
}
