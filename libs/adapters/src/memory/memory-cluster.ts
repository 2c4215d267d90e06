// The twin of a NATS cluster: the data that outlives processes, in memory and under a given clock. Each process of a
// test or of the simulator gets its own node; cutting a node off is what a crash or a lost network looks like.
import { type Clock, assert } from '@parley/std';
import { streams, subjects } from '@parley/protocol';
import type { ShardId } from '@parley/runtime';
import { MemoryBucket } from './memory-bucket.ts';
import type { MemoryFaults } from './memory-faults.ts';
import type { MemorySubscription } from './memory-messenger.ts';
import { MemoryNode } from './memory-node.ts';
import { MemoryStream } from './memory-stream.ts';

export interface MemoryClusterOptions {
  readonly clock: Clock;
  /** Journal streams per kind; shards of one part share a sequence. Default 4. */
  readonly journalParts?: number;
  /** Command streams per kind. Default 4. */
  readonly commandParts?: number;
  /** How long a call waits for its answer. Default 5,000 ms. */
  readonly callTimeoutMs?: number;
  readonly faults?: MemoryFaults;
  /** 3: appends behave as in a replicated stream, see MemoryJournal. Default 1. */
  readonly replicas?: 1 | 3;
  /** Clock by which entries expire. Default `clock`. */
  readonly expiryClock?: Clock;
}

export class MemoryCluster {
  readonly clock: Clock;
  readonly callTimeoutMs: number;
  readonly replicas: 1 | 3;
  /** May be exchanged at any time. */
  faults: MemoryFaults;
  /** Every subscription of every node, in the order they were made. */
  readonly subscriptions = new Set<MemorySubscription>();
  /** What history has stored, by shard name. */
  readonly watermarks = new Map<string, number>();

  readonly #expiryClock: Clock;
  readonly #journalParts: number;
  readonly #commandParts: number;
  readonly #streams = new Map<string, MemoryStream>();
  readonly #buckets = new Map<string, MemoryBucket>();
  readonly #nodes = new Map<string, MemoryNode>();

  constructor(options: MemoryClusterOptions) {
    this.clock = options.clock;
    this.callTimeoutMs = options.callTimeoutMs ?? 5_000;
    this.replicas = options.replicas ?? 1;
    this.faults = options.faults ?? {};
    this.#expiryClock = options.expiryClock ?? options.clock;
    this.#journalParts = options.journalParts ?? 4;
    this.#commandParts = options.commandParts ?? 4;
    assert(this.#journalParts > 0, 'MemoryCluster: journalParts must be positive');
    assert(this.#commandParts > 0, 'MemoryCluster: commandParts must be positive');
  }

  /**
   * The connection of one process. The same name gives the same node; a restarted process takes a new name. `clock` is
   * the process's own, for timeouts on its side.
   */
  node(name: string, clock?: Clock): MemoryNode {
    let node = this.#nodes.get(name);
    if (node === undefined) this.#nodes.set(name, (node = new MemoryNode(this, name, clock)));
    return node;
  }

  /** The stream and subject that hold a shard's commits. */
  journal(shard: ShardId): { readonly stream: MemoryStream; readonly subject: string } {
    return {
      stream: this.#stream(streams.journal(shard.kind, shard.index % this.#journalParts)),
      subject: subjects.journal(shard.kind, shard.index),
    };
  }

  /** The stream and subject that hold a shard's commands. */
  commands(shard: ShardId): { readonly stream: MemoryStream; readonly subject: string } {
    return {
      stream: this.#stream(streams.command(shard.kind, shard.index % this.#commandParts)),
      subject: subjects.command(shard.kind, shard.index),
    };
  }

  bucket(name: string): MemoryBucket {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) this.#buckets.set(name, (bucket = new MemoryBucket(this.#expiryClock)));
    return bucket;
  }

  #stream(name: string): MemoryStream {
    let stream = this.#streams.get(name);
    if (stream === undefined) this.#streams.set(name, (stream = new MemoryStream()));
    return stream;
  }
}
