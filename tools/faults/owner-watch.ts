// Listens to what the owners of shards say of themselves, and measures from the loss of an owner until the shard is served
// in a higher epoch.
import { type NatsLink, NatsMessenger } from '@parley/adapters';
import { subjects } from '@parley/protocol';
import { decodeOwnerBeat } from '@parley/runtime';

const slowestToldMax = 5;

export type LossCause = 'kill' | 'pause' | 'cut' | 'drain';

export interface Takeover {
  readonly shard: string;
  readonly cause: LossCause;
  readonly fromMs: number;
  /** Undefined while nobody serves the shard. */
  toMs: number | undefined;
}

interface Owner {
  nodeId: string;
  epoch: number;
}

interface Loss extends Takeover {
  readonly nodeId: string;
  readonly epoch: number;
  /** After this the old owner itself may be heard again. */
  mayComeBackMs: number;
}

export class OwnerWatch {
  readonly #owners = new Map<string, Owner>();
  readonly #losses: Loss[] = [];
  /** Shards whose epoch was heard to fall: never right. */
  readonly flaws: string[] = [];
  readonly #subscription;

  constructor(link: NatsLink) {
    this.#subscription = new NatsMessenger(link).subscribe(subjects.ownerBeats(), (bytes) =>
      this.#hear(bytes),
    );
  }

  /** How many shards have been heard of. */
  get size(): number {
    return this.#owners.size;
  }

  get takeovers(): readonly Takeover[] {
    return this.#losses;
  }

  get slowest(): readonly (Takeover & { readonly toMs: number })[] {
    const ended = this.#losses.flatMap(({ shard, cause, fromMs, toMs }) =>
      toMs === undefined ? [] : [{ shard, cause, fromMs, toMs }],
    );
    return ended.toSorted((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs)).slice(0, slowestToldMax);
  }

  /** The process is gone, or as good as gone, from now on. */
  lost(nodeId: string, cause: LossCause): void {
    const fromMs = performance.now();
    for (const [shard, owner] of this.#owners) {
      if (owner.nodeId !== nodeId || this.#openLoss(shard) !== undefined) continue;
      this.#losses.push({
        shard,
        cause,
        nodeId,
        epoch: owner.epoch,
        fromMs,
        toMs: undefined,
        mayComeBackMs: Infinity,
      });
    }
  }

  /** It was cut off, and is no longer: it may have kept its shards. */
  mayComeBack(nodeId: string): void {
    for (const loss of this.#losses) {
      if (loss.nodeId === nodeId && loss.toMs === undefined) loss.mayComeBackMs = performance.now();
    }
  }

  stop(): void {
    this.#subscription.stop();
  }

  #hear(bytes: Uint8Array): void {
    const beat = decodeOwnerBeat(bytes);
    const loss = this.#openLoss(beat.shard);
    if (loss !== undefined) {
      if (beat.epoch > loss.epoch) loss.toMs = performance.now();
      // Kept its shards: no takeover, and so none to measure.
      else if (performance.now() > loss.mayComeBackMs) this.#losses.splice(this.#losses.indexOf(loss), 1);
    }
    const owner = this.#owners.get(beat.shard);
    if (owner === undefined || beat.epoch >= owner.epoch)
      this.#owners.set(beat.shard, { nodeId: beat.nodeId, epoch: beat.epoch });
  }

  #openLoss(shard: string): Loss | undefined {
    return this.#losses.find((loss) => loss.shard === shard && loss.toMs === undefined);
  }
}
