// The command log's twin. Offers of one node keep their order; a reader continues after a lost connection.
import { assert } from '@parley/std';
import type { CommandLog, IntakeMessage, IntakeReader, ShardId } from '@parley/runtime';
import type { MemoryNode } from './memory-node.ts';
import type { MemoryStream } from './memory-stream.ts';

export class MemoryCommandLog implements CommandLog {
  readonly #node: MemoryNode;

  constructor(node: MemoryNode) {
    this.#node = node;
  }

  offer(shard: ShardId, bytes: Uint8Array): void {
    const { stream, subject } = this.#node.cluster.commands(shard);
    const copy = bytes.slice();
    this.#node.tell('command.offer', subject, () => void stream.append(subject, copy));
  }

  publish(shard: ShardId, bytes: Uint8Array): Promise<void> {
    const { stream, subject } = this.#node.cluster.commands(shard);
    const copy = bytes.slice();
    return this.#node.call('command.publish', subject, () => void stream.append(subject, copy));
  }

  read(shard: ShardId, afterSequence: number): IntakeReader {
    const { stream, subject } = this.#node.cluster.commands(shard);
    return new MemoryIntakeReader(this.#node, stream, subject, afterSequence);
  }

  lastSequence(shard: ShardId): Promise<number> {
    const { stream, subject } = this.#node.cluster.commands(shard);
    return this.#node.call('command.end', subject, () => stream.lastSequence);
  }

  trim(shard: ShardId, upToSequence: number): Promise<void> {
    const { stream, subject } = this.#node.cluster.commands(shard);
    return this.#node.call('command.trim', subject, () => stream.purge(subject, upToSequence));
  }
}

interface Waiting {
  readonly max: number;
  readonly resolve: (messages: readonly IntakeMessage[]) => void;
}

class MemoryIntakeReader implements IntakeReader {
  readonly #node: MemoryNode;
  readonly #stream: MemoryStream;
  readonly #subject: string;
  readonly #stopListening: (() => void)[];
  #lastSequence: number;
  #waiting: Waiting | undefined;
  #isDelivering = false;
  #isStopped = false;

  constructor(node: MemoryNode, stream: MemoryStream, subject: string, afterSequence: number) {
    this.#node = node;
    this.#stream = stream;
    this.#subject = subject;
    this.#lastSequence = afterSequence;
    this.#stopListening = [
      stream.listen(subject, () => this.#pump()),
      node.onReconnect(() => {
        this.#isDelivering = false;
        this.#pump();
      }),
    ];
  }

  take(max: number): Promise<readonly IntakeMessage[]> {
    assert(max > 0, 'IntakeReader.take: max must be positive');
    assert(this.#waiting === undefined, 'IntakeReader.take: one take at a time');
    if (this.#isStopped) return Promise.resolve([]);
    return new Promise((resolve) => {
      this.#waiting = { max, resolve };
      this.#pump();
    });
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const stop of this.#stopListening) stop();
    this.#waiting?.resolve([]);
    this.#waiting = undefined;
  }

  #pump(): void {
    if (this.#waiting === undefined || this.#isDelivering || !this.#node.isConnected) return;
    if (this.#stream.from(this.#subject, this.#lastSequence + 1, 1).length === 0) return;
    this.#isDelivering = true;
    this.#node.deliver('command.read', this.#subject, () => {
      this.#isDelivering = false;
      const waiting = this.#waiting;
      if (waiting === undefined) return;
      const messages = this.#stream.from(this.#subject, this.#lastSequence + 1, waiting.max);
      const last = messages.at(-1);
      if (last === undefined) return;
      this.#lastSequence = last.sequence;
      this.#waiting = undefined;
      waiting.resolve(messages);
    });
  }
}
