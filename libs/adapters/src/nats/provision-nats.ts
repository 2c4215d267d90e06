// Creates the streams and buckets a cluster needs, or checks those that are there. Every process that owns or reads
// shards calls it at start; any number of them at the same time. The numbers that decide where data lies are fixed by
// the first one and kept in the config bucket.
import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { buckets, shardKinds, streams, subjects } from '@parley/protocol';
import type { KeyValue } from '@parley/runtime';
import { assert } from '@parley/std';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureStream } from './ensure-stream.ts';
import { asError, isPassing } from './nats-errors.ts';
import { ensureBucket } from './bucket-stream.ts';
import { NatsKeyValueStore } from './nats-key-value-store.ts';
import type { NatsLink } from './nats-link.ts';

/** Numbers fixed when the cluster was created: another value would orphan what is stored. */
export interface ClusterNumbers {
  /** Shards by kind. */
  readonly shardCounts: Readonly<Record<string, number>>;
  /** Journal streams per kind; a shard's is its index modulo this. */
  readonly journalParts: number;
  /** Command streams per kind. */
  readonly commandParts: number;
}

/** The same number of shards for each kind. */
export const clusterNumbers = (shards: number): Pick<ClusterNumbers, 'shardCounts'> => ({
  shardCounts: Object.fromEntries(shardKinds.map((kind) => [kind, shards])),
});

export interface ProvisionOptions {
  /** What to create the cluster with; default 8 shards for each kind and 4 streams. An existing cluster keeps its own. */
  readonly numbers?: Partial<ClusterNumbers>;
  /** Copies of each stream and bucket created: 1 (development) or 3. Default 1. */
  readonly replicas?: number;
  /** Commands nobody took for this long are dropped by the server. Default 7 days. */
  readonly commandMaxAgeMs?: number;
  /** Size of one command stream; when full, publishes reject and offers are lost. Default 256 MiB. */
  readonly commandBytesMax?: number;
  /** How long to go on while JetStream is not ready (a cluster that forms, an election), then rejects. Default 60,000 ms. */
  readonly readyTimeoutMs?: number;
  /** Called before each new try: one line for the operator. */
  readonly onWaiting?: (message: string) => void;
  /** How long the server remembers commit ids, in its memory. Default 60,000 ms. */
  readonly duplicateWindowMs?: number;
}

export interface Provisioned {
  /** The numbers of this cluster: what was stored, not what was asked for. */
  readonly numbers: ClusterNumbers;
  /** One line for the operator for each number that was asked for differently. */
  readonly mismatches: readonly string[];
}

const shardCountDefault = 8;
const partsDefault = 4;
const commandMaxAgeMsDefault = 7 * 24 * 3_600_000;
const commandBytesMaxDefault = 256 * 1024 * 1024;
const duplicateWindowMsDefault = 60_000;
const readyTimeoutMsDefault = 60_000;
const readyPauseMs = 500;
const configKey = 'cluster';

export async function provisionNats(link: NatsLink, options: ProvisionOptions = {}): Promise<Provisioned> {
  const startedMs = performance.now();
  const readyTimeoutMs = options.readyTimeoutMs ?? readyTimeoutMsDefault;
  for (;;) {
    try {
      return await provision(link, options);
    } catch (cause) {
      const waitedMs = Math.round(performance.now() - startedMs);
      if (!isPassing(cause)) throw cause;
      if (waitedMs > readyTimeoutMs)
        throw new Error(`JetStream not ready within ${readyTimeoutMs} ms`, { cause });
      options.onWaiting?.(`waiting for JetStream since ${waitedMs} ms: ${asError(cause).message}`);
      await delay(readyPauseMs);
    }
  }
}

async function provision(link: NatsLink, options: ProvisionOptions): Promise<Provisioned> {
  const replicas = options.replicas ?? 1;
  const config = await new NatsKeyValueStore(link, { replicas }).bucket(buckets.config);
  const asked = options.numbers ?? {};
  const numbers = await agree(config, withDefaults(asked));
  await ensureBuckets(link, Object.keys(numbers.shardCounts), replicas);
  await ensureJournals(link, numbers, options);
  await ensureCommandLogs(link, numbers, options);
  return { numbers, mismatches: compare(asked, numbers) };
}

function withDefaults(asked: Partial<ClusterNumbers>): ClusterNumbers {
  const shardCounts = Object.fromEntries(shardKinds.map((kind) => [kind, shardCountDefault]));
  return {
    shardCounts: { ...shardCounts, ...asked.shardCounts },
    journalParts: asked.journalParts ?? partsDefault,
    commandParts: asked.commandParts ?? partsDefault,
  };
}

/** Creates the row if nobody has, and returns what is stored. */
async function agree(config: KeyValue, wanted: ClusterNumbers): Promise<ClusterNumbers> {
  for (const count of [...Object.values(wanted.shardCounts), wanted.journalParts, wanted.commandParts]) {
    assert(Number.isInteger(count) && count > 0, `provisionNats: ${count} is no count`);
  }
  const stored = await config.get(configKey);
  if (stored !== undefined) return parse(stored.value);
  const value = new TextEncoder().encode(JSON.stringify({ format: 1, ...wanted }));
  const result = await config.write(configKey, value, 0);
  if (result.outcome === 'written') return wanted;
  const winner = await config.get(configKey);
  assert(winner !== undefined, 'provisionNats: the cluster row was written and is gone');
  return parse(winner.value);
}

function parse(value: Uint8Array): ClusterNumbers {
  const row = JSON.parse(new TextDecoder().decode(value)) as Partial<ClusterNumbers> & { format?: number };
  const { format, shardCounts, journalParts, commandParts } = row;
  if (format !== 1) throw new Error(`cluster config: unknown format ${format}`);
  if (shardCounts === undefined || journalParts === undefined || commandParts === undefined) {
    throw new Error('cluster config: numbers are missing');
  }
  return { shardCounts, journalParts, commandParts };
}

function compare(asked: Partial<ClusterNumbers>, stored: ClusterNumbers): string[] {
  const pairs: [string, number | undefined, number | undefined][] = [
    ['journalParts', asked.journalParts, stored.journalParts],
    ['commandParts', asked.commandParts, stored.commandParts],
    ...Object.entries(asked.shardCounts ?? {}).map(([kind, count]): [string, number, number | undefined] => [
      `shards of kind ${kind}`,
      count,
      stored.shardCounts[kind],
    ]),
  ];
  return pairs
    .filter(([, wanted, is]) => wanted !== undefined && wanted !== is)
    .map(([what, wanted, is]) => `${what}: ${wanted} asked for, but the cluster was created with ${is}`);
}

async function ensureBuckets(link: NatsLink, kinds: readonly string[], replicas: number): Promise<void> {
  const { config, members, owners, checkpoints, watermarks, deletions, tenants, words } = buckets;
  const small = [config, members, owners, checkpoints, watermarks, deletions, tenants, words];
  const names = [...small, ...kinds.map(buckets.snapshots)];
  for (const name of names) await ensureBucket(link.control.jsm, name, replicas);
}

/** Nothing but our own trimming removes a commit; when a limit that an operator set is reached, appends fail. */
async function ensureJournals(
  link: NatsLink,
  numbers: ClusterNumbers,
  options: ProvisionOptions,
): Promise<void> {
  for (const { kind, part, shards } of eachPart(numbers.shardCounts, numbers.journalParts)) {
    await ensureStream(link.control.jsm, {
      name: streams.journal(kind, part),
      subjects: shards.map((shard) => subjects.journal(kind, shard)),
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      num_replicas: options.replicas ?? 1,
      discard: DiscardPolicy.New,
      max_msgs: -1,
      max_msgs_per_subject: -1,
      max_age: 0,
      allow_direct: true,
      duplicate_window: nanos(options.duplicateWindowMs ?? duplicateWindowMsDefault),
    });
  }
}

async function ensureCommandLogs(
  link: NatsLink,
  numbers: ClusterNumbers,
  options: ProvisionOptions,
): Promise<void> {
  for (const { kind, part, shards } of eachPart(numbers.shardCounts, numbers.commandParts)) {
    await ensureStream(
      link.control.jsm,
      {
        name: streams.command(kind, part),
        subjects: shards.map((shard) => subjects.command(kind, shard)),
        retention: RetentionPolicy.Limits,
        storage: StorageType.File,
        num_replicas: options.replicas ?? 1,
        // Refuse new ones rather than forget old ones: those were acknowledged to the shard that sent them.
        discard: DiscardPolicy.New,
        max_msgs: -1,
        max_msgs_per_subject: -1,
        max_bytes: options.commandBytesMax ?? commandBytesMaxDefault,
        max_age: nanos(options.commandMaxAgeMs ?? commandMaxAgeMsDefault),
        allow_direct: true,
        duplicate_window: nanos(options.duplicateWindowMs ?? duplicateWindowMsDefault),
      },
      ['max_age'],
    );
  }
}

interface Part {
  readonly kind: string;
  readonly part: number;
  /** Indexes of the shards that live in it. */
  readonly shards: readonly number[];
}

/** The parts that have shards: subjects of two streams must not overlap, so each part lists its own. */
function* eachPart(shardCounts: ClusterNumbers['shardCounts'], parts: number): Iterable<Part> {
  for (const [kind, count] of Object.entries(shardCounts)) {
    for (let part = 0; part < Math.min(parts, count); part++) {
      const shards = [];
      for (let shard = part; shard < count; shard += parts) shards.push(shard);
      yield { kind, part, shards };
    }
  }
}
