// The outgoing lanes of one shard: for each target shard an ordered, numbered stream of committed effects. One batch is
// in flight per lane; the cursor moves when the target's command log has it. Re-sent numbers are skipped by the target.
import type { Clock, Timer } from '@parley/std';
import type { RuntimeLimits } from '../limits.ts';
import { type CommandLog, type Log, parseShardName } from '../ports/index.ts';
import { type LaneEffect, encodeLaneBatch } from '../wire/index.ts';

export interface PendingEffect {
  /** Target shard name. */
  readonly target: string;
  /** Number on the lane to the target. */
  readonly number: number;
  readonly effect: LaneEffect;
  /** Journal sequence of the record before the commit that holds it: what trimming must keep after. */
  readonly previousSequence: number;
}

interface Lane {
  readonly target: string;
  readonly queue: PendingEffect[];
  cursor: number;
  isSending: boolean;
  retryMs: number;
  retry: Timer | undefined;
}

export interface LanesOptions {
  readonly source: string;
  readonly epoch: number;
  readonly commandLog: CommandLog;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly log: Log;
  /** Called when queues got shorter. */
  readonly onDrained: () => void;
}

export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #movedCursors = new Set<string>();
  #queued = 0;
  #isStopped = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Effects waiting on all lanes. */
  get queued(): number {
    return this.#queued;
  }

  get isFull(): boolean {
    return this.#queued >= this.#options.limits.laneQueueMax;
  }

  /** Takes over what replay found: a cursor, and committed effects beyond it. */
  restoreCursor(target: string, number: number): void {
    const lane = this.#lane(target);
    lane.cursor = Math.max(lane.cursor, number);
  }

  isAcknowledged(target: string, number: number): boolean {
    return number <= (this.#lanes.get(target)?.cursor ?? 0);
  }

  enqueue(effect: PendingEffect): void {
    const lane = this.#lane(effect.target);
    if (effect.number <= lane.cursor) return;
    lane.queue.push(effect);
    this.#queued++;
  }

  /** Starts sending on every lane that has something to send. */
  pump(): void {
    for (const lane of this.#lanes.values()) this.#send(lane);
  }

  /** Cursors that moved since the last call; they travel in the next commit. */
  takeMovedCursors(): { shard: string; number: number }[] {
    const moved = [...this.#movedCursors].map((shard) => ({ shard, number: this.#lane(shard).cursor }));
    this.#movedCursors.clear();
    return moved;
  }

  cursors(): { shard: string; number: number }[] {
    return [...this.#lanes.values()].map((lane) => ({ shard: lane.target, number: lane.cursor }));
  }

  /** Journal sequence up to which no unacknowledged effect is held; undefined when there is none at all. */
  coveredUpTo(): number | undefined {
    let covered: number | undefined;
    for (const { queue } of this.#lanes.values()) {
      const oldest = queue[0];
      if (oldest !== undefined) covered = Math.min(covered ?? Infinity, oldest.previousSequence);
    }
    return covered;
  }

  stop(): void {
    this.#isStopped = true;
    for (const lane of this.#lanes.values()) lane.retry?.cancel();
  }

  #lane(target: string): Lane {
    let lane = this.#lanes.get(target);
    if (lane === undefined) {
      const retryMs = this.#options.limits.laneRetryMs;
      lane = { target, queue: [], cursor: 0, isSending: false, retryMs, retry: undefined };
      this.#lanes.set(target, lane);
    }
    return lane;
  }

  #send(lane: Lane): void {
    if (lane.isSending || lane.queue.length === 0 || this.#isStopped) return;
    lane.isSending = true;
    const batch = this.#takeBatch(lane);
    const bytes = encodeLaneBatch({
      source: this.#options.source,
      sourceEpoch: this.#options.epoch,
      firstNumber: batch[0]!.number,
      effects: batch.map(({ effect }) => effect),
    });
    this.#options.commandLog.publish(parseShardName(lane.target), bytes).then(
      () => this.#acknowledged(lane, batch),
      (cause: unknown) => this.#failed(lane, cause),
    );
  }

  #takeBatch(lane: Lane): readonly PendingEffect[] {
    let bytes = 0;
    let count = 0;
    for (const { effect } of lane.queue) {
      bytes += effect.payload.length + effect.ids.length * 16 + 16;
      if (count > 0 && bytes > this.#options.limits.laneBatchBytesMax) break;
      count++;
    }
    return lane.queue.slice(0, count);
  }

  #acknowledged(lane: Lane, batch: readonly PendingEffect[]): void {
    lane.queue.splice(0, batch.length);
    this.#queued -= batch.length;
    lane.cursor = batch.at(-1)!.number;
    this.#movedCursors.add(lane.target);
    lane.retryMs = this.#options.limits.laneRetryMs;
    lane.isSending = false;
    if (this.#isStopped) return;
    this.#send(lane);
    this.#options.onDrained();
  }

  #failed(lane: Lane, cause: unknown): void {
    const { clock, limits, log, source } = this.#options;
    if (this.#isStopped) return;
    log.warn(
      { shard: source, target: lane.target, cause: String(cause) },
      'lane batch not acknowledged, sending again',
    );
    lane.retry = clock.after(lane.retryMs, () => {
      lane.isSending = false;
      this.#send(lane);
    });
    lane.retryMs = Math.min(lane.retryMs * 2, limits.laneRetryMsMax);
  }
}
