// A cluster of its own on which a window is played again, and the people in it. Their tokens come from an issuer of ours.
import { type Client, HttpApi, MemoryStore, createClient } from '@parley/client';
import { type Cluster, startCluster } from '@parley/testing/servers';
import { inParallel } from '@parley/std';
import { type Issuer, startIssuer } from '../issuer.ts';
import type { PastState } from './past-reader.ts';

/** Sockets open at a time; the one used longest ago makes room. */
const clientsMax = 500;
const registeringAtOnce = 16;

/** People here only send. */
class ForgetfulStore extends MemoryStore {
  override append(): void {}
}

export class Stage {
  readonly cluster: Cluster;
  readonly #issuer: Issuer;
  /** The one used last comes last. */
  readonly #clients = new Map<string, Client>();

  private constructor(cluster: Cluster, issuer: Issuer) {
    this.cluster = cluster;
    this.#issuer = issuer;
  }

  /** `policy`: what the group gets when it is made. */
  static async open(
    tenant: string,
    policy: PastState['policy'],
    log: (line: string) => void,
  ): Promise<Stage> {
    const issuer = await startIssuer(tenant);
    try {
      const env: Record<string, string> = {
        PARLEY_AUTH_ISSUERS: issuer.setting,
        PARLEY_HTTP_REQUESTS_PER_MINUTE: '10000000',
      };
      if (policy !== undefined) {
        env['PARLEY_GROUP_MEMBERS_MAX'] = String(policy.membersMax);
        env['PARLEY_GROUP_LARGE_FROM'] = String(policy.largeFrom);
        env['PARLEY_GROUP_SMALL_TO'] = String(policy.smallTo);
      }
      return new Stage(await startCluster({ env, log }), issuer);
    } catch (error) {
      issuer.stop();
      throw error;
    }
  }

  /** With an external issuer people come into being with their first request. */
  async letIn(people: Iterable<string>): Promise<void> {
    await inParallel([...people], registeringAtOnce, (user) => this.get(user, '/v1/me'));
  }

  async api(user: string): Promise<HttpApi> {
    return new HttpApi({ url: this.#httpUrl, token: await this.#issuer.tokenOf(user) });
  }

  async get(user: string, path: string): Promise<Record<string, unknown>> {
    return this.#call(user, 'GET', path);
  }

  async put(user: string, path: string, body: object): Promise<void> {
    await this.send(user, 'PUT', path, body);
  }

  async send(user: string, method: 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<void> {
    await this.#call(user, method, path, body);
  }

  async client(user: string): Promise<Client> {
    const found = this.#clients.get(user);
    if (found !== undefined) {
      this.#clients.delete(user);
      this.#clients.set(user, found);
      return found;
    }
    const [[oldest, idle] = []] = this.#clients;
    if (this.#clients.size >= clientsMax && oldest !== undefined) {
      idle?.close();
      this.#clients.delete(oldest);
    }
    const client = createClient({
      url: this.cluster.gateways[0]!.wsUrl,
      getToken: () => this.#issuer.tokenOf(user),
      deviceId: 'replay',
      store: new ForgetfulStore(),
    });
    this.#clients.set(user, client);
    await client.connect();
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    await this.cluster.stop();
    this.#issuer.stop();
  }

  get #httpUrl(): string {
    return this.cluster.gateways[0]!.httpUrl;
  }

  async #call(user: string, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const answer = await fetch(this.#httpUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${await this.#issuer.tokenOf(user)}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const json = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    if (!answer.ok) throw new Error(String(json['code'] ?? answer.status));
    return json;
  }
}
