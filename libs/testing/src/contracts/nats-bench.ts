// The bench of the NATS adapters: real servers, one link per process.
import {
  type NatsLink,
  NatsCommandLog,
  NatsJournal,
  NatsKeyValueStore,
  NatsMessenger,
  NatsSnapshotStore,
  NatsTrimGuard,
  connectNats,
  provisionNats,
} from '@parley/adapters';
import { buckets } from '@parley/protocol';
import { shardName } from '@parley/runtime';
import { waitUntil } from '../servers/wait-until.ts';
import { FreshNames, type PortBench, type PortNode, benchShards, bytesOf } from './port-bench.ts';

export interface NatsBenchOptions {
  readonly url: string;
  /** Copies of each stream: 3 needs three servers. Default 1. */
  readonly replicas?: number;
  /** Takes care of the servers when the bench stops. */
  readonly stop?: () => Promise<void>;
}

export interface NatsBenchNode extends PortNode {
  readonly link: NatsLink;
  /** What readers and watches said about new consumers, newest last. */
  readonly restarts: readonly string[];
}

export interface NatsBench extends PortBench {
  /** `url` replaces the bench's, to go through a proxy. */
  node(name: string, url?: string): Promise<NatsBenchNode>;
}

export async function natsBench(options: NatsBenchOptions): Promise<NatsBench> {
  const fresh = new FreshNames();
  const nodes = new Map<string, Promise<NatsBenchNode>>();
  const replicas = options.replicas ?? 1;
  const numbers = { shardCounts: { user: benchShards } };
  const operator = await connectNats(options.url, { name: 'bench' });
  const { journalParts, commandParts } = (await provisionNats(operator, { numbers, replicas })).numbers;
  await operator.close();

  const open = async (name: string, url: string): Promise<NatsBenchNode> => {
    const link = await connectNats(url, { name });
    const restarts: string[] = [];
    const note = (_: unknown, reason: string) => void restarts.push(reason);
    const keyValues = new NatsKeyValueStore(link, { replicas, relistIntervalMs: 1_000, onTrouble: note });
    return {
      link,
      restarts,
      journal: new NatsJournal(link, { parts: journalParts, onReaderRestart: note }),
      commandLog: new NatsCommandLog(link, { parts: commandParts, onReaderRestart: note }),
      keyValues,
      messenger: new NatsMessenger(link),
      trimGuard: new NatsTrimGuard(keyValues),
      snapshots: (bucket) => new NatsSnapshotStore(link, bucket, { replicas }),
    };
  };
  const node = (name: string, url = options.url) => {
    let opened = nodes.get(name);
    if (opened === undefined) nodes.set(name, (opened = open(name, url)));
    return opened;
  };

  return {
    node,
    freshShard: () => fresh.shard(),
    freshName: (prefix) => fresh.name(prefix),
    advanceWatermark: async (shard, sequence) => {
      const watermarks = await (await node('history')).keyValues.bucket(buckets.watermarks);
      const revision = (await watermarks.get(shardName(shard)))?.revision ?? 0;
      await watermarks.write(shardName(shard), bytesOf(String(sequence)), revision);
    },
    until: async (what, condition, limitMs) => {
      await waitUntil(condition, { what, ...(limitMs === undefined ? {} : { limitMs }), everyMs: 10 });
    },
    stop: async () => {
      for (const opened of nodes.values()) await (await opened).link.close();
      await options.stop?.();
    },
  };
}
