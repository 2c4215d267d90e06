// A process's connections to NATS. Two of them, so that a flood of messages cannot delay leases and commits:
// `control` carries key-value calls and journal appends, `bulk` everything else.
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, type TlsOptions, errors } from '@nats-io/nats-core';
import { setTimeout as delay } from 'node:timers/promises';
import { NatsDisconnected, asError } from './nats-errors.ts';
import { PubAcks, type PublishOptions } from './pub-acks.ts';
import { connectByTurns } from './turn-transport.ts';

export interface NatsLinkOptions {
  /** Name of the process, shown in the server's monitoring. */
  readonly name: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  readonly tls?: TlsOptions;
  /** How long the start waits for a server that is away, then rejects. Default 300,000 ms. */
  readonly startTimeoutMs?: number;
  /** How long a call to JetStream's API waits for its answer. Default 2,000 ms. */
  readonly callTimeoutMs?: number;
  /** Called when the state of a connection changes, and when the reason of waiting does: for logs and health. */
  readonly onStatus?: (status: NatsStatus) => void;
}

export interface NatsStatus {
  readonly state: 'waiting' | 'connected' | 'disconnected' | 'reconnected' | 'trouble' | 'closed';
  readonly connection: 'control' | 'bulk';
  /** One line for the operator; no secrets. */
  readonly message: string;
}

/** The oldest server with everything we use: per-message TTL, delete markers, strict API. */
export const natsVersionMin = '2.12.0';

const startTimeoutMsDefault = 300_000;
/** Short, because what was asked just before a leader died is never answered: asking again costs less than waiting. */
const callTimeoutMsDefault = 2_000;
/** A dial that takes longer is given up and repeated. */
const dialTimeoutMs = 5_000;
/** Pause between dials: this much and a random part of the jitter, so that a restarted server is not stormed. */
const dialPauseMs = 250;
const dialJitterMs = 750;
/** A half-open connection is noticed after about three of these. */
const pingIntervalMs = 5_000;
const pingsUnansweredMax = 2;

/** The server cannot be used, and waiting will not help: too old, or without JetStream, or the credentials are wrong. */
export class NatsUnusable extends Error {
  override readonly name = 'NatsUnusable';
}

/**
 * Connects, waiting for a server that is away, and reconnects for ever afterwards. `servers` is one URL or several
 * (also separated by commas), with or without `user:password@` or `token@`. Rejects with NatsUnusable when waiting
 * would not help, or with an Error after startTimeoutMs.
 */
export async function connectNats(
  servers: string | readonly string[],
  options: NatsLinkOptions,
): Promise<NatsLink> {
  const control = await NatsChannel.open(servers, 'control', options);
  try {
    const bulk = await NatsChannel.open(servers, 'bulk', options);
    return new NatsLink(control, bulk);
  } catch (cause) {
    await control.close();
    throw cause;
  }
}

export class NatsLink {
  readonly control: NatsChannel;
  readonly bulk: NatsChannel;

  constructor(control: NatsChannel, bulk: NatsChannel) {
    this.control = control;
    this.bulk = bulk;
  }

  /** Whether both connections stand. */
  get isConnected(): boolean {
    return this.control.isConnected && this.bulk.isConnected;
  }

  /** Sends what was published, then closes both connections. */
  async close(): Promise<void> {
    await Promise.all([this.control.close(), this.bulk.close()]);
  }
}

/** One connection. */
export class NatsChannel {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;

  readonly #name: 'control' | 'bulk';
  readonly #onStatus: (status: NatsStatus) => void;
  readonly #reconnectListeners = new Set<() => void>();
  readonly #asking = new Set<() => void>();
  readonly #pubAcks: PubAcks;
  #isConnected = true;

  static async open(
    servers: string | readonly string[],
    name: 'control' | 'bulk',
    options: NatsLinkOptions,
  ): Promise<NatsChannel> {
    const connection = await dial(servers, name, options);
    try {
      checkServer(connection);
      const timeout = options.callTimeoutMs ?? callTimeoutMsDefault;
      const jsm = await jetstreamManager(connection, { timeout, checkAPI: false });
      return new NatsChannel(connection, jsm, timeout, name, options);
    } catch (cause) {
      await connection.close();
      throw cause;
    }
  }

  constructor(
    connection: NatsConnection,
    jsm: JetStreamManager,
    timeout: number,
    name: 'control' | 'bulk',
    options: NatsLinkOptions,
  ) {
    this.connection = connection;
    this.jsm = jsm;
    this.js = jetstream(connection, { timeout });
    this.#pubAcks = new PubAcks(connection);
    this.#name = name;
    this.#onStatus = options.onStatus ?? (() => undefined);
    this.#tell('connected', `connected to ${connection.getServer()}`);
    void this.#follow();
  }

  get isConnected(): boolean {
    return this.#isConnected && !this.connection.isClosed();
  }

  /** Calls back after each reconnect; the answer stops it. */
  onReconnect(listener: () => void): () => void {
    this.#reconnectListeners.add(listener);
    return () => this.#reconnectListeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.connection.isClosed()) return;
    if (!this.#isConnected) return await this.connection.close();
    // Lost while draining: what was not sent is lost with it.
    await this.connection.drain().catch(() => this.connection.close());
  }

  /**
   * Publishes to a stream and answers with the sequence; rejects with NatsDisconnected when the connection is down or gets
   * lost, otherwise as PubAcks does. Never left to the client's buffer: what its sender gave up must not be sent later.
   */
  publish(subject: string, bytes: Uint8Array, options: PublishOptions): Promise<number> {
    if (!this.isConnected) return Promise.reject(new NatsDisconnected('not connected to NATS'));
    return this.#pubAcks.publish(subject, bytes, options);
  }

  /**
   * What `ask` answers; rejects with NatsDisconnected at once when the connection is down or gets lost, because an
   * answer to a request of a former connection never comes.
   */
  whileConnected<T>(ask: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.isConnected) {
        reject(new NatsDisconnected('not connected to NATS'));
        return;
      }
      const lose = () =>
        reject(new NatsDisconnected('the connection to NATS was lost before the answer came'));
      this.#asking.add(lose);
      void ask()
        .then(resolve, reject)
        .finally(() => this.#asking.delete(lose));
    });
  }

  async #follow(): Promise<void> {
    for await (const status of this.connection.status()) {
      switch (status.type) {
        case 'disconnect':
        case 'staleConnection':
          if (this.#isConnected) this.#tell('disconnected', `lost NATS; trying again for ever`);
          this.#lose();
          break;
        case 'reconnect':
          this.#isConnected = true;
          this.#tell('reconnected', `back on ${status.server}`);
          for (const listener of [...this.#reconnectListeners]) listener();
          break;
        case 'error':
          this.#tell('trouble', status.error.message);
          break;
        case 'ldm':
          this.#tell('trouble', `${status.server} is shutting down and asks us to move`);
          break;
        default:
          break;
      }
    }
    this.#lose();
    this.#tell('closed', 'connection closed');
  }

  #lose(): void {
    this.#isConnected = false;
    this.#pubAcks.lose();
    for (const lose of [...this.#asking]) lose();
    this.#asking.clear();
  }

  #tell(state: NatsStatus['state'], message: string): void {
    this.#onStatus({ state, connection: this.#name, message });
  }
}

async function dial(
  servers: string | readonly string[],
  name: 'control' | 'bulk',
  options: NatsLinkOptions,
): Promise<NatsConnection> {
  const startTimeoutMs = options.startTimeoutMs ?? startTimeoutMsDefault;
  const startedMs = performance.now();
  const urls = typeof servers === 'string' ? servers.split(',') : servers;
  let toldReason: string | undefined;
  for (;;) {
    try {
      return await connectByTurns({
        servers: urls.map(withoutCredentials),
        name: `${options.name}.${name}`,
        ...credentials(urls, options),
        ...(options.tls === undefined ? {} : { tls: options.tls }),
        timeout: dialTimeoutMs,
        maxReconnectAttempts: -1,
        reconnectTimeWait: dialPauseMs,
        reconnectJitter: dialJitterMs,
        reconnectJitterTLS: dialJitterMs,
        pingInterval: pingIntervalMs,
        maxPingOut: pingsUnansweredMax,
        // Credentials that are refused for a while (a rotation) must not end a running process.
        ignoreAuthErrorAbort: true,
        // A stack per request costs more than the request.
        noAsyncTraces: true,
      });
    } catch (cause) {
      const where = urls.map(withoutCredentials).join(', ');
      if (cause instanceof errors.AuthorizationError) {
        throw new NatsUnusable(`NATS at ${where} refused our credentials`, { cause });
      }
      const waitedMs = Math.round(performance.now() - startedMs);
      if (waitedMs >= startTimeoutMs) {
        throw new Error(`NATS at ${where} did not answer within ${startTimeoutMs} ms`, { cause });
      }
      const reason = asError(cause).message;
      // Once for each reason: a line for every dial would bury the others.
      if (reason !== toldReason) {
        const message = `waiting for NATS at ${where} since ${waitedMs} ms: ${reason}`;
        options.onStatus?.({ state: 'waiting', connection: name, message });
      }
      toldReason = reason;
      await delay(dialPauseMs + Math.random() * dialJitterMs);
    }
  }
}

function checkServer(connection: NatsConnection): void {
  const info = connection.info;
  const version = info?.version ?? 'unknown';
  if (!isAtLeast(version, natsVersionMin)) {
    throw new NatsUnusable(
      `NATS server ${version} at ${connection.getServer()} is too old: ${natsVersionMin} is needed`,
    );
  }
  if (info?.jetstream !== true) {
    throw new NatsUnusable(
      `NATS server at ${connection.getServer()} runs without JetStream; start it with -js`,
    );
  }
}

function isAtLeast(version: string, floor: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [floorMajor = 0, floorMinor = 0] = floor.split('.').map(Number);
  return major > floorMajor || (major === floorMajor && minor >= floorMinor);
}

/** The client library reads no credentials from URLs, so they are taken out of the first one that has any. */
function credentials(urls: readonly string[], options: NatsLinkOptions) {
  if (options.token !== undefined) return { token: options.token };
  if (options.user !== undefined) return { user: options.user, pass: options.pass ?? '' };
  const found = urls
    .map((url) => credentialsPattern.exec(url)?.groups)
    .find((groups) => groups !== undefined);
  if (found?.['user'] === undefined) return {};
  const user = decodeURIComponent(found['user']);
  return found['pass'] === undefined ? { token: user } : { user, pass: decodeURIComponent(found['pass']) };
}

const credentialsPattern = /^(?:\w+:\/\/)?(?<user>[^:@/]+)(?::(?<pass>[^@]*))?@/;

const withoutCredentials = (url: string): string =>
  url.trim().replace(/^(\w+:\/\/)?[^@/]*@/, (_, scheme: string | undefined) => scheme ?? '');
