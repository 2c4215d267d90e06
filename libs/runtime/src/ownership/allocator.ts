// One member of each kind is the allocator: it watches who lives and writes which shard ought to be where. Losing it stops
// only rebalancing and takeovers, so every member watches it, and the first to find it gone takes its place.
import type { Clock, Timer } from '@parley/std';
import type { Placement } from '../entity/placement.ts';
import type { RuntimeLimits } from '../limits.ts';
import { type KeyValue, type Log, shardName } from '../ports/index.ts';
import { allocate } from './allocation.ts';
import type { ClusterView } from './cluster-view.ts';
import { encodeRow } from './owner-row.ts';
import type { Prober } from './prober.ts';

export interface AllocatorOptions {
  readonly nodeId: string;
  readonly kind: string;
  readonly members: KeyValue;
  readonly owners: KeyValue;
  readonly view: ClusterView;
  readonly prober: Prober;
  readonly placement: Placement;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly log: Log;
  isLeaseValid(): boolean;
  /** Whether the connection has stood for longer than a lease, so that a missing lease means something. */
  isViewSettled(): boolean;
}

export class Allocator {
  readonly #options: AllocatorOptions;
  readonly #key: string;
  #revision = 0;
  #renewedMs = -Infinity;
  #timer: Timer | undefined;
  #isStopped = false;
  #round: Promise<void> | undefined;
  /** Members seen alive earlier: while the view is not settled, a missing lease is not believed. */
  readonly #lastAlive = new Set<string>();

  constructor(options: AllocatorOptions) {
    this.#options = options;
    this.#key = `allocator.${options.kind}`;
  }

  get isLeader(): boolean {
    return this.#options.view.allocator?.nodeId === this.#options.nodeId;
  }

  start(): void {
    void this.#tick();
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
    this.#runRound().catch((cause: unknown) => this.#failed(cause));
  }

  async #tick(): Promise<void> {
    try {
      if (this.#options.isLeaseValid()) await this.#beat();
    } catch (cause) {
      this.#failed(cause);
    }
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(this.#options.limits.probeMs, () => void this.#tick());
  }

  #failed(cause: unknown): void {
    if (this.#isStopped) return;
    const fields = { kind: this.#options.kind, cause: String(cause) };
    this.#options.log.warn(fields, 'allocation round failed, trying again');
  }

  async #beat(): Promise<void> {
    const { view, prober, limits, clock, nodeId } = this.#options;
    const holder = view.allocator;
    if (holder === undefined) {
      await this.#claim(0);
    } else if (holder.nodeId !== nodeId) {
      if (await prober.isDead(holder.nodeId)) await this.#claim(holder.revision);
      return;
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
    if (view.allocator?.nodeId !== nodeId)
      this.#options.log.info({ kind, nodeId }, 'this process allocates shards now');
    this.#revision = result.revision;
    this.#renewedMs = clock.monotonicMs();
    view.allocator = { nodeId, revision: result.revision };
  }

  #runRound(): Promise<void> {
    this.#round ??= this.#allocateOnce().finally(() => (this.#round = undefined));
    return this.#round;
  }

  async #allocateOnce(): Promise<void> {
    const { view, placement, kind, limits } = this.#options;
    await this.#buryTheDead();
    const alive = new Set(view.members.keys());
    if (!this.#options.isViewSettled()) for (const nodeId of this.#lastAlive) alive.add(nodeId);
    this.#lastAlive.clear();
    for (const nodeId of alive) this.#lastAlive.add(nodeId);
    const up = [...view.members.values()]
      .filter(({ member }) => member.state === 'up')
      .map(({ member }) => member.nodeId);
    const count = placement.shardCount(kind);
    const shards = Array.from({ length: count }, (_, index) => shardName({ kind, index }));
    const rows = new Map([...view.rows].map(([shard, seen]) => [shard, seen.row]));
    const movingMax = Math.max(1, Math.floor((count * limits.movingShardsPercent) / 100));
    const changes = allocate({ shards, rows, up: up.sort(), alive, movingMax });
    await Promise.all([...changes].map(([shard, row]) => this.#writeRow(shard, row)));
  }

  async #writeRow(shard: string, row: { owner: string | null; target: string | null }): Promise<void> {
    const { view, owners } = this.#options;
    const result = await owners.write(shard, encodeRow(row), view.rows.get(shard)?.revision ?? 0);
    if (result.outcome === 'written') view.noteRow(shard, row, result.revision);
  }

  /** Removes the leases of processes that are certainly gone, instead of waiting for them to run out. */
  async #buryTheDead(): Promise<void> {
    const { view, prober, members, nodeId, log, kind } = this.#options;
    const others = [...view.members.values()].filter(({ member }) => member.nodeId !== nodeId);
    await Promise.all(
      others.map(async ({ member }) => {
        if (!(await prober.isDead(member.nodeId))) return;
        log.warn({ kind, nodeId: member.nodeId }, 'a process is gone, its shards are taken over');
        prober.forget(member.nodeId);
        this.#lastAlive.delete(member.nodeId);
        view.members.delete(member.nodeId);
        await members.delete(`${kind}.${member.nodeId}`);
      }),
    );
  }
}
