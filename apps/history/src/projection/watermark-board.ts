// Tells the rest of the cluster how far history is, so that journals may be trimmed: decimal text per shard in a
// key-value bucket. Only durable positions come here, and they never go back.
import type { KeyValue } from '@parley/runtime';

export class WatermarkBoard {
  readonly #bucket: KeyValue;
  /** What is there, as far as this process knows: it writes most of them itself. */
  readonly #there = new Map<string, { readonly sequence: number; readonly revision: number }>();

  constructor(bucket: KeyValue) {
    this.#bucket = bucket;
  }

  /** Rejects when the bucket cannot be reached; the caller comes again with newer positions. */
  async publish(positions: ReadonlyMap<string, { readonly sequence: number }>): Promise<void> {
    for (const [shard, { sequence }] of positions) {
      if ((this.#there.get(shard)?.sequence ?? 0) < sequence) await this.#raise(shard, sequence);
    }
  }

  async #raise(shard: string, sequence: number): Promise<void> {
    for (;;) {
      const there = this.#there.get(shard) ?? (await this.#read(shard));
      if (there.sequence >= sequence) {
        this.#there.set(shard, there);
        return;
      }
      // Known again only when the write has succeeded.
      this.#there.delete(shard);
      const result = await this.#bucket.write(shard, Buffer.from(String(sequence)), there.revision);
      if (result.outcome === 'conflict') continue;
      this.#there.set(shard, { sequence, revision: result.revision });
      return;
    }
  }

  async #read(shard: string): Promise<{ readonly sequence: number; readonly revision: number }> {
    const entry = await this.#bucket.get(shard);
    if (entry === undefined) return { sequence: 0, revision: 0 };
    return { sequence: Number(Buffer.from(entry.value).toString('utf8')), revision: entry.revision };
  }
}
