// A running cluster behind the sources. Creates and changes nothing there: short-lived consumers to read journals with are
// all that NATS sees of it.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type ClusterNumbers,
  NatsJournal,
  type NatsLink,
  NatsMessenger,
  NatsSnapshotStore,
  NatsUnusable,
  connectNats,
} from '@parley/adapters';
import { buckets, streams, subjects } from '@parley/protocol';
import { askOwner, type ShardId, shardName } from '@parley/runtime';
import { type Sources, Unreachable } from './sources.ts';

const connectLimitMs = 3_000;
const askLimitMs = 3_000;
const historyLimitMs = 10_000;
/** Chunks of large snapshots live below this first token; keys never begin with it. */
const chunkToken = '~';

/** `--nats`, else PARLEY_NATS_URL, else the NATS that `npm start` has started on this data folder. */
export async function natsUrlOf(options: {
  readonly nats?: string | undefined;
  readonly data: string;
}): Promise<string> {
  const given = options.nats ?? process.env['PARLEY_NATS_URL'];
  if (given) return given;
  const file = path.join(options.data, 'nats', 'nats.conf');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  const address = text?.match(/^listen: "([^"]+)"/m)?.[1];
  if (address !== undefined) return `nats://${address}`;
  throw new Unreachable(
    `no cluster: set PARLEY_NATS_URL or --nats, or name the data folder of npm start with --data (${options.data} is none)`,
  );
}

export async function connectSources(
  url: string,
): Promise<Sources & { readonly link: NatsLink; close(): Promise<void> }> {
  const link = await connectNats(url, { name: 'verify', startTimeoutMs: connectLimitMs }).catch(
    (cause: unknown) => {
      const reason = (cause as Error).message;
      const why = cause instanceof NatsUnusable ? reason : `${reason}: is the cluster running?`;
      throw new Unreachable(why, { cause });
    },
  );
  try {
    const { numbers, replicas } = await readNumbers(link);
    return { ...sourcesOn(link, numbers, replicas), link, close: () => link.close() };
  } catch (cause) {
    await link.close();
    throw cause;
  }
}

/** Read without the stores, which would create what is not there. */
async function readNumbers(
  link: NatsLink,
): Promise<{ readonly numbers: ClusterNumbers; readonly replicas: number }> {
  const stream = `KV_${buckets.config}`;
  try {
    const { jsm } = link.control;
    const row = await jsm.streams.getMessage(stream, { last_by_subj: `$KV.${buckets.config}.cluster` });
    const info = await jsm.streams.info(stream);
    if (row === null) throw new Error('its numbers are not there');
    return {
      numbers: JSON.parse(Buffer.from(row.data).toString()) as ClusterNumbers,
      replicas: info.config.num_replicas,
    };
  } catch (cause) {
    const { message } = cause as Error;
    throw new Unreachable(`there is no Parley cluster on this NATS (${message})`, { cause });
  }
}

function sourcesOn(link: NatsLink, numbers: ClusterNumbers, replicas: number): Sources {
  const messenger = new NatsMessenger(link);
  const { jsm } = link.bulk;
  const parts = numbers.journalParts;
  const stores = new Map<string, NatsSnapshotStore>();
  return {
    shardCounts: numbers.shardCounts,
    journal: new NatsJournal(link, { parts }),
    async firstSequence(shard: ShardId) {
      const stream = streams.journal(shard.kind, shard.index % parts);
      // The client library asks for a subject's first message only of replicas, which may be behind.
      const request = JSON.stringify({ seq: 1, next_by_subj: subjects.journal(shard.kind, shard.index) });
      const { connection } = link.bulk;
      const answer = await connection.request(`$JS.API.STREAM.MSG.GET.${stream}`, request, {
        timeout: askLimitMs,
      });
      return answer.json<{ readonly message?: { readonly seq: number } }>().message?.seq ?? 0;
    },
    async snapshotKeys(kind) {
      const bucket = buckets.snapshots(kind);
      const prefix = `$KV.${bucket}.`;
      const info = await jsm.streams.info(`KV_${bucket}`, { subjects_filter: `${prefix}>` });
      return Object.keys(info.state.subjects ?? {})
        .map((subject) => subject.slice(prefix.length))
        .filter((key) => !key.startsWith(`${chunkToken}.`));
    },
    snapshot(kind, key) {
      let store = stores.get(kind);
      if (store === undefined)
        stores.set(kind, (store = new NatsSnapshotStore(link, buckets.snapshots(kind), { replicas })));
      return store.load(key);
    },
    async watermark(shard) {
      const subject = `$KV.${buckets.watermarks}.${shardName(shard)}`;
      const row = await jsm.streams.getMessage(`KV_${buckets.watermarks}`, { last_by_subj: subject });
      return row === null ? 0 : Number(Buffer.from(row.data).toString());
    },
    ask: (shard, query) => askOwner(messenger, subjects.query(shard.kind, shard.index), query, askLimitMs),
    historyPage: (request) => messenger.request(subjects.history('page'), request, historyLimitMs),
  };
}
