// The trim guard on the watermarks bucket: whoever must read every record of the journals writes there, per shard, how far
// it has come. History always does, under `<kind>.<shard>`; further followers (an audit, a backup, a second projection)
// have their names in the key `followers` and write under `<kind>.<shard>.<name>`. Values are sequences in decimal.
import { buckets } from '@parley/protocol';
import {
  type KeyValue,
  type KeyValueEntry,
  type KeyValueStore,
  type ShardId,
  type TrimGuard,
  shardName,
} from '@parley/runtime';

const followersKey = 'followers';
const followerPattern = /^[a-z][a-z0-9-]{0,31}$/;

export class NatsTrimGuard implements TrimGuard {
  readonly #keyValues: KeyValueStore;
  #watermarks: Promise<KeyValue> | undefined;

  constructor(keyValues: KeyValueStore) {
    this.#keyValues = keyValues;
  }

  async safeSequence(shard: ShardId): Promise<number> {
    const watermarks = await this.#bucket();
    const name = shardName(shard);
    const [history, list] = await Promise.all([watermarks.get(name), watermarks.get(followersKey)]);
    const keys = followersOf(list?.value).map((follower) => `${name}.${follower}`);
    const others = await Promise.all(keys.map((key) => watermarks.get(key)));
    return Math.min(...[history, ...others].map((entry) => sequenceOf(shard, entry)));
  }

  #bucket(): Promise<KeyValue> {
    this.#watermarks ??= this.#keyValues.bucket(buckets.watermarks).catch((cause: unknown) => {
      this.#watermarks = undefined;
      throw cause;
    });
    return this.#watermarks;
  }
}

/** The watermarks of a further follower: from `join` until `leave` nothing is trimmed that it has not passed. */
export class FollowerWatermarks {
  readonly #watermarks: KeyValue;
  readonly #follower: string;
  readonly #revisions = new Map<string, number>();

  constructor(watermarks: KeyValue, follower: string) {
    if (!followerPattern.test(follower)) throw new RangeError(`not a name for a follower: ${follower}`);
    this.#watermarks = watermarks;
    this.#follower = follower;
  }

  join(): Promise<void> {
    return this.#changeFollowers((followers) => [...new Set([...followers, this.#follower])]);
  }

  leave(): Promise<void> {
    return this.#changeFollowers((followers) => followers.filter((one) => one !== this.#follower));
  }

  /** Everything up to `sequence` has been read. One process per follower. */
  async advance(shard: ShardId, sequence: number): Promise<void> {
    const key = `${shardName(shard)}.${this.#follower}`;
    const value = new TextEncoder().encode(String(sequence));
    const revision = this.#revisions.get(key) ?? (await this.#watermarks.get(key))?.revision ?? 0;
    const result = await this.#watermarks.write(key, value, revision);
    if (result.outcome === 'written') this.#revisions.set(key, result.revision);
    else this.#revisions.delete(key);
  }

  async #changeFollowers(change: (followers: readonly string[]) => readonly string[]): Promise<void> {
    for (;;) {
      const entry = await this.#watermarks.get(followersKey);
      const value = new TextEncoder().encode(JSON.stringify(change(followersOf(entry?.value))));
      const result = await this.#watermarks.write(followersKey, value, entry?.revision ?? 0);
      if (result.outcome === 'written') return;
    }
  }
}

function followersOf(value: Uint8Array | undefined): readonly string[] {
  if (value === undefined) return [];
  const followers: unknown = JSON.parse(new TextDecoder().decode(value));
  if (Array.isArray(followers) && followers.every((one) => followerPattern.test(String(one))))
    return followers as string[];
  throw new Error('the list of followers in the watermarks bucket is not a list of names');
}

/** 0 where nothing is known. */
function sequenceOf(shard: ShardId, entry: KeyValueEntry | undefined): number {
  if (entry === undefined) return 0;
  const text = new TextDecoder().decode(entry.value);
  // Refused rather than taken for 0 or worse: trimming by a wrong number loses data.
  if (!/^\d{1,15}$/.test(text))
    throw new Error(`watermark of ${shardName(shard)} is not a sequence: ${text}`);
  return Number(text);
}
