// The command log port: for each shard one ordered input that outlives its owner.
import type { ShardId } from './shard-id.ts';

export interface IntakeMessage {
  /** Sequence in the stream: rises, not dense per shard. */
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** A running reader. It heals itself (watchdog) and never skips or repeats a sequence. */
export interface IntakeReader {
  /**
   * Waits for the next messages, at most `max`, in order. Resolves to an empty array once stopped. One take at a time;
   * `bytes` may be views on a larger buffer: copy what is kept for long.
   */
  take(max: number): Promise<readonly IntakeMessage[]>;
  stop(): void;
}

export interface CommandLog {
  /**
   * Hands `bytes` to the log without waiting; may be lost (and is, while the log is out of reach). Order is kept among
   * the offers and publishes of one process. `bytes` belong to the log from now on.
   */
  offer(shard: ShardId, bytes: Uint8Array): void;
  /** Stores `bytes` and resolves when the log has them. Rejects when it cannot tell; the caller repeats. */
  publish(shard: ShardId, bytes: Uint8Array): Promise<void>;
  /** Reads the shard's messages with a sequence greater than `afterSequence`. */
  read(shard: ShardId, afterSequence: number): IntakeReader;
  /**
   * Sequence of the newest message the shard's stream has ever had, other shards' included; 0 when none. It falls only
   * when the log has lost acknowledged messages. Rejects when unreachable.
   */
  lastSequence(shard: ShardId): Promise<number>;
  /** Forgets messages up to and including `upToSequence`. */
  trim(shard: ShardId, upToSequence: number): Promise<void>;
}
