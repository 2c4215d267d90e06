// One process that hosts shards of a kind: keeps its lease, claims the shards the allocator gives it, hands off those it
// takes away, and drops everything when the lease is lost. The entry point of the runtime for apps.
import type { Timer } from '@parley/std';
import type { KeyValue, Subscription } from '../ports/index.ts';
import { parseShardName } from '../ports/index.ts';
import { KnownEnd } from '../shard/known-end.ts';
import { Shard } from '../shard/shard.ts';
import { isTransient } from '../shard/transient.ts';
import type { ShardContext, ShardEnd } from '../shard/shard-options.ts';
import { Suspects } from '../shard/suspects.ts';
import { Allocator } from './allocator.ts';
import { ClusterView } from './cluster-view.ts';
import { Lease } from './lease.ts';
import { type OwnerRow, decodeOwnerRow, encodeRow } from './owner-row.ts';

export interface ShardNodeOptions extends Omit<ShardContext, 'isLeaseValid'> {
  readonly kind: string;
  readonly members: KeyValue;
  readonly owners: KeyValue;
}

/** Wait before a change of ownership that failed is tried again; doubles up to the maximum while the shard keeps breaking. */
const claimBackoffMs = { first: 500, max: 30_000 };
/** Races lost to the allocator when a row is freed; after that the allocator frees it when our lease is gone. */
const letGoAttemptsMax = 5;

export class ShardNode {
  readonly #options: ShardNodeOptions;
  readonly #context: ShardContext;
  readonly #shards = new Map<string, Shard>();
  /** What broke shards here, by shard. */
  readonly #suspects = new Map<string, Suspects>();
  readonly #knownEnds = new Map<string, KnownEnd>();
  readonly #busy = new Set<string>();
  readonly #notBeforeMs = new Map<string, { atMs: number; waitMs: number }>();
  readonly #view: ClusterView;
  readonly #lease: Lease;
  readonly #allocator: Allocator;
  #liveness: Subscription | undefined;
  #timer: Timer | undefined;
  #state: 'new' | 'running' | 'stopping' | 'stopped' = 'new';

  constructor(options: ShardNodeOptions) {
    const { kind, nodeId, members, clock, limits, log } = options;
    this.#options = options;
    this.#lease = new Lease({ kind, nodeId, members, clock, limits, log, onLost: () => this.#dropAll() });
    this.#context = { ...options, isLeaseValid: () => this.#lease.isValid };
    this.#view = new ClusterView(kind, clock, () => this.#changed());
    this.#allocator = new Allocator({
      ...options,
      view: this.#view,
      messenger: options.ports.messenger,
      isLeaseValid: () => this.#lease.isValid,
    });
  }

  /** Shards served right now. */
  get serving(): readonly Shard[] {
    return [...this.#shards.values()].filter((shard) => shard.isServing);
  }

  get isLeaseValid(): boolean {
    return this.#lease.isValid;
  }

  /** Whether every shard of the kind has an owner, as far as this process knows. */
  get isClusterServed(): boolean {
    const count = this.#options.placement.shardCount(this.#options.kind);
    const owned = [...this.#view.rows.values()].filter(({ row }) => row.owner !== null);
    return owned.length >= count;
  }

  async start(): Promise<void> {
    const { ports, subjects, nodeId, members, owners } = this.#options;
    this.#liveness = ports.messenger.subscribe(subjects.node(nodeId), (_bytes, respond) =>
      respond(new Uint8Array()),
    );
    await this.#insist('join', () => ports.messenger.flush());
    await this.#insist('join', () => this.#lease.start());
    await this.#insist('join', () => this.#view.start(members, owners));
    // Stopped while joining: the view's watches began after `kill` stopped them.
    if (this.#isStopped) return this.kill();
    this.#state = 'running';
    this.#allocator.start();
    this.#tick();
  }

  /** Clean stop: gives all shards away without a gap, then the lease. Never rejects. */
  async stop(): Promise<void> {
    if (this.#state === 'new') return this.kill();
    if (this.#state !== 'running') return;
    this.#state = 'stopping';
    await this.#attempt(() => this.#lease.markLeaving());
    await Promise.all([...this.#shards.keys()].map((name) => this.#attempt(() => this.#handOff(name))));
    await this.#attempt(() => this.#allocator.resign());
    await this.#attempt(() => this.#lease.release());
    this.kill();
  }

  /** A step of leaving that may fail: the others find out by probe or lease what they were not told. */
  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (cause) {
      this.#options.log.warn(
        { cause: String(cause) },
        'leaving without telling the others: NATS does not answer',
      );
    }
  }

  /** A step of joining that must succeed: tried until it does, or until the process is stopped. */
  async #insist(what: string, step: () => Promise<void>): Promise<void> {
    for (;;) {
      if (this.#isStopped) return;
      try {
        return await step();
      } catch (cause) {
        this.#options.log.warn({ what, cause: String(cause) }, 'NATS does not answer, trying again');
        await new Promise<void>((resolve) =>
          this.#options.clock.after(this.#options.limits.laneRetryMsMax, resolve),
        );
      }
    }
  }

  /** Stops at once, as a crash would, but inside the process. */
  kill(): void {
    this.#state = 'stopped';
    this.#timer?.cancel();
    this.#allocator.stop();
    this.#lease.stop();
    this.#view.stop();
    this.#liveness?.stop();
    this.#dropAll();
  }

  /** The rows are also looked at by the clock: a missed change must not leave a shard without an owner. */
  #tick(): void {
    this.#reconcileAll();
    this.#timer = this.#options.clock.after(this.#options.limits.probeMs, () => this.#tick());
  }

  get #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  #changed(): void {
    if (this.#state === 'new' || this.#state === 'stopped') return;
    this.#allocator.hurry();
    this.#reconcileAll();
  }

  #reconcileAll(): void {
    for (const name of this.#view.rows.keys()) this.#reconcile(name);
  }

  #reconcile(name: string): void {
    if (this.#state !== 'running') return;
    const seen = this.#view.rows.get(name);
    if (seen === undefined || this.#busy.has(name) || this.#isTooEarly(name)) return;
    const { nodeId } = this.#options;
    const { owner, target } = seen.row;
    const shard = this.#shards.get(name);
    if (shard !== undefined) {
      if (owner !== nodeId) this.#forget(name);
      else if (target !== null && target !== nodeId) void this.#guard(name, () => this.#handOff(name));
    } else if (target === nodeId && (owner === null || owner === nodeId)) {
      if (this.#lease.isValid) void this.#guard(name, () => this.#claim(name));
    } else if (owner === nodeId) {
      void this.#guard(name, () => this.#letGo(name));
    }
  }

  /** After a failure a shard is left alone for a while; the clock brings it up again. */
  #isTooEarly(name: string): boolean {
    const wait = this.#notBeforeMs.get(name);
    return wait !== undefined && this.#options.clock.monotonicMs() < wait.atMs;
  }

  /** One transition of a shard at a time. */
  async #guard(name: string, transition: () => Promise<void>): Promise<void> {
    this.#busy.add(name);
    try {
      await transition();
    } catch (cause) {
      this.#options.log.warn(
        { shard: name, cause: String(cause) },
        'change of ownership failed, trying again',
      );
      if (isTransient(cause)) this.#leaveAlone(name, claimBackoffMs.first);
      else this.#postpone(name);
    } finally {
      this.#busy.delete(name);
    }
    this.#reconcile(name);
  }

  async #claim(name: string): Promise<void> {
    const { nodeId, owners, log } = this.#options;
    const seen = this.#view.rows.get(name);
    const row: OwnerRow = { owner: nodeId, target: nodeId };
    const result = await owners.write(name, encodeRow(row), seen?.revision ?? 0);
    // The row has changed meanwhile: the watch brings it, or the next look at the rows.
    if (result.outcome === 'conflict') return this.#leaveAlone(name, claimBackoffMs.first);
    if (this.#state !== 'running') return this.#letGo(name);
    this.#view.noteRow(name, row, result.revision);
    const shard = new Shard({
      ...this.#context,
      shard: parseShardName(name),
      epoch: result.revision,
      suspects: this.#suspectsOf(name),
      knownEnd: this.#knownEndOf(name),
      onEnded: (reason) => this.#ended(shard, reason),
    });
    this.#shards.set(name, shard);
    let isOpen = false;
    try {
      isOpen = await shard.open();
    } finally {
      if (!isOpen) this.#forget(name);
    }
    if (!isOpen) return this.#leaveAlone(name, claimBackoffMs.first);
    log.info({ shard: name, epoch: result.revision }, 'shard is served here');
  }

  async #handOff(name: string): Promise<void> {
    const shard = this.#shards.get(name);
    if (shard === undefined) return;
    const { clock, limits, log } = this.#options;
    const timer = clock.after(limits.handOffMs, () => shard.drop());
    await shard.handOff();
    timer.cancel();
    if (this.#shards.get(name) === shard) this.#shards.delete(name);
    log.info({ shard: name, epoch: shard.epoch }, 'shard is handed off');
    await this.#letGo(name);
  }

  /** Writes into the row that nobody owns the shard now, if it still names us. The allocator may write meanwhile. */
  async #letGo(name: string): Promise<void> {
    const { owners, nodeId } = this.#options;
    for (let attempt = 0; attempt < letGoAttemptsMax; attempt++) {
      const entry = await owners.get(name);
      const row = entry === undefined ? undefined : decodeOwnerRow(entry.value);
      if (entry === undefined || row?.owner !== nodeId) return;
      const freed: OwnerRow = { owner: null, target: row.target === nodeId ? null : row.target };
      const result = await owners.write(name, encodeRow(freed), entry.revision);
      if (result.outcome === 'written') return this.#view.noteRow(name, freed, result.revision);
    }
  }

  #suspectsOf(name: string): Suspects {
    let suspects = this.#suspects.get(name);
    if (suspects === undefined) this.#suspects.set(name, (suspects = new Suspects()));
    return suspects;
  }

  #knownEndOf(name: string): KnownEnd {
    let end = this.#knownEnds.get(name);
    if (end === undefined) this.#knownEnds.set(name, (end = new KnownEnd()));
    return end;
  }

  #ended(shard: Shard, reason: ShardEnd): void {
    const { name } = shard;
    this.#options.log.warn({ shard: name, epoch: shard.epoch, reason }, 'shard ended here');
    if (this.#shards.get(name) === shard) this.#shards.delete(name);
    if (reason === 'broken') this.#postpone(name);
    else this.#leaveAlone(name, claimBackoffMs.first);
  }

  /** Waits longer each time, until nothing has failed for as long as the longest wait. */
  #postpone(name: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    const before = this.#notBeforeMs.get(name);
    const isFirst = before === undefined || nowMs - before.atMs > claimBackoffMs.max;
    this.#leaveAlone(name, isFirst ? claimBackoffMs.first : Math.min(before.waitMs * 2, claimBackoffMs.max));
  }

  #leaveAlone(name: string, waitMs: number): void {
    this.#notBeforeMs.set(name, { atMs: this.#options.clock.monotonicMs() + waitMs, waitMs });
  }

  #forget(name: string): void {
    this.#shards.get(name)?.drop();
    this.#shards.delete(name);
  }

  #dropAll(): void {
    for (const name of [...this.#shards.keys()]) this.#forget(name);
  }
}
