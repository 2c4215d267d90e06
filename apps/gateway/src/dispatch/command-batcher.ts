// Collects the records for each shard during one turn of the event loop and hands them to the command log as one batch.
import {
  type CommandLog,
  type IntakeRecord,
  type ShardId,
  encodeClientBatch,
  shardName,
} from '@parley/runtime';
import type { Clock } from '@parley/std';
import type { Turn } from './turn.ts';

export interface BatchLimits {
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  readonly commandTimeoutMs: number;
}

export interface CommandBatcherParts {
  readonly commandLog: CommandLog;
  readonly gatewayId: string;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly limits: BatchLimits;
  /** Told the number of records of each batch. */
  readonly onBatch?: (records: number) => void;
}

interface Batch {
  readonly shard: ShardId;
  records: IntakeRecord[];
  bytes: number;
}

export class CommandBatcher {
  readonly #parts: CommandBatcherParts;
  readonly #batches = new Map<string, Batch>();

  constructor(parts: CommandBatcherParts) {
    this.#parts = parts;
  }

  add(shard: ShardId, record: IntakeRecord): void {
    const name = shardName(shard);
    let batch = this.#batches.get(name);
    if (batch === undefined) this.#batches.set(name, (batch = { shard, records: [], bytes: 0 }));
    const { batchRecordsMax, batchBytesMax } = this.#parts.limits;
    if (batch.records.length >= batchRecordsMax || batch.bytes + record.payload.length > batchBytesMax)
      this.#send(batch);
    batch.records.push(record);
    batch.bytes += record.payload.length;
    this.#parts.turn.atEnd(this);
  }

  flush(): void {
    for (const batch of this.#batches.values()) this.#send(batch);
    this.#batches.clear();
  }

  #send(batch: Batch): void {
    if (batch.records.length === 0) return;
    const { commandLog, gatewayId, clock, limits, onBatch } = this.#parts;
    onBatch?.(batch.records.length);
    const deadlineMs = Math.floor(clock.nowMs()) + limits.commandTimeoutMs;
    commandLog.offer(batch.shard, encodeClientBatch({ gatewayId, deadlineMs, records: batch.records }));
    batch.records = [];
    batch.bytes = 0;
  }
}
