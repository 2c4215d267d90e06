// Tells the rest of the cluster how far history is, so that journals may be trimmed: decimal text per shard in a
// key-value bucket. Only durable positions come here, and they never go back.
import type { KeyValue } from '@parley/runtime';

export class WatermarkBoard {
  readonly #bucket: KeyValue;
  readonly #published = new Map<string, number>();

  constructor(bucket: KeyValue) {
    this.#bucket = bucket;
  }

  /** Rejects when the bucket cannot be reached; the caller comes again with newer positions. */
  async publish(positions: ReadonlyMap<string, { readonly sequence: number }>): Promise<void> {
    for (const [shard, { sequence }] of positions) {
      if ((this.#published.get(shard) ?? 0) < sequence) await this.#raise(shard, sequence);
    }
  }

  async #raise(shard: string, sequence: number): Promise<void> {
    for (;;) {
      const entry = await this.#bucket.get(shard);
      const there = entry === undefined ? 0 : Number(Buffer.from(entry.value).toString('utf8'));
      if (there < sequence) {
        const result = await this.#bucket.write(shard, Buffer.from(String(sequence)), entry?.revision ?? 0);
        if (result.outcome === 'conflict') continue;
      }
      this.#published.set(shard, Math.max(there, sequence));
      return;
    }
  }
}
