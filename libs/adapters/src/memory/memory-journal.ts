// The journal's twin: fenced by the sequence of the shard's last record, sequences shared by shards of one part. A single
// log checks the fence before it looks for duplicates, a replicated one after: measured on servers, see the contract suite.
import type { AppendResult, Journal, JournalRecord, ShardId } from '@parley/runtime';
import type { MemoryFate } from './memory-faults.ts';
import type { MemoryNode } from './memory-node.ts';

export class MemoryJournal implements Journal {
  readonly #node: MemoryNode;

  constructor(node: MemoryNode) {
    this.#node = node;
  }

  async append(
    shard: ShardId,
    expectedLast: number,
    commitId: string,
    bytes: Uint8Array,
  ): Promise<AppendResult> {
    const { stream, subject } = this.#node.cluster.journal(shard);
    const copy = bytes.slice();
    const isReplicated = this.#node.cluster.replicas > 1;
    const recent = stream.recentIds;
    const append = (fate: MemoryFate): AppendResult => {
      if (fate === 'busy') return { outcome: 'busy' };
      if (isReplicated && recent.has(commitId))
        return { outcome: 'committed', sequence: recent.get(commitId)! };
      if ((stream.last(subject)?.sequence ?? 0) !== expectedLast) return { outcome: 'conflict' };
      const sequence = stream.append(subject, copy);
      if (isReplicated) recent.note(commitId, sequence);
      return { outcome: 'committed', sequence };
    };
    try {
      return await this.#node.call('journal.append', subject, append);
    } catch (cause) {
      return { outcome: 'unknown', cause: cause as Error };
    }
  }

  last(shard: ShardId): Promise<JournalRecord | undefined> {
    const { stream, subject } = this.#node.cluster.journal(shard);
    return this.#node.call('journal.last', subject, () => stream.last(subject));
  }

  async *read(shard: ShardId, fromSequence: number): AsyncIterable<JournalRecord> {
    const { stream, subject } = this.#node.cluster.journal(shard);
    yield* await this.#node.call('journal.read', subject, () => stream.from(subject, fromSequence));
  }

  at(shard: ShardId, sequence: number): Promise<JournalRecord | undefined> {
    const { stream, subject } = this.#node.cluster.journal(shard);
    return this.#node.call('journal.read', subject, () => {
      const [first] = stream.from(subject, sequence);
      return first?.sequence === sequence ? first : undefined;
    });
  }

  place(shard: ShardId): string {
    return this.#node.cluster.journal(shard).subject;
  }

  trim(shard: ShardId, upToSequence: number): Promise<void> {
    const { stream, subject } = this.#node.cluster.journal(shard);
    return this.#node.call('journal.trim', subject, () => {
      // Without its last record the shard's fence would fall back to 0.
      const last = stream.last(subject)?.sequence ?? 0;
      stream.purge(subject, Math.min(upToSequence, last - 1));
    });
  }
}
