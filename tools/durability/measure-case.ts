// One case: servers with one setting, and commits through the journal adapter, one shard alone and many side by side.
import { NatsJournal, connectNats, provisionNats } from '@parley/adapters';
import type { ShardId } from '@parley/runtime';
import { startNats } from '@parley/testing/servers';
import { percentile } from '../percentile.ts';
import { type OnDisk, countSyncs } from './count-syncs.ts';

export type Sync = 'default' | 'always';

export interface CaseOptions {
  readonly replicas: 1 | 3;
  readonly sync: Sync;
  readonly seconds: number;
  readonly commitBytes: number;
}

export interface Measured {
  readonly replicas: number;
  readonly sync: Sync;
  readonly one_in_flight: {
    readonly per_second: number;
    readonly p50_ms: number;
    readonly p99_ms: number;
  };
  readonly many_in_flight: { readonly in_flight: number; readonly per_second: number };
  readonly on_disk: OnDisk;
}

/** An acknowledged commit; wall clock in milliseconds. */
export interface Ack {
  readonly askedAtMs: number;
  readonly ackedAtMs: number;
}

const manyShards = 256;
const journalParts = 4;
const warmUpMs = 500;
/** Under strace everything is several times slower; it only has to show what is done, not how fast. */
const countedMs = 2_000;

export async function measureCase(options: CaseOptions): Promise<Measured> {
  const { replicas, sync, seconds, commitBytes } = options;
  const nats = await startNats({ clusterOf: replicas, syncAlways: sync === 'always' });
  try {
    const link = await connectNats(nats.url, { name: 'durability' });
    const numbers = { shardCounts: { user: manyShards }, journalParts, commandParts: 1 };
    await provisionNats(link, { numbers, replicas });
    const journal = new NatsJournal(link, { parts: journalParts });
    const writers = Array.from({ length: manyShards }, (_, index) => new Writer(journal, index, commitBytes));
    await Promise.all(writers.map((writer) => writer.run(warmUpMs)));
    const one = await writers[0]!.run(seconds * 1000);
    const many = await Promise.all(writers.map((writer) => writer.run(seconds * 1000)));
    const counted = await countSyncs({
      pids: nats.servers.map(({ pid }) => pid),
      needed: replicas === 1 ? 1 : 2,
      work: () => writers[0]!.run(countedMs),
    });
    await link.close();
    const latencies = one.map(({ askedAtMs, ackedAtMs }) => ackedAtMs - askedAtMs);
    const at = (share: number) => Number(percentile(latencies, share).toFixed(2));
    return {
      replicas,
      sync,
      one_in_flight: { per_second: Math.round(one.length / seconds), p50_ms: at(0.5), p99_ms: at(0.99) },
      many_in_flight: {
        in_flight: manyShards,
        per_second: Math.round(many.reduce((sum, acks) => sum + acks.length, 0) / seconds),
      },
      on_disk: counted,
    };
  } finally {
    await nats.stop();
  }
}

/** One shard, as its owner commits: fenced, one in flight. */
class Writer {
  readonly #journal: NatsJournal;
  readonly #shard: ShardId;
  readonly #bytes: Uint8Array;
  #last = 0;
  #count = 0;

  constructor(journal: NatsJournal, index: number, bytes: number) {
    this.#journal = journal;
    this.#shard = { kind: 'user', index };
    this.#bytes = new Uint8Array(bytes).map(() => Math.floor(Math.random() * 256));
  }

  async run(durationMs: number): Promise<Ack[]> {
    const acks: Ack[] = [];
    const untilMs = now() + durationMs;
    while (now() < untilMs) {
      const askedAtMs = now();
      const commitId = `${this.#shard.index}:${++this.#count}`;
      const result = await this.#journal.append(this.#shard, this.#last, commitId, this.#bytes);
      if (result.outcome !== 'committed') throw new Error(`a commit ended with ${result.outcome}`);
      this.#last = result.sequence;
      acks.push({ askedAtMs, ackedAtMs: now() });
    }
    return acks;
  }
}

const now = (): number => performance.timeOrigin + performance.now();
