// Reads every journal from its first record on, all the time, straight from NATS. It is a follower of the journals: nothing
// is trimmed that it has not seen, however long NATS keeps it from reading. At the end the journals are read once more, and must be what was seen.
import { FollowerWatermarks, NatsJournalFollower, type NatsLink, NatsKeyValueStore } from '@parley/adapters';
import { buckets, streams, subjects } from '@parley/protocol';
import { type ShardId, shardName } from '@parley/runtime';
import { waitUntil } from '@parley/testing/servers';
import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { Truth } from './truth.ts';

interface Numbers {
  readonly shardCounts: Readonly<Record<string, number>>;
  readonly journalParts: number;
}

interface Seen {
  readonly shard: ShardId;
  /** Checksums by journal sequence. */
  readonly records: Map<number, number>;
  last: number;
  /** Up to here others may trim. */
  told: number;
}

const takeMax = 256;
const tellEveryMs = 1_000;

export class JournalWitness {
  readonly truth = new Truth();
  readonly flaws: string[] = [];
  readonly #link: NatsLink;
  readonly #numbers: Numbers;
  readonly #watermarks: FollowerWatermarks;
  readonly #seen: Seen[] = [];
  readonly #stops: (() => void)[] = [];
  #isStopped = false;

  private constructor(link: NatsLink, numbers: Numbers, watermarks: FollowerWatermarks) {
    this.#link = link;
    this.#watermarks = watermarks;
    this.#numbers = numbers;
  }

  static async start(link: NatsLink): Promise<JournalWitness> {
    const config = await new NatsKeyValueStore(link).bucket(buckets.config);
    const row = await config.get('cluster');
    if (row === undefined) throw new Error('the cluster has no numbers yet');
    const watermarks = new FollowerWatermarks(
      await new NatsKeyValueStore(link).bucket(buckets.watermarks),
      'witness',
    );
    await watermarks.join();
    const numbers = JSON.parse(Buffer.from(row.value).toString()) as Numbers;
    const witness = new JournalWitness(link, numbers, watermarks);
    for (const [kind, count] of Object.entries(witness.#numbers.shardCounts)) {
      for (let index = 0; index < count; index++) witness.#watch({ kind, index });
    }
    void witness.#tell();
    return witness;
  }

  get shardCount(): number {
    return this.#seen.length;
  }

  stop(): void {
    this.#isStopped = true;
    for (const stop of this.#stops) stop();
  }

  /** Reads on until the end of every journal. */
  async catchUp(limitMs: number): Promise<void> {
    for (const seen of this.#seen) {
      const last = await this.#lastSequence(seen.shard);
      await waitUntil(() => seen.last >= last, {
        what: `journal ${shardName(seen.shard)} is read up to ${last}`,
        limitMs,
      });
    }
  }

  /** Reads what the journals hold now. Returns how many records were compared; what differs is among the flaws. */
  async readAgain(limitMs: number): Promise<number> {
    let compared = 0;
    const follower = new NatsJournalFollower(this.#link, { parts: this.#numbers.journalParts });
    for (const seen of this.#seen) {
      const reader = follower.follow(seen.shard, 0);
      const timer = setTimeout(() => reader.stop(), limitMs);
      let at = 0;
      while (at < seen.last) {
        const records = await reader.take(takeMax);
        if (records.length === 0) {
          this.flaws.push(`journal ${shardName(seen.shard)} cannot be read beyond ${at} of ${seen.last}`);
          break;
        }
        for (const { sequence, bytes } of records) {
          compared++;
          at = sequence;
          if (sequence <= seen.last && seen.records.get(sequence) !== crc32(bytes))
            this.flaws.push(`journal ${shardName(seen.shard)}: ${sequence} is not what it was`);
        }
      }
      clearTimeout(timer);
      reader.stop();
    }
    return compared;
  }

  #watch(shard: ShardId): void {
    const seen: Seen = { shard, records: new Map(), last: 0, told: 0 };
    this.#seen.push(seen);
    const follower = new NatsJournalFollower(this.#link, { parts: this.#numbers.journalParts });
    const reader = follower.follow(shard, 0);
    this.#stops.push(() => reader.stop());
    const read = async () => {
      while (!this.#isStopped) {
        for (const { sequence, bytes } of await reader.take(takeMax)) {
          seen.records.set(sequence, crc32(bytes));
          seen.last = sequence;
          this.truth.apply(shardName(shard), sequence, bytes);
        }
      }
    };
    read().catch((error: unknown) =>
      this.flaws.push(`journal ${shardName(shard)}: ${(error as Error).message}`),
    );
  }

  /** NATS may be away: then nobody trims either, and the next round tells more. */
  async #tell(): Promise<void> {
    while (!this.#isStopped) {
      await delay(tellEveryMs);
      for (const seen of this.#seen) {
        const { shard, last, told } = seen;
        if (last === told || this.#isStopped) continue;
        const isTold = await this.#watermarks.advance(shard, last).then(
          () => true,
          () => false,
        );
        if (isTold) seen.told = last;
      }
    }
  }

  async #lastSequence(shard: ShardId): Promise<number> {
    const stream = streams.journal(shard.kind, shard.index % this.#numbers.journalParts);
    const subject = subjects.journal(shard.kind, shard.index);
    const message = await this.#link.control.jsm.streams.getMessage(stream, { last_by_subj: subject });
    return message?.seq ?? 0;
  }
}
