// Faults of single calls and messages, as the real transport can have them: lost requests and answers, delays, a log whose
// leader is gone, a store that refuses, a slow process. Also the place where a process is hit in the middle of a call.
import type { MemoryCall, MemoryFate, MemoryFaults, MemoryOperation } from '@parley/adapters';
import { buckets } from '@parley/protocol';
import type { Random } from '@parley/std';
import type { FaultCounts } from './fault-counts.ts';

/** Calls that may be lost one by one. */
const lossy: ReadonlySet<MemoryOperation> = new Set([
  'journal.append',
  'journal.last',
  'journal.read',
  'journal.trim',
  'command.offer',
  'command.publish',
  'command.trim',
  'command.end',
  'kv.get',
  'kv.write',
  'kv.delete',
  'kv.watch',
  'snapshot.load',
  'snapshot.save',
  'message.publish',
  'message.request',
  'message.deliver',
  'message.respond',
  'message.flush',
  'trim-guard.read',
]);

/** Hits the process that makes the next such call. */
export interface Ambush {
  readonly operation: MemoryOperation;
  readonly node: string;
  strike(): MemoryFate;
}

/** An append that a replicated log has taken in but not yet agreed on keeps the next one waiting this long, at most. */
const proposedMsMax = 60;
/** Share of the calls to a log without leader that are carried out all the same, unanswered, while it goes. */
const survivesShare = 0.3;
const dyingMs = 20;

export class CallFaults implements MemoryFaults {
  isStormy = true;
  snapshotsFail = false;
  readonly slow = new Set<string>();
  ambush: Ambush | undefined;
  readonly #random: Random;
  readonly #nowMs: () => number;
  readonly #counts: FaultCounts;
  readonly #lossShare: number;
  readonly #replicas: number;
  /** Streams and buckets without a leader: since and until when. */
  readonly #leaderless = new Map<string, { sinceMs: number; untilMs: number }>();
  readonly #proposedUntilMs = new Map<string, number>();

  constructor(options: {
    readonly random: Random;
    readonly nowMs: () => number;
    readonly counts: FaultCounts;
    readonly lossShare: number;
    readonly replicas: number;
  }) {
    this.#random = options.random;
    this.#nowMs = options.nowMs;
    this.#counts = options.counts;
    this.#lossShare = options.lossShare;
    this.#replicas = options.replicas;
  }

  /** `streams` as `streamOf` names them. */
  loseLeader(streams: readonly string[], durationMs: number): void {
    const sinceMs = this.#nowMs();
    for (const stream of streams) this.#leaderless.set(stream, { sinceMs, untilMs: sinceMs + durationMs });
  }

  calm(): void {
    this.isStormy = false;
    this.snapshotsFail = false;
    this.ambush = undefined;
    this.slow.clear();
    this.#leaderless.clear();
  }

  fate(call: MemoryCall): MemoryFate {
    if (!this.isStormy) return 'ok';
    const { ambush } = this;
    if (ambush !== undefined && ambush.node === call.node && ambush.operation === call.operation) {
      this.ambush = undefined;
      return ambush.strike();
    }
    if (this.#isLeaderless(call)) return this.#withoutLeader(call);
    if (this.snapshotsFail && call.operation === 'snapshot.save') {
      this.#counts.count('snapshot write failed');
      return 'request-lost';
    }
    const isProposed = (this.#proposedUntilMs.get(call.target) ?? 0) > this.#nowMs();
    if (isProposed && call.operation === 'journal.append') {
      this.#counts.count('append busy');
      return 'busy';
    }
    return this.#lossShare > 0 && lossy.has(call.operation) ? this.#loss(call) : 'ok';
  }

  delayMs(call: MemoryCall): number {
    const dice = this.#random.next();
    if (this.slow.has(call.node)) return dice * 120;
    if (dice < 0.75) return 0;
    return dice < 0.995 || !this.isStormy ? (dice - 0.75) * 12 : this.#random.next() * 200;
  }

  #loss({ operation, target }: MemoryCall): MemoryFate {
    const dice = this.#random.next();
    if (dice >= this.#lossShare) return 'ok';
    const isAnswerLost = dice < this.#lossShare / 2;
    if (isAnswerLost && operation === 'journal.append') this.#propose(target);
    this.#counts.count(kindOf(operation, isAnswerLost));
    return isAnswerLost ? 'answer-lost' : 'request-lost';
  }

  #propose(target: string): void {
    if (this.#replicas > 1)
      this.#proposedUntilMs.set(target, this.#nowMs() + this.#random.next() * proposedMsMax);
  }

  #isLeaderless(call: MemoryCall): boolean {
    if (this.#leaderless.size === 0 || call.operation.startsWith('message.')) return false;
    const outage = this.#leaderless.get(streamOf(call));
    return outage !== undefined && outage.untilMs > this.#nowMs();
  }

  #withoutLeader(call: MemoryCall): MemoryFate {
    const outage = this.#leaderless.get(streamOf(call))!;
    const isDying = this.#nowMs() - outage.sinceMs < dyingMs;
    return isDying && this.#random.next() < survivesShare ? 'answer-lost' : 'request-lost';
  }
}

/** Two parts per kind, as SimulatedCluster has them; a bucket is a stream of its own. */
export function streamOf({ operation, target }: MemoryCall): string {
  if (operation.startsWith('journal.') || operation.startsWith('command.')) {
    const [name, kind, shard] = target.split('.');
    return `${name}.${kind}.${Number(shard) % 2}`;
  }
  if (operation === 'trim-guard.read') return buckets.watermarks;
  return target.split('/')[0] ?? target;
}

export const allStreams: readonly string[] = [
  ...['jrn', 'cmd'].flatMap((name) =>
    ['user', 'group'].flatMap((kind) => [`${name}.${kind}.0`, `${name}.${kind}.1`]),
  ),
  buckets.members,
  buckets.owners,
  buckets.checkpoints,
  buckets.watermarks,
  buckets.snapshots('user'),
  buckets.snapshots('group'),
];

function kindOf(operation: MemoryOperation, isAnswerLost: boolean): string {
  if (operation === 'journal.append') return isAnswerLost ? 'append answer lost' : 'append lost';
  if (operation === 'command.publish') return isAnswerLost ? 'lane batch doubled' : 'lane batch lost';
  if (operation === 'command.offer') return 'command lost';
  if (operation.startsWith('message.')) return 'message lost';
  return isAnswerLost ? 'other answer lost' : 'other request lost';
}
