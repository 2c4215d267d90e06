// The users of an e2e spec: accounts made over HTTP, each with devices that are clients of libs/client. Every name is
// unique within the cluster, so many tests share one.
import {
  type Client,
  type ClientLimits,
  type ClientOptions,
  type Encoding,
  HttpApi,
  MemoryStore,
  createClient,
  openWsSocket,
} from '@parley/client';
import type { Cluster, GatewayAddress } from '../servers/index.ts';
import { waitUntil } from '../servers/wait-until.ts';

/** Tests restart things on purpose: clients come back sooner than a user's would. */
const limits: Partial<ClientLimits> = { backoffBaseMs: 50, backoffMaxMs: 1_000, requestTimeoutMs: 4_000 };

/** Everybody registers from one address. For `env` of the cluster. */
export const manyUsersFromOneAddress = {
  PARLEY_HTTP_REGISTRATIONS_PER_MINUTE: '100000',
  PARLEY_HTTP_REQUESTS_PER_MINUTE: '100000',
  PARLEY_HTTP_SEARCHES_PER_MINUTE: '100000',
};

export interface DeviceOptions extends Partial<
  Pick<ClientOptions, 'encoding' | 'store' | 'deviceId' | 'deviceClass' | 'ca' | 'token'>
> {
  /** Which gateway it prefers; the next one is taken when an attempt fails. Default 0. */
  readonly gateway?: number;
}

export class People {
  readonly #cluster: Cluster;
  readonly #clients: Client[] = [];
  #count = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Registers a user of that name, made unique. */
  async register(name: string, tenant?: string): Promise<Person> {
    return this.registerAs(`${name}-${++this.#count}`, tenant);
  }

  async registerAs(handle: string, tenant?: string): Promise<Person> {
    const { httpUrl } = this.#cluster.gateways[0]!;
    const anonymous = new HttpApi({ url: httpUrl });
    const password = 'correct horse battery staple';
    const login = await anonymous.register({ handle, password, ...(tenant === undefined ? {} : { tenant }) });
    return new Person({
      id: login.user,
      token: login.token,
      httpUrl,
      gateways: () => this.#cluster.apps.flatMap((app) => app.address ?? []),
      onClient: (client) => this.#clients.push(client),
    });
  }

  /** Registers several at once. */
  registerAll<const Names extends readonly string[]>(
    ...names: Names
  ): Promise<{ [Index in keyof Names]: Person }> {
    return Promise.all(names.map((name) => this.register(name))) as never;
  }

  closeAll(): void {
    for (const client of this.#clients.splice(0)) client.close();
  }
}

export class Person {
  readonly id: string;
  readonly token: string;
  readonly api: HttpApi;
  readonly httpUrl: string;
  readonly #gateways: () => readonly GatewayAddress[];
  readonly #onClient: (client: Client) => void;
  #devices = 0;

  constructor(facts: {
    readonly id: string;
    readonly token: string;
    readonly httpUrl: string;
    gateways(): readonly GatewayAddress[];
    onClient(client: Client): void;
  }) {
    this.id = facts.id;
    this.token = facts.token;
    this.httpUrl = facts.httpUrl;
    this.api = new HttpApi({ url: facts.httpUrl, token: facts.token });
    this.#gateways = facts.gateways;
    this.#onClient = facts.onClient;
  }

  /** A new device, connected and synced. */
  async connect(options: DeviceOptions = {}): Promise<Client> {
    const client = this.device(options);
    await client.connect();
    return client;
  }

  /** A new device that has not connected yet. */
  device({ gateway = 0, ...options }: DeviceOptions = {}): Client {
    let attempt = gateway;
    const client = createClient({
      url: 'ws://unused',
      token: this.token,
      deviceId: options.deviceId ?? `device-${++this.#devices}`,
      limits,
      store: new MemoryStore(),
      ...options,
      openSocket: (target, handlers) => {
        const gateways = this.#gateways();
        return openWsSocket({ ...target, url: gateways[attempt++ % gateways.length]!.wsUrl }, handlers);
      },
    });
    this.#onClient(client);
    return client;
  }

  /** `PUT …/mute`, which the client library does not have yet. Answers the HTTP status. */
  async mute(group: string, user: string, untilMs: number): Promise<number> {
    const response = await fetch(`${this.httpUrl}/v1/groups/${group}/members/${user}/mute`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ untilMs }),
    });
    return response.status;
  }
}

export const encodings: readonly Encoding[] = ['protobuf', 'json'];

export const direct = (one: Person, other: Person): string =>
  one.id < other.id ? `d.${one.id}.${other.id}` : `d.${other.id}.${one.id}`;

/** Everything a device shows of a conversation, in its order. */
export const viewOf = (client: Client, conversation: string) =>
  client.conversation(conversation).segments.flatMap((segment) => segment.messages);

/** The texts of it, system messages left out. */
export const textsOf = (client: Client, conversation: string): string[] =>
  viewOf(client, conversation).flatMap(({ system, text }) => (system ? [] : [text ?? '']));

export const sequencesOf = (client: Client, conversation: string): number[] =>
  viewOf(client, conversation).map(({ sequence }) => sequence);

/** Waits until the device shows everything up to the sequence, without a hole. */
export async function untilTail(
  client: Client,
  conversation: string,
  sequence: number,
  limitMs = 15_000,
): Promise<void> {
  const view = client.conversation(conversation);
  await waitUntil(() => client.isCaughtUp && view.tail >= sequence && view.isComplete, {
    what: `${client.user || 'a device'} has ${conversation} up to ${sequence}`,
    limitMs,
  }).catch((error: unknown) => {
    const seen = `tail ${view.tail}, head ${view.head}, ${client.state}, inbox ${client.inboxPosition}`;
    throw new Error(`${(error as Error).message} (${seen})`, { cause: error });
  });
}

/** The code a refused operation was refused with; undefined when it was not. */
export const codeOf = (operation: Promise<unknown>): Promise<string | undefined> =>
  operation.then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );

/** 1 … last. */
export const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
