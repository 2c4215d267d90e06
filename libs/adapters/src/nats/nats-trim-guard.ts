// The trim guard on the watermarks bucket: history writes there, per shard, the last sequence it has stored durably.
// Key `<kind>.<shard>`, value the sequence in decimal.
import { buckets } from '@parley/protocol';
import { type KeyValue, type KeyValueStore, type ShardId, type TrimGuard, shardName } from '@parley/runtime';

export class NatsTrimGuard implements TrimGuard {
  readonly #keyValues: KeyValueStore;
  #watermarks: Promise<KeyValue> | undefined;

  constructor(keyValues: KeyValueStore) {
    this.#keyValues = keyValues;
  }

  async safeSequence(shard: ShardId): Promise<number> {
    const watermarks = await this.#bucket();
    const entry = await watermarks.get(shardName(shard));
    return entry === undefined ? 0 : parseWatermark(shard, entry.value);
  }

  #bucket(): Promise<KeyValue> {
    this.#watermarks ??= this.#keyValues.bucket(buckets.watermarks).catch((cause: unknown) => {
      this.#watermarks = undefined;
      throw cause;
    });
    return this.#watermarks;
  }
}

function parseWatermark(shard: ShardId, value: Uint8Array): number {
  const text = new TextDecoder().decode(value);
  // Refused rather than taken for 0 or worse: trimming by a wrong number loses data.
  if (!/^\d{1,15}$/.test(text))
    throw new Error(`watermark of ${shardName(shard)} is not a sequence: ${text}`);
  return Number(text);
}
