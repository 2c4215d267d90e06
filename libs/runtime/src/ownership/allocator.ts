// One member of each kind is the allocator: it watches who lives and writes which shard ought to be where. Losing it stops
// only rebalancing and takeovers, so every member watches it, and the first to find it gone takes its place.
import type { Clock, Timer } from '@parley/std';
import type { Placement } from '../entity/placement.ts';
import type { RuntimeLimits } from '../limits.ts';
import { type KeyValue, type Log, type Messenger, shardName } from '../ports/index.ts';
import type { RuntimeSubjects } from '../shard/shard-options.ts';
import { allocate } from './allocation.ts';
import type { ClusterView } from './cluster-view.ts';
import { type MemberEntry, encodeRow } from './owner-row.ts';
import { Prober } from './prober.ts';

export interface AllocatorOptions {
  readonly nodeId: string;
  readonly kind: string;
  readonly members: KeyValue;
  readonly owners: KeyValue;
  readonly view: ClusterView;
  readonly messenger: Messenger;
  readonly subjects: RuntimeSubjects;
  readonly placement: Placement;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly log: Log;
  isLeaseValid(): boolean;
}

interface LateMember {
  readonly member: MemberEntry;
  readonly sinceMs: number;
}

export class Allocator {
  readonly #options: AllocatorOptions;
  readonly #key: string;
  readonly #prober: Prober;
  #revision = 0;
  #renewedMs = -Infinity;
  #timer: Timer | undefined;
  #isStopped = false;
  #isBeating = false;
  /** The others are being looked at for the first time. */
  #isLookingAround = false;
  #round: Promise<void> | undefined;
  #isRoundWanted = false;
  /** Members as of the last round. */
  #present: ReadonlyMap<string, MemberEntry> = new Map();
  /** Members whose lease is missing. */
  readonly #late = new Map<string, LateMember>();
  /** Dead members whose leases are being removed. */
  readonly #burying = new Set<string>();

  constructor(options: AllocatorOptions) {
    const { messenger, subjects, clock, limits } = options;
    this.#options = options;
    this.#key = `allocator.${options.kind}`;
    this.#prober = new Prober({
      messenger,
      subjects,
      clock,
      intervalMs: limits.probeMs,
      onDead: (nodeId) => this.#died(nodeId),
      onAnswering: () => this.hurry(),
    });
  }

  get isLeader(): boolean {
    return this.#options.view.allocator?.nodeId === this.#options.nodeId;
  }

  start(): void {
    this.#tick();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Gives the place to somebody else. */
  async resign(): Promise<void> {
    this.stop();
    if (this.isLeader) await this.#options.members.delete(this.#key);
  }

  /** Makes a round now instead of at the next interval: something changed. */
  hurry(): void {
    if (this.#isStopped || !this.isLeader || !this.#options.isLeaseValid()) return;
    // A process that has just come gets shards as soon as it has answered. The others are looked at by the clock: every
    // renewal of a lease brings us here.
    if ([...this.#options.view.members.keys()].some((nodeId) => this.#isUnheard(nodeId))) this.#look();
    this.#runRound().catch((cause: unknown) => this.#failed(cause));
  }

  /** Looking goes on while a write waits for the log: a death must not be found later because of an election. */
  #tick(): void {
    this.#look();
    this.#beatOnce();
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(this.#options.limits.probeMs, () => this.#tick());
  }

  #beatOnce(): void {
    if (this.#isBeating || !this.#options.isLeaseValid()) return;
    this.#isBeating = true;
    this.#beat()
      .catch((cause: unknown) => this.#failed(cause))
      .finally(() => (this.#isBeating = false));
  }

  #failed(cause: unknown): void {
    if (this.#isStopped) return;
    const fields = { kind: this.#options.kind, cause: String(cause) };
    this.#options.log.warn(fields, 'allocation round failed, trying again');
  }

  /** The allocator looks at all members, everybody else at the allocator. */
  #look(): void {
    const { view, nodeId } = this.#options;
    const holder = view.allocator?.nodeId;
    const isLeader = holder === nodeId;
    const wanted = new Set(
      isLeader ? [...view.members.keys(), ...this.#present.keys(), ...this.#late.keys()] : [],
    );
    if (holder !== undefined) wanted.add(holder);
    wanted.delete(nodeId);
    this.#prober.look(wanted);
  }

  #died(nodeId: string): void {
    this.#options.log.warn(
      { kind: this.#options.kind, nodeId },
      'a process is gone, its shards are taken over',
    );
    if (this.isLeader) return this.hurry();
    this.#beatOnce();
  }

  async #beat(): Promise<void> {
    const { view, limits, clock, nodeId } = this.#options;
    const holder = view.allocator;
    if (holder === undefined) {
      await this.#claim(0);
    } else if (holder.nodeId !== nodeId) {
      // One that hangs cannot place the shards of one that dies. It does no harm when it wakes: rows are compare-and-set.
      if (!this.#prober.isDead(holder.nodeId) && !this.#prober.isHanging(holder.nodeId)) return;
      await this.#claim(holder.revision);
    } else if (clock.monotonicMs() - this.#renewedMs >= limits.leaseRenewMs) {
      await this.#claim(this.#revision === 0 ? holder.revision : this.#revision);
    }
    if (this.isLeader) await this.#runRound();
  }

  async #claim(expectedRevision: number): Promise<void> {
    const { members, nodeId, kind, limits, clock, view } = this.#options;
    const value = encodeRow({ nodeId, kind, state: 'up' });
    const result = await members.write(this.#key, value, expectedRevision, { ttlMs: limits.leaseTtlMs });
    if (result.outcome === 'conflict') {
      this.#revision = 0;
      return;
    }
    this.#isLookingAround = view.allocator?.nodeId !== nodeId;
    this.#revision = result.revision;
    this.#renewedMs = clock.monotonicMs();
    view.allocator = { nodeId, revision: result.revision };
    if (!this.#isLookingAround) return;
    this.#options.log.info({ kind, nodeId }, 'this process allocates shards now');
    // Nobody else has looked at the others on our behalf: the first round must know who answers.
    this.#look();
    await this.#prober.settled();
    this.#isLookingAround = false;
  }

  /** One at a time; what changes during a round is seen by another one right after it. */
  async #runRound(): Promise<void> {
    this.#isRoundWanted = true;
    this.#round ??= this.#runRounds().finally(() => (this.#round = undefined));
    return this.#round;
  }

  async #runRounds(): Promise<void> {
    while (this.#isRoundWanted && !this.#isStopped && !this.#isLookingAround && this.isLeader) {
      this.#isRoundWanted = false;
      await this.#allocateOnce();
    }
  }

  async #allocateOnce(): Promise<void> {
    const { view, placement, kind, limits } = this.#options;
    this.#buryTheDead();
    const present = this.#takeAttendance();
    const up = [...present.values()].filter(({ state }) => state === 'up').map(({ nodeId }) => nodeId);
    const count = placement.shardCount(kind);
    const shards = Array.from({ length: count }, (_, index) => shardName({ kind, index }));
    const rows = new Map([...view.rows].map(([shard, seen]) => [shard, seen.row]));
    const movingMax = Math.max(1, Math.floor((count * limits.movingShardsPercent) / 100));
    const alive = new Set(present.keys());
    const hanging = new Set(up.filter((nodeId) => this.#isHanging(nodeId)));
    const changes = allocate({ shards, rows, up: up.sort(), alive, hanging, movingMax });
    await Promise.all([...changes].map(([shard, row]) => this.#writeRow(shard, row)));
  }

  /** Gets no shards: does not answer, or has not been heard of yet. */
  #isHanging(nodeId: string): boolean {
    return this.#isUnheard(nodeId) || this.#prober.isHanging(nodeId);
  }

  #isUnheard(nodeId: string): boolean {
    return nodeId !== this.#options.nodeId && this.#prober.isUnknown(nodeId);
  }

  /**
   * Who is there: everybody with a lease who is not dead; and for the time of one renewal those whose lease has gone
   * missing but who may live, because after an outage of the log all leases have run out, and all come back.
   */
  #takeAttendance(): ReadonlyMap<string, MemberEntry> {
    const { view, clock, limits } = this.#options;
    const nowMs = clock.monotonicMs();
    const present = new Map<string, MemberEntry>();
    for (const [nodeId, { member, seenMs }] of view.members) {
      this.#late.delete(nodeId);
      // NATS takes a lease away later than it should when its leader changes: by our own clock it is over.
      const isOver = nowMs - seenMs > limits.leaseTtlMs && nodeId !== this.#options.nodeId;
      if (this.#prober.isDead(nodeId) || (isOver && this.#prober.isHanging(nodeId))) continue;
      present.set(nodeId, member);
    }
    for (const [nodeId, member] of this.#present) {
      if (!view.members.has(nodeId) && !this.#late.has(nodeId))
        this.#late.set(nodeId, { member, sinceMs: nowMs });
    }
    for (const [nodeId, { member, sinceMs }] of this.#late) {
      const isAwaited = nowMs - sinceMs < limits.leaseRenewMs + limits.probeMs;
      if (isAwaited && member.state === 'up' && this.#prober.mayLive(nodeId)) present.set(nodeId, member);
      else this.#late.delete(nodeId);
    }
    this.#present = present;
    return present;
  }

  async #writeRow(shard: string, row: { owner: string | null; target: string | null }): Promise<void> {
    const { view, owners } = this.#options;
    const result = await owners.write(shard, encodeRow(row), view.rows.get(shard)?.revision ?? 0);
    if (result.outcome === 'written') view.noteRow(shard, row, result.revision);
  }

  /** Removes the leases of processes that are certainly gone, so that nobody waits for them to run out. */
  #buryTheDead(): void {
    const { view, members, kind } = this.#options;
    for (const nodeId of view.members.keys()) {
      if (!this.#prober.isDead(nodeId) || this.#burying.has(nodeId)) continue;
      this.#burying.add(nodeId);
      void members
        .delete(`${kind}.${nodeId}`)
        .catch((cause: unknown) => this.#failed(cause))
        .finally(() => this.#burying.delete(nodeId));
    }
  }
}
