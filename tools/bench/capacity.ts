// What other machines would carry, by calculation: the CPU that a message costs in each process, measured, spread over the
// cores there are. The first part that cannot be split any further is the wall. docs/capacity.md explains it.
import { sumByKind } from './process-kind.ts';
import { type Result, round } from './result.ts';

/** Milliseconds for 1,000 messages, by part: of all its threads, and of its one main thread. */
export interface Costs {
  readonly gateway: number;
  readonly actors: number;
  readonly history: number;
  readonly nats: number;
  readonly redis: number;
  readonly actor_thread: number;
  readonly history_thread: number;
  /** Bytes NATS hands to storage for a message. */
  readonly nats_bytes: number;
}

export interface Plant {
  readonly cores: number;
  /** Three of them write everything three times, each on its own machine. */
  readonly nats_servers: 1 | 3;
  readonly shards: number;
  /** More than one needs a ClickHouse server instead of the embedded engine. */
  readonly histories: number;
}

export type Wall = 'cores' | 'shards' | 'history' | 'NATS' | 'Redis';

export interface Capacity extends Plant {
  readonly messages_per_s: number;
  readonly wall: Wall;
  /** What each part would carry if the others were without limit. */
  readonly limits: Readonly<Record<Wall, number>>;
  /** Processes that one thread each makes necessary at that rate. */
  readonly gateways: number;
  readonly session_actors: number;
  readonly nats_mb_per_s: number;
}

/** Beyond it queues grow without end. */
export const busyMax = 0.8;
/** An assumption: a server uses several cores, but each stream is appended to under one lock. */
export const coresOfNats = 4;

/** What a wall is, and what moves it. */
export const walls: Readonly<Record<Wall, { readonly means: string; readonly movedBy: string }>> = {
  cores: { means: 'all cores are busy', movedBy: 'more cores' },
  shards: { means: 'every shard is a busy thread', movedBy: 'more shards, chosen when the cluster is made' },
  history: {
    means: 'the thread of each history process is busy',
    movedBy: 'a ClickHouse server and more history processes',
  },
  NATS: {
    means: `each NATS server uses ${coresOfNats} cores`,
    movedBy: 'more than three servers: each then leads and follows fewer streams',
  },
  Redis: { means: 'the thread of Redis is busy', movedBy: 'a Redis cluster' },
};

/** The load generator is no part of what is carried. */
export function costsOf(result: Result): Costs {
  const ms = sumByKind(result.cpu_s_per_1000 ?? {});
  const cpu = (kind: string): number => (ms[kind] ?? 0) * 1_000;
  const thousandsPerSecond = (result.acked_per_s ?? 0) / 1_000;
  const busy = sumByKind(result.main_thread_busy ?? {});
  // Results of before the threads were measured: then all of a process counts as its one thread.
  const thread = (kind: string): number =>
    busy[kind] === undefined || thousandsPerSecond === 0
      ? cpu(kind)
      : (busy[kind] * 1_000) / thousandsPerSecond;
  return {
    gateway: cpu('gateway'),
    actors: cpu('session-actor') + cpu('group-actor'),
    history: cpu('history'),
    nats: cpu('nats-server'),
    redis: cpu('redis-server'),
    actor_thread: thread('session-actor') + thread('group-actor'),
    history_thread: thread('history'),
    nats_bytes: (sumByKind(result.written_bytes_per_1000 ?? {})['nats-server'] ?? 0) / 1_000,
  };
}

export function capacityOf(costs: Costs, plant: Plant): Capacity {
  const { cores, nats_servers, shards, histories } = plant;
  // Each of three servers leads a third of the streams and follows the other two thirds, which is taken to cost the same.
  const everything = costs.gateway + costs.actors + costs.history + costs.redis + costs.nats * nats_servers;
  const limits: Record<Wall, number> = {
    cores: perSecond(cores, everything),
    shards: perSecond(shards, costs.actor_thread),
    history: perSecond(histories, costs.history_thread),
    NATS: perSecond(coresOfNats, costs.nats),
    Redis: perSecond(1, costs.redis),
  };
  const [wall, rate] = (Object.entries(limits) as [Wall, number][]).reduce((least, one) =>
    one[1] < least[1] ? one : least,
  );
  const processes = (ms: number): number => Math.max(1, Math.ceil(rate / perSecond(1, ms)));
  return {
    ...plant,
    messages_per_s: rate,
    wall,
    limits,
    gateways: processes(costs.gateway),
    session_actors: processes(costs.actor_thread),
    nats_mb_per_s: round((rate * costs.nats_bytes) / 1_000_000, 1),
  };
}

/** Messages a second that so many cores carry, at so many milliseconds for 1,000. */
const perSecond = (cores: number, msPer1000: number): number =>
  msPer1000 > 0 ? Math.floor((cores * busyMax * 1_000_000) / msPer1000) : Number.MAX_SAFE_INTEGER;

/** From the embedded cluster of a small machine to what a large one takes. */
export const usualPlants: readonly Plant[] = [
  { cores: 2, nats_servers: 1, shards: 8, histories: 1 },
  { cores: 16, nats_servers: 1, shards: 8, histories: 1 },
  { cores: 16, nats_servers: 1, shards: 64, histories: 4 },
  { cores: 16, nats_servers: 3, shards: 64, histories: 4 },
  { cores: 64, nats_servers: 1, shards: 64, histories: 16 },
  { cores: 64, nats_servers: 3, shards: 64, histories: 16 },
];
