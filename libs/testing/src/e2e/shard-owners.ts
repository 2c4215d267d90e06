// Who owns which shards, read from the owners bucket: so that a test of a death kills a process that has shards.
import { NatsKeyValueStore, type NatsLink, connectNats } from '@parley/adapters';
import { buckets } from '@parley/protocol';
import type { KeyValue } from '@parley/runtime';
import { type AppHandle, type AppName, type Cluster, waitUntil } from '../servers/index.ts';

export class ShardOwners {
  readonly #cluster: Cluster;
  readonly #link: NatsLink;
  readonly #rows: KeyValue;

  private constructor(cluster: Cluster, link: NatsLink, rows: KeyValue) {
    this.#cluster = cluster;
    this.#link = link;
    this.#rows = rows;
  }

  static async connect(cluster: Cluster): Promise<ShardOwners> {
    const link = await connectNats(cluster.natsUrl, { name: 'e2e' });
    return new ShardOwners(cluster, link, await new NatsKeyValueStore(link).bucket(buckets.owners));
  }

  /** Waits until every shard is owned by a running actor, and none is on its way to another. */
  async untilSettled(): Promise<void> {
    const actors = this.#cluster.apps.filter((app) => app.name.endsWith('actor') && app.isRunning());
    await waitUntil(
      async () =>
        (await this.#list()).every(
          ({ owner, target }) => owner === target && actors.some(({ nodeId }) => nodeId === owner),
        ),
      { what: 'every shard has its owner', limitMs: 30_000, everyMs: 100 },
    ).catch(async (error: unknown) => {
      const rows = (await this.#list()).map(({ owner, target }) => `${owner} → ${target}`);
      throw new Error(`${(error as Error).message}: ${rows.join(', ')}`, { cause: error });
    });
  }

  /** The process of that app with the most shards: with few shards, chance may give another none at all. */
  async busiest(name: AppName): Promise<AppHandle> {
    const rows = await this.#list();
    const shardsOf = (app: AppHandle) => rows.filter(({ owner }) => owner === app.nodeId).length;
    const apps = this.#cluster.apps.filter((app) => app.name === name && app.isRunning());
    return apps.reduce((best, app) => (shardsOf(app) > shardsOf(best) ? app : best));
  }

  /** Waits until others have taken all shards of a process. */
  async untilOwnerless(nodeId: string): Promise<void> {
    await waitUntil(
      async () => (await this.#list()).every(({ owner }) => owner !== nodeId && owner !== null),
      {
        what: `${nodeId} has no shards`,
        limitMs: 30_000,
        everyMs: 100,
      },
    );
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async #list(): Promise<readonly { readonly owner: string | null; readonly target: string | null }[]> {
    const entries = await this.#rows.list();
    return entries.map(({ value }) => JSON.parse(Buffer.from(value).toString()) as never);
  }
}
