// What a gateway keeps for one shard: the batch of commands that collects during a turn of the event loop, and how many
// requests wait for a reply.
import {
  ClientBatchWriter,
  type CommandLog,
  type IntakeRecord,
  type Placement,
  type ShardId,
  encodeAddress,
  shardName,
} from '@parley/runtime';
import type { ByteWriter, Clock, EntityAddress } from '@parley/std';
import type { Flushable, Turn } from './turn.ts';

export interface BatchLimits {
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  readonly commandTimeoutMs: number;
}

export interface ShardLineParts {
  readonly commandLog: CommandLog;
  readonly gatewayId: string;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly limits: BatchLimits;
  /** Told the number of records of each batch. */
  readonly onBatch?: (records: number) => void;
}

/** Room a batch begins with; later ones begin with what the one before needed. */
const firstBatchBytes = 1_024;

export class ShardLine implements Flushable {
  readonly shard: ShardId;
  /** `user.3` */
  readonly name: string;
  /** Requests without a reply yet. */
  pendingCount = 0;
  readonly #parts: ShardLineParts;
  #open: ClientBatchWriter | undefined;
  #batchBytes = firstBatchBytes;

  constructor(shard: ShardId, parts: ShardLineParts) {
    this.shard = shard;
    this.name = shardName(shard);
    this.#parts = parts;
  }

  /** A record of the batch that leaves at the end of this turn. `requestId` 0: no answer is wanted. */
  add(kind: IntakeRecord['kind'], requestId: number, address: EntityAddress, payload: Uint8Array): void {
    const { type, tenant, id } = address;
    this.begin(kind, requestId, encodeAddress(type, tenant, id), payload.length).raw(payload);
  }

  /** The same, for a payload that is written piece by piece: `payloadBytes` of them, at once. */
  begin(
    kind: IntakeRecord['kind'],
    requestId: number,
    address: Uint8Array,
    payloadBytes: number,
  ): ByteWriter {
    const { batchRecordsMax, batchBytesMax } = this.#parts.limits;
    const open = this.#open;
    const isFull =
      open !== undefined && (open.records >= batchRecordsMax || open.bytes + payloadBytes > batchBytesMax);
    if (isFull) this.flush();
    if (this.#open === undefined) {
      this.#open = new ClientBatchWriter(this.#parts.gatewayId, this.#batchBytes);
      this.#parts.turn.atEnd(this);
    }
    return this.#open.begin(kind, requestId, address, payloadBytes);
  }

  flush(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#batchBytes = Math.max(firstBatchBytes, open.bytes);
    const { commandLog, clock, limits, onBatch } = this.#parts;
    onBatch?.(open.records);
    commandLog.offer(this.shard, open.finish(Math.floor(clock.nowMs()) + limits.commandTimeoutMs));
  }
}

/** One line for each shard that has been addressed. */
export class ShardLines {
  readonly #placement: Placement;
  readonly #parts: ShardLineParts;
  readonly #byName = new Map<string, ShardLine>();

  constructor(placement: Placement, parts: ShardLineParts) {
    this.#placement = placement;
    this.#parts = parts;
  }

  /** Hashes the address: who addresses an entity again and again keeps its line. */
  of(address: EntityAddress): ShardLine {
    const shard = this.#placement.shardOf(address);
    const name = shardName(shard);
    let line = this.#byName.get(name);
    if (line === undefined) this.#byName.set(name, (line = new ShardLine(shard, this.#parts)));
    return line;
  }

  /** Sends what waits, now. */
  flush(): void {
    for (const line of this.#byName.values()) line.flush();
  }
}
