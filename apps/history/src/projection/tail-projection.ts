// Journals → the Redis tail: the newest messages of each conversation, near at hand. A projection of its own with its
// own position, so that ClickHouse being away does not stop it. It keeps nothing: after a start it goes on from the
// published watermarks, and what it repeats replaces itself.
import { type Clock, systemClock } from '@parley/std';
import { type KeyValue, type ShardId, shardName } from '@parley/runtime';
import { encodeLogMessage } from '@parley/protocol';
import type { JournalFollower, MessageTail, TailAppend, TailMessage } from '@parley/adapters';
import { type Log, silentLog } from '../log.ts';
import type { LogElement } from './conversation-log.ts';
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
  /** As many messages of a shard, or a commit more, go to the store at a time. Default 500. */
  readonly messagesPerAppend?: number;
  /**
   * From one look at a shard's journal to the next. Default 100: a call for each commit would cost more than the messages
   * in it, and who reads the tail was away for longer.
   */
  readonly pauseMs?: number;
  readonly retryMinMs?: number;
  readonly retryMaxMs?: number;
}

export class TailProjection {
  readonly #options: TailOptions;
  readonly #feeds: ShardFeed[] = [];
  readonly #patiences: Patience[] = [];
  readonly #stopping: Signal;
  #isStopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: TailOptions) {
    this.#options = options;
    this.#stopping = new Signal(options.clock ?? systemClock);
  }

  /** Call once. */
  start(): void {
    this.#running = Promise.all(this.#options.shards.map((shard) => this.#follow(shard)));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const feed of this.#feeds) feed.stop();
    for (const patience of this.#patiences) patience.stop();
    this.#stopping.raise();
    await this.#running;
  }

  async #follow(shard: ShardId): Promise<void> {
    const { follower, watermarks, log, clock = systemClock } = this.#options;
    const { recordsPerTake = 64, messagesPerAppend = 500, pauseMs = 100 } = this.#options;
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
        const commits = await feed.take(recordsPerTake);
        if (commits.length === 0) return;
        for (const batch of tailBatches(commits, messagesPerAppend)) {
          if (!(await store.until(() => this.#append(batch)))) return;
        }
        // A full take means that there is more already.
        if (commits.length === recordsPerTake || this.#isStopping) continue;
        // All shards look at the same moments: their calls leave in one write.
        await this.#stopping.wait(pauseMs - (clock.monotonicMs() % pauseMs));
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

  async #append(batch: readonly TailAppend[]): Promise<void> {
    if (!(await this.#options.tail.append(batch))) throw new Error('the store did not take the messages');
  }

  #patience(what: string, log: Log): Patience {
    const { retryMinMs = 100, retryMaxMs = 5_000, clock = systemClock } = this.#options;
    const patience = new Patience({ log, what, retryMinMs, retryMaxMs }, new Signal(clock));
    this.#patiences.push(patience);
    return patience;
  }
}

/** One by one, so that only what is under way takes memory. */
function* tailBatches(commits: readonly FedCommit[], messagesMax: number): Generator<readonly TailAppend[]> {
  let batch = new TailBatch();
  for (const commit of commits) {
    for (const element of commit.elements()) batch.add(element);
    if (batch.count < messagesMax) continue;
    yield batch.conversations;
    batch = new TailBatch();
  }
  if (batch.count > 0) yield batch.conversations;
}

/** Messages by conversation and sequence. What an edit or a recall makes of an older one replaces that one. */
class TailBatch {
  count = 0;
  readonly #conversations = new Map<string, TailAppend & { readonly bySequence: Map<number, TailMessage> }>();

  get conversations(): readonly TailAppend[] {
    return [...this.#conversations.values()].map(({ tenant, conversation, bySequence }) => ({
      tenant,
      conversation,
      messages: [...bySequence.values()].sort((one, other) => one.sequence - other.sequence),
    }));
  }

  add({ tenant, message, changed }: LogElement): void {
    const { conversation } = message;
    const key = `${tenant}/${conversation}`;
    let tail = this.#conversations.get(key);
    if (tail === undefined) {
      tail = { tenant, conversation, messages: [], bySequence: new Map() };
      this.#conversations.set(key, tail);
    }
    for (const each of changed === undefined ? [message] : [message, changed.message]) {
      tail.bySequence.set(each.sequence, { sequence: each.sequence, bytes: encodeLogMessage(each) });
      this.count += 1;
    }
  }
}
