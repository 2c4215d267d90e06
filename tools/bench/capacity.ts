// What other machines would carry, by calculation: the CPU that a message costs in each process, measured, spread over the
// cores there are. The first part that cannot be split any further is the wall.
import type { Result } from './result.ts';

/** CPU seconds for 1,000 messages, by part. */
export interface Costs {
  readonly gateway: number;
  readonly actors: number;
  readonly nats: number;
  readonly history: number;
  readonly redis: number;
}

export interface Plant {
  readonly cores: number;
  /** Three of them write everything three times, each on its own machine. */
  readonly natsServers: 1 | 3;
  readonly shards: number;
}

export interface Capacity {
  readonly messagesPerSecond: number;
  /** What gives out first. */
  readonly wall: 'all cores are busy' | 'one shard is one core' | 'one history process' | 'one NATS server';
}

/** A shard's events are decided by one thread of one process. */
const coresOfShard = 1;
/** One history process writes; the engine inside it has threads of its own, the projection has one. */
const coresOfHistory = 1;
/** A NATS server uses several cores, but one stream is led by one server and appended to by one thread. */
const coresOfNats = 4;
/** Beyond it queues grow without end. */
const busyMax = 0.8;

/** The load generator is no part of what is carried. */
export function costsOf({ cpu_s_per_1000 = {} }: Pick<Result, 'cpu_s_per_1000'>): Costs {
  const of = (start: string): number =>
    Object.entries(cpu_s_per_1000)
      .filter(([name]) => name.startsWith(start))
      .reduce((sum, [, seconds]) => sum + seconds, 0);
  return {
    gateway: of('gateway'),
    actors: of('session-actor') + of('group-actor'),
    nats: of('nats-server'),
    history: of('history'),
    redis: of('redis-server'),
  };
}

export function capacityOf(costs: Costs, { cores, natsServers, shards }: Plant): Capacity {
  const { gateway, actors, nats, history, redis } = costs;
  // Copies are written by the other servers; the leader's work stays the same, and each leads a third of the streams.
  const everything = gateway + actors + history + redis + nats * natsServers;
  const limits: [Capacity['wall'], number][] = [
    ['all cores are busy', perSecond(cores, everything)],
    ['one shard is one core', perSecond(coresOfShard * Math.min(shards, cores), actors)],
    ['one history process', perSecond(coresOfHistory, history)],
    ['one NATS server', perSecond(Math.min(coresOfNats * natsServers, cores), nats * natsServers)],
  ];
  const [wall, messagesPerSecond] = limits.reduce((least, one) => (one[1] < least[1] ? one : least));
  return { messagesPerSecond: Math.floor(messagesPerSecond), wall };
}

const perSecond = (cores: number, secondsPer1000: number): number =>
  secondsPer1000 > 0 ? (cores * busyMax * 1_000) / secondsPer1000 : Infinity;

export function showCapacity(costs: Costs, shards: number): string {
  const total = costs.gateway + costs.actors + costs.nats + costs.history + costs.redis;
  const parts = Object.entries(costs).map(
    ([name, seconds]) =>
      `  ${name.padEnd(10)} ${(seconds * 1_000).toFixed(1).padStart(8)} ms of CPU for 1,000 messages (${((100 * seconds) / total).toFixed(0)} %)`,
  );
  const plants = [2, 16, 64].flatMap((cores) =>
    ([1, 3] as const).map((natsServers) => {
      const { messagesPerSecond, wall } = capacityOf(costs, { cores, natsServers, shards });
      return `  ${String(cores).padStart(3)} cores, ${natsServers} NATS server${natsServers === 1 ? ' ' : 's'} ${messagesPerSecond.toLocaleString('en').padStart(12)} messages/s: ${wall}`;
    }),
  );
  return `${parts.join('\n')}\n\nby calculation, at ${busyMax * 100} % busy, ${shards} shards:\n${plants.join('\n')}\n`;
}
