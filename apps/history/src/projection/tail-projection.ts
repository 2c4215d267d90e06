// Journals → the Redis tail: the newest messages of each conversation, near at hand. A projection of its own with its
// own position, so that ClickHouse being away does not stop it. It keeps nothing: after a start it goes on from the
// published watermarks, and what it repeats replaces itself.
import { type Clock, systemClock } from '@parley/std';
import { type KeyValue, type ShardId, shardName } from '@parley/runtime';
import { encodeLogMessage } from '@parley/protocol';
import type { JournalFollower, MessageTail, TailMessage } from '@parley/adapters';
import { type Log, silentLog } from '../log.ts';
import { logElementsOf } from './conversation-log.ts';
import { Patience } from './patience.ts';
import { type FedCommit, ShardFeed, journalStart } from './shard-feed.ts';
import { Signal } from './signal.ts';

export interface TailOptions {
  readonly tail: MessageTail;
  readonly follower: JournalFollower;
  readonly shards: readonly ShardId[];
  readonly watermarks: KeyValue;
  readonly log: Log;
  readonly clock?: Clock;
  /** Records taken from a journal at a time. Default 64. */
  readonly recordsPerTake?: number;
  readonly retryMinMs?: number;
  readonly retryMaxMs?: number;
}

export class TailProjection {
  readonly #options: TailOptions;
  readonly #feeds: ShardFeed[] = [];
  readonly #patiences: Patience[] = [];
  #isStopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: TailOptions) {
    this.#options = options;
  }

  /** Call once. */
  start(): void {
    this.#running = Promise.all(this.#options.shards.map((shard) => this.#follow(shard)));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const feed of this.#feeds) feed.stop();
    for (const patience of this.#patiences) patience.stop();
    await this.#running;
  }

  async #follow(shard: ShardId): Promise<void> {
    const { follower, watermarks, log } = this.#options;
    // The link to Redis says itself when it is away and back.
    const store = this.#patience('Redis', silentLog);
    let from = 0;
    const isKnown = await this.#patience('the watermark bucket', log).until(async () => {
      const entry = await watermarks.get(shardName(shard));
      from = entry === undefined ? 0 : Number(Buffer.from(entry.value).toString('utf8'));
    });
    if (!isKnown || this.#isStopping) return;
    // A hole here is no loss: what was trimmed is in ClickHouse.
    const feed = new ShardFeed(
      follower,
      shard,
      { ...journalStart, sequence: from },
      { onHole: () => undefined },
    );
    this.#feeds.push(feed);
    try {
      for (;;) {
        const commits = await feed.take(this.#options.recordsPerTake ?? 64);
        if (commits.length === 0) return;
        const batch = tailBatch(commits);
        if (batch.length > 0 && !(await store.until(() => this.#append(batch)))) return;
      }
    } catch (error) {
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      log.error(
        { kind: shard.kind, shard: shard.index, reason },
        'the tail of this shard stands still: its journal cannot be read on',
      );
    } finally {
      feed.stop();
    }
  }

  async #append(batch: ReturnType<typeof tailBatch>): Promise<void> {
    if (!(await this.#options.tail.append(batch))) throw new Error('the store did not take the messages');
  }

  #patience(what: string, log: Log): Patience {
    const { retryMinMs = 100, retryMaxMs = 5_000, clock = systemClock } = this.#options;
    const patience = new Patience({ log, what, retryMinMs, retryMaxMs }, new Signal(clock));
    this.#patiences.push(patience);
    return patience;
  }
}

interface ConversationTail {
  readonly tenant: string;
  readonly conversation: string;
  readonly messages: TailMessage[];
}

function tailBatch(commits: readonly FedCommit[]): ConversationTail[] {
  const tails = new Map<string, ConversationTail>();
  for (const { tenant, message } of commits.flatMap((commit) => commit.events.flatMap(logElementsOf))) {
    const { conversation, sequence } = message;
    const key = `${tenant}/${conversation}`;
    let tail = tails.get(key);
    if (tail === undefined) tails.set(key, (tail = { tenant, conversation, messages: [] }));
    tail.messages.push({ sequence, bytes: encodeLogMessage(message) });
  }
  return [...tails.values()];
}
